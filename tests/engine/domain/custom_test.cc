// Fields of their own that ops declare: typed where they are declared, beside in `extra` where not;
// the event stands either way.
#include <gtest/gtest.h>

#include "engine/domain/schema.h"
#include "tests/engine/domain/story.h"
#include "tests/table.h"

namespace dealwright {
namespace {

constexpr const char* kDeclared =
    "workspace/w schema.updated text=x "
    "fields={\"deal\":{\"s\":{\"type\":\"text\"},\"i\":{\"type\":\"int\"},\"b\":{\"type\":\"bool\"}"
    ","
    "\"m\":{\"type\":\"money\"},\"t\":{\"type\":\"instant\"},\"d\":{\"type\":\"date\"},"
    "\"z\":{\"type\":\"zone\"},\"n\":{\"type\":\"decimal(2)\"},\"w\":{\"type\":\"decimal(0)\"},"
    "\"e\":{\"type\":\"enum\",\"values\":[\"a\",\"b\"]},\"l\":{\"type\":\"texts\"},"
    "\"r\":{\"type\":\"ref(user)\"}},"
    "\"lead\":{\"i\":{\"type\":\"text\",\"required\":true}}};";

std::string list(const std::vector<NamedRegister>& all) {
  std::string out;
  for (const auto& r : all) {
    if (!r.value.absent()) out += (out.empty() ? "" : " ") + r.name + "=" + to_json(r.value);
  }
  return out;
}

// "custom; extra" of the record.
std::string held(Story& story, const std::string& of) {
  const auto* record = story.find(parse_record_key(of));
  if (record == nullptr) return "unknown";
  const auto custom = list(record->custom);
  const auto extra = list(record->extra);
  return custom + (extra.empty() ? "" : " beside " + extra);
}

std::string come_to(const Row& row) {
  Story story;
  EXPECT_EQ(story.tell(kDeclared), "");
  const auto refusal = story.tell(row["when"]);
  if (!refusal.empty()) return "refused " + refusal;
  auto out = held(story, row["of"]);
  return out.starts_with(" ") ? out.substr(1) : out;
}

// One custom value of a deal.
std::string come_to_value(const Row& row) {
  Story story;
  EXPECT_EQ(story.tell(kDeclared), "");
  EXPECT_EQ(
      story.tell("deal.opened pipeline=p custom={\"" + row["field"] + "\":" + row["value"] + "}"),
      "");
  const auto& record = *story.find(parse_record_key("deal/d"));
  EXPECT_EQ(record.custom.size() + record.extra.size(), 1U);
  return record.custom.empty() ? "beside" : list(record.custom);
}

TEST(CustomTest, EachTypeTakesItsOwn) {
  expect_table(R"(
    field | value | then
    s | "x" | s="x"
    s | 1 | beside
    i | 7 | i=7
    i | 7.0 | i=7
    i | "7" | i=7
    i | 7.5 | beside
    b | true | b=true
    b | "true" | beside
    m | "2500_EUR" | beside
    m | {"minor":250000,"currency":"EUR"} | m={"currency":"EUR","minor":250000}
    m | {"minor":1,"currency":"EURO"} | beside
    m | 5 | beside
    t | "2026-03-02T09:00:00Z" | t="2026-03-02T09:00:00.000Z"
    t | "2026-03-02T10:00:00+01:00" | t="2026-03-02T09:00:00.000Z"
    t | "yesterday" | beside
    d | "2026-03-02" | d="2026-03-02"
    d | "2026-02-30" | beside
    z | "Europe/Paris" | z="Europe/Paris"
    n | "1.5" | n="1.50"
    n | 1.25 | n="1.25"
    n | "007" | n="7.00"
    n | "1.500" | n="1.50"
    n | "1.555" | beside
    n | "-0.00" | n="0.00"
    n | "-0.10" | n="-0.10"
    n | "1e3" | beside
    w | 12 | w="12"
    w | 12.5 | beside
    e | "a" | e="a"
    e | "c" | beside
    e | 1 | beside
    l | ["x","y"] | l=["x","y"]
    l | ["x",1] | beside
    r | "user/u1" | r="u1"
    r | "u1" | r="u1"
    r | 1 | beside
  )",
               come_to_value);
}

TEST(CustomTest, DeclaredIsTypedTheRestStandsBeside) {
  expect_table(R"(
    of | when | then
    deal/d | deal.opened pipeline=p custom={"i":1,"x":true} | i=1 beside x=true
    deal/d | deal.opened pipeline=p colour=red | beside colour="red"
    deal/d | deal.opened pipeline=p custom={"i":1}; deal.updated set={"custom":{"i":2}} | i=2
    deal/d | deal.opened pipeline=p custom={"i":2}; @-1d deal.updated set={"custom":{"i":1}} | i=2
    deal/d | deal.opened pipeline=p custom={"i":1}; deal.updated set={"custom":{"i":null}} |
    # a mistyped value leaves the typed one as it is
    deal/d | deal.opened pipeline=p custom={"i":1}; deal.updated set={"custom":{"i":"many"}} | i=1 beside i="many"
    # kinds have fields of their own
    lead/l | lead.captured custom={"i":"x","s":"y"} | i="x" beside s="y"
    # whatever the order in which they come in
    deal/d | deal.opened pipeline=p; deal.updated set={"custom":{"i":1}}; @-1d deal.updated set={"custom":{"i":"many"}} | i=1 beside i="many"
    # merged: gaps are filled
    lead/m | lead.captured custom={"i":"x"}; lead/m lead.captured; lead.merged into=m | i="x"
  )",
               come_to);
}

TEST(CustomTest, AFactIsReadByTheSchemaOfItsTime) {
  Story story;
  const auto declare = [&](const std::string& fields) {
    return story.tell("workspace/w schema.updated text=x fields=" + fields);
  };
  EXPECT_EQ(story.tell("deal.opened pipeline=p custom={\"i\":1}"), "");
  EXPECT_EQ(held(story, "deal/d"), " beside i=1");  // nothing is declared yet
  EXPECT_EQ(declare(R"({"deal":{"i":{"type":"int"}}})"), "");
  EXPECT_EQ(held(story, "deal/d"), " beside i=1");  // what came in stays as it was read
  EXPECT_EQ(story.tell("deal.updated set={\"custom\":{\"i\":2}}"), "");
  EXPECT_EQ(held(story, "deal/d"), "i=2 beside i=1");
  EXPECT_EQ(declare("{}"), "");
  EXPECT_EQ(story.tell("deal.updated set={\"custom\":{\"i\":3}}"), "");
  EXPECT_EQ(held(story, "deal/d"), "i=2 beside i=3");
  // Folded anew, each fact finds the schema that it found first.
  EXPECT_EQ(story.tell("deal.won; event.retracted source=t id=e6 reason=slip"), "");
  EXPECT_EQ(held(story, "deal/d"), "i=2 beside i=3");
}

std::string flags(const std::vector<CustomFault>& faults) {
  std::string out;
  for (const auto& fault : faults) out += fault.field + ": " + fault.detail + "\n";
  return out;
}

TEST(CustomTest, FlagsSayWhichValueAndWhy) {
  Story story;
  ASSERT_EQ(story.tell(kDeclared), "");
  Fields data;
  Map fields;
  fields.emplace_back(
      "lead", Value{Map{{"i", Value{Map{{"type", Value{"text"}}, {"required", Value{true}}}}}}});
  fields.emplace_back(
      "deal",
      Value{Map{{"e", Value{Map{{"type", Value{"enum"}}, {"values", Value{List{Value{"a"}}}}}}}}});
  data.set(Field::kFields, Value{std::move(fields)});
  const auto schema = read_schema(data);
  ASSERT_TRUE(schema) << schema.error().detail;
  const auto of = [&](const char* record) {
    return flags(custom_faults(*story.find(parse_record_key(record)), schema.value().get()));
  };
  EXPECT_EQ(story.tell("lead.captured; deal.opened pipeline=p custom={\"e\":\"c\"}"), "");
  EXPECT_EQ(of("lead/l"), "i: i is required and missing\n");
  EXPECT_EQ(of("deal/d"), "e: \"c\" is no value of e; write one of a\n");
  EXPECT_EQ(story.tell("lead.updated set={\"custom\":{\"i\":\"x\"}}; deal.updated "
                       "set={\"custom\":{\"e\":\"a\"}}"),
            "");
  EXPECT_EQ(of("lead/l"), "");
  EXPECT_EQ(of("deal/d"), "");  // a newer one is sound
  Event event;
  event.type = TypeId::kDealUpdated;
  event.subject = {Kind::kDeal, "d"};
  event.data.set(Field::kSet, Value{Map{{"custom", Value{Map{{"e", Value{7}}, {"x", Value{7}}}}}}});
  EXPECT_EQ(flags(custom_faults(event, schema.value().get())),
            "e: 7 is no value of e; write one of a\n");
  EXPECT_EQ(flags(custom_faults(event, nullptr)), "");
}

}  // namespace
}  // namespace dealwright
