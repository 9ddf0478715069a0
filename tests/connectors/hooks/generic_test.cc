// The generic hook: places, texts, values, tests, and what happens to what does not fit.
#include <gtest/gtest.h>

#include "connectors/hooks/path.h"
#include "engine/codec/json.h"
#include "tests/connectors/hooks/bed.h"
#include "tests/table.h"

namespace dealwright::hooks {
namespace {

constexpr const char* kVerify = "verify: { scheme: header, header: X-Token }\n";

TEST(HookTextTest, TextsOfANotice) {
  Notice notice;
  notice.body =
      codec::parse_json(
          R"({"a":{"b":"x","n":7,"big":1652977933433528301,"f":2.5,"t":true,"z":null,"e":""},)"
          R"("l":[{"v":"p"},{"v":"q"},{"w":1}],"odd name":{"x.y":"o"},"S":"Grün & Blau"})")
          .value();
  notice.facts = {{"id", Value{"i"}}};
  notice.aliases = {{"in", "a"}};
  const Map settings{{"prefix", Value{""}}};
  expect_table(R"(
    text                   | then
    {a.b}                  | x
    {a.n}-{a.f}-{a.t}      | 7-2.5-true
    {a.big}                | 1652977933433528301
    d/{$prefix}{a.b}       | d/x
    d/{a.z}                |
    d/{a.e}                |
    d/{a.none}             |
    d/{a}                  |
    {l[1].v}               | q
    {l[9].v}               |
    {['odd name']['x.y']}  | o
    {@id}{@in.b}           | ix
    {{{a.b}}}              | {x}
    {S~slug}               | grün-blau
    {S~upper}              | GRüN & BLAU
    {a                     | a '{' without '}'; write {{ for a brace
    a}                     | a '}' without '{'; write }} for a brace
    {}                     | {} names no place; write {a.b}, {@id} or {$currency}
    {a..b}                 | a place has no empty name; write {a.b}
    {a.}                   | a place ends in '.'; write {a.b}
    {a[x]}                 | '[x]' is no place; write [0], [*] or ['a name']
    {a[0}                  | a '[' without ']'; write [0], [*] or ['a name']
    {a[0]b}                | 'b' follows ']'; write [0].name
    {a~loud}               | unknown filter 'loud'; lower, upper or slug
    {$a.b}                 | a setting is one text; write {$currency}
  )",
               [&](const Row& row) -> std::string {
                 auto written = row["text"];
                 std::replace(written.begin(), written.end(), '~', '|');
                 Text text;
                 if (auto wrong = parse_text(written, text); !wrong.empty()) return wrong;
                 Scope scope{notice, settings};
                 return scope.render(text);
               });
}

constexpr const char* kShop = R"(
source: shop/eu
settings: { currency: EUR }
tables: { stages: { paid: won, open: "" } }
notices:
  each: events
  id: "{id}"
  time: ["{at}", "{around.sent}"]
  type: "com.example.{kind}"
  subject: "lead/{lead}"
emit:
  - when: { kind: ping }
    drop: a ping says nothing
  - when: { kind: cart, total: { filled: true } }
    type: lead.captured
    subject: "lead/{lead}"
    partition_key: "lead/{lead}"
    data:
      source: shop
      amount: { from: "{total}", currency: "{$currency}" }
      custom: { items: "{items}", vip: "{vip}" }
  - when: { kind: stage }
    type: deal.stage_changed
    subject: "deal/{deal}"
    data: { to: { from: "{stage}", table: stages } }
  - when: { kind: { prefix: many } }
    each: items
    type: "{around.what}.deleted"
    subject: "deal/{@each.id}"
    data: { reason: "{why}" }
)";

TEST(GenericHookTest, NoticesToEvents) {
  const auto hook = hook_of_kind("generic", kVerify + std::string{kShop});
  const auto run = [&](const std::string& item) {
    return lines(dry(hook, R"({"sent":1780000000,"what":"deal","events":[)" + item + "]}"), true);
  };
  EXPECT_EQ(
      run(R"({"id":1,"kind":"cart","lead":"l1","at":"2026-03-02T09:00:00+01:00","total":12.5,)"
          R"("items":[1,2],"vip":true,"note":"n"})"),
      "1 2026-03-02T08:00:00Z lead.captured lead/l1 {\"amount\":{\"currency\":\"EUR\",\"minor\":"
      "1250},\"custom\":{\"items\":[1,2],\"vip\":true},\"payload\":{\"around\":{\"sent\":"
      "1780000000,\"what\":\"deal\"},\"at\":\"2026-03-02T09:00:00+01:00\",\"id\":1,\"kind\":"
      "\"cart\",\"note\":\"n\"},\"source\":\"shop\"}\n");
  // An optional field that does not fit is left out, and stays in the payload as it came.
  const auto misfit = run(R"({"id":2,"kind":"cart","lead":"l1","total":"dear"})");
  EXPECT_NE(misfit.find(R"("total":"dear")"), std::string::npos) << misfit;
  EXPECT_NE(misfit.find("lead.captured lead/l1"), std::string::npos) << misfit;
  EXPECT_NE(misfit.find("left out: field_not_mapped lead.captured: amount: "), std::string::npos)
      << misfit;
  const auto many = run(R"({"id":3,"kind":"many","why":"w","items":[{"id":1},{"id":2}]})");
  EXPECT_TRUE(many.starts_with("3 2026-05-28T20:26:40Z deal.deleted deal/1 {\"payload\":")) << many;
  EXPECT_NE(many.find("\n3:2 2026-05-28T20:26:40Z deal.deleted deal/2 {\"reason\":\"w\"}\n"),
            std::string::npos)
      << many;
}

TEST(GenericHookTest, ForeignAndDropped) {
  const auto hook = hook_of_kind("generic", kVerify + std::string{kShop});
  const auto run = [&](const std::string& item) {
    return lines(dry(hook, R"({"events":[)" + item + "]}"), true);
  };
  EXPECT_EQ(run(R"({"id":"p","kind":"ping"})"), "left out: dropped a ping says nothing\n");
  EXPECT_EQ(
      run(R"({"id":3,"kind":"stage","deal":"d","stage":"open"})"),
      "3 undated com.example.stage hook/t {\"deal\":\"d\",\"id\":3,\"kind\":\"stage\",\"stage\":"
      "\"open\"}\nleft out: not_mapped deal.stage_changed: to is empty, and the type needs it\n");
  EXPECT_EQ(run(R"({"id":4,"kind":"other","lead":"l1"})"),
            "4 undated com.example.other lead/l1 {\"id\":4,\"kind\":\"other\",\"lead\":\"l1\"}\n");
  EXPECT_EQ(run(R"({"id":5,"kind":"many","items":[{"id":1},{"id":2}]})").substr(0, 11),
            "5 undated c")
      << "around.what is not there, so its type is empty";
  // Without an id of its own a notice is known by its bytes.
  const auto plain = hook_of_kind("generic", kVerify);
  const auto first = dry(plain, R"({"b":1,"a":2})");
  EXPECT_EQ(first.value().events[0].id, dry(plain, R"({"a":2,"b":1})").value().events[0].id);
  EXPECT_NE(first.value().events[0].id, dry(plain, R"({"a":2,"b":2})").value().events[0].id);
  EXPECT_EQ(first.value().events[0].source, "generic/t");
}

TEST(GenericHookTest, LongIdsAreCutAndStayApart) {
  const auto hook = hook_of_kind("generic", std::string{kVerify} + "notices: { id: \"{id}\" }\n");
  const auto id = [&](const std::string& text) {
    return dry(hook, R"({"id":")" + text + "\"}").value().events[0].id;
  };
  const std::string longest(190, 'x');
  EXPECT_EQ(id(longest), longest);
  EXPECT_LE(id(longest + "y").size(), 200U);
  EXPECT_NE(id(longest + "y"), id(longest + "z"));
  EXPECT_LE(id("a\\u0007b").size(), 40U);  // no control character
}

TEST(GenericHookTest, HeadersButNoProofs) {
  const auto hook = hook_of_kind(
      "generic",
      std::string{kVerify} +
          "notices: { id: \"{@headers.x-id}\", type: \"com.{@headers.x-token}.x.y\" }\n");
  const std::string body = R"([{"a":1},{"a":2}])";
  HookRequest request;
  request.body = body;
  request.headers = {{"X-Id", "7"}, {"X-Token", kSecret}, {"Cookie", "c"}};
  EXPECT_EQ(lines(hook.read(request), true),
            "7#1 undated com.dealwright.hook.t hook/t {\"a\":1}\n"
            "7#2 undated com.dealwright.hook.t hook/t {\"a\":2}\n");
}

// Who may send facts may not publish rules by way of a mapping that takes its types from them.
TEST(GenericHookTest, APayloadChoosesNoReferenceData) {
  const auto hook = hook_of_kind("generic", std::string{kVerify} +
                                                "emit: [{ type: \"{type}\", subject: "
                                                "\"{subject}\", data: { text: \"{text}\" } }]\n");
  expect_table(R"(
    type           | subject | then
    note.added     | deal/1  | note.added
    rule.published | rule/r  | com.dealwright.hook.t
    user.updated   | user/u  | com.dealwright.hook.t
    kpi.measured   | deal/1  | com.dealwright.hook.t
    deal.won       | lead/1  | com.dealwright.hook.t
    a.b.c          | x/y     | a.b.c
  )",
               [&](const Row& row) {
                 const auto read = dry(hook, "{\"type\":\"" + row["type"] + "\",\"subject\":\"" +
                                                 row["subject"] + "\",\"text\":\"t\"}");
                 return std::string{read.value().events.at(0).type_name()};
               });
}

// Every item that comes in is in the events or has a line that says why not.
TEST(GenericHookTest, TooManyValuesForAnEvent) {
  const auto hook =
      hook_of_kind("generic", std::string{kVerify} +
                                  "emit: [{ type: com.example.a.b, subject: x/y, data: { a: "
                                  "\"{a}\", b: \"{a}\", c: \"{a}\" } }]\n");
  const auto list = [](int count) {
    std::string out = "{\"a\":[";
    for (int i = 0; i < count; ++i) out += i == 0 ? "1" : ",1";
    return out + "]}";
  };
  EXPECT_TRUE(lines(dry(hook, list(100))).starts_with("undated com.example.a.b x/y"));
  const auto many = lines(dry(hook, list(4'000)));
  EXPECT_TRUE(many.starts_with("undated com.dealwright.hook.t hook/t {\"a\":[1,"))
      << many.substr(0, 80);
  EXPECT_NE(many.find("left out: not_mapped"), std::string::npos);
  EXPECT_EQ(lines(dry(hook, list(5'000))), "400 bad_payload");
}

}  // namespace
}  // namespace dealwright::hooks
