// Our engine beside npm liquidjs on the cases of golden-liquid and some of our own. Where the two
// differ stands in liquidjs_divergences.txt, with the reason.
#include <gtest/gtest.h>

#include <iostream>

#include "tests/child.h"
#include "tests/outside.h"
#include "tests/rules/golden_liquid.h"

namespace dealwright::rules::liquid {
namespace {

namespace json = boost::json;

// What mails do most, beside what the suite holds.
constexpr const char* kOwn[] = {
    R"({"name":"own, a list of lines","template":"{% for l in lines %}{{ forloop.index }}. {{ l.name | escape }}{% unless forloop.last %}\n{% endunless %}{% else %}none{% endfor %}","data":{"lines":[{"name":"A & B"},{"name":"C"}]}})",
    R"({"name":"own, else of an empty list","template":"{% for l in lines %}x{% else %}none{% endfor %}","data":{"lines":[]}})",
    R"({"name":"own, default and filters","template":"{{ a.b.c | default: 'there' | upcase | append: '!' }}","data":{}})",
    R"({"name":"own, white space","template":"a\n  {%- if x -%}\n  b {{- x -}} c\n{%- endif %}\nd","data":{"x":1}})",
    R"({"name":"own, dates","template":"{{ at | date: '%Y-%m-%d %H:%M %-d %e %B %b %A %a %j %y %I %p' }}","data":{"at":"2026-03-02T23:30:00Z"}})",
    R"({"name":"own, case","template":"{% case n %}{% when 1 or 2 %}low{% when 3, 4 %}high{% else %}?{% endcase %}","data":{"n":4}})",
    R"({"name":"own, numbers","template":"{{ 7 | divided_by: 2 }} {{ 7.5 | times: 2 }} {{ 10 | modulo: 3 }} {{ 2.345 | round: 2 }} {{ -3 | abs }}","data":{}})",
    R"({"name":"own, sort and where","template":"{{ l | where: 'ok', true | sort: 'n' | map: 'n' | join: ',' }}","data":{"l":[{"n":2,"ok":true},{"n":1,"ok":true},{"n":0,"ok":false}]}})",
};

TEST(LiquidJsTest, TheTwoAgreeOrTheDifferenceIsListed) {
  const auto tools = npm_tools();
  if (tools.folder.empty()) outside("liquidjs");
  if (tools.folder.empty()) GTEST_SKIP() << tools.reason;
  auto cases = golden_cases().value_or(json::array{});
  for (const auto* own : kOwn) cases.push_back(json::parse(own));
  ::setenv("DW_NODE_MODULES", tools.folder.c_str(), 1);
  Child twin{{"node", std::string{DW_SOURCE_DIR} + "/tests/npm/liquid_twin.js"}};
  const auto theirs_of = [&twin](const json::object& test) {
    twin.say(json::serialize(test) + "\n");
    const auto answer = json::parse(twin.line()).as_object();
    const auto* out = answer.if_contains("out");
    return std::string{out != nullptr ? out->as_string() : answer.at("error").as_string()};
  };
  auto listed = listed_in("liquidjs_divergences.txt");
  std::size_t same = 0, different = 0, known = 0;
  for (const auto& entry : cases) {
    const auto& test = entry.as_object();
    const std::string name{test.at("name").as_string()};
    const auto* invalid = test.if_contains("invalid");
    if (!left_out(test).empty() || (invalid != nullptr && invalid->as_bool())) continue;
    const auto theirs = theirs_of(test);
    const auto ours = run(test);
    const auto it = listed.find(name);
    if (it == listed.end()) {
      EXPECT_EQ(ours, theirs) << name << ": " << test.at("template").as_string();
      ++(ours == theirs ? same : different);
    } else {
      EXPECT_NE(ours, theirs) << name << " agrees: take it off liquidjs_divergences.txt";
      ++known;
      std::cout << "differs " << name << ": " << it->second << "\n";
      listed.erase(it);
    }
  }
  // What is told to it otherwise than to us comes out otherwise.
  std::size_t noticed = 0;
  for (const auto* own : kOwn) {
    const auto test = json::parse(own).as_object();
    auto planted = test;
    planted["template"] = "{{ 'planted' | upcase }}" + std::string{test.at("template").as_string()};
    const auto theirs = theirs_of(planted);
    EXPECT_TRUE(theirs.starts_with("PLANTED")) << theirs;
    if (run(test) != theirs) ++noticed;
  }
  EXPECT_EQ(noticed, std::size(kOwn)) << "a wrong result passes";
  std::cout << "the same " << same << ", listed as different " << known << "\n";
  outside("liquidjs", same, same + different,
          "cases, " + std::to_string(known) + " listed as different; of " +
              std::to_string(std::size(kOwn)) + " planted wrong results " +
              std::to_string(noticed) + " were noticed");
  if (golden_cases()) {
    for (const auto& [name, reason] : listed)
      ADD_FAILURE() << name << " is listed, but no such case";
  }
}

}  // namespace
}  // namespace dealwright::rules::liquid
