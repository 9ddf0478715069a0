// Our engine beside npm liquidjs on the cases of golden-liquid and some of our own. Where the two
// differ stands in liquidjs_divergences.txt, with the reason.
#include <gtest/gtest.h>

#include <iostream>

#include "tests/child.h"
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
  if (tools.folder.empty()) GTEST_SKIP() << tools.reason;
  auto cases = golden_cases().value_or(json::array{});
  for (const auto* own : kOwn) cases.push_back(json::parse(own));
  ::setenv("DW_NODE_MODULES", tools.folder.c_str(), 1);
  Child twin{{"node", std::string{DW_SOURCE_DIR} + "/tests/npm/liquid_twin.js"}};
  auto listed = listed_in("liquidjs_divergences.txt");
  int same = 0, known = 0;
  for (const auto& entry : cases) {
    const auto& test = entry.as_object();
    const std::string name{test.at("name").as_string()};
    const auto* invalid = test.if_contains("invalid");
    if (!left_out(test).empty() || (invalid != nullptr && invalid->as_bool())) continue;
    twin.say(json::serialize(test) + "\n");
    const auto answer = json::parse(twin.line()).as_object();
    const auto* out = answer.if_contains("out");
    const std::string theirs{out != nullptr ? out->as_string() : answer.at("error").as_string()};
    const auto ours = run(test);
    const auto it = listed.find(name);
    if (it == listed.end()) {
      EXPECT_EQ(ours, theirs) << name << ": " << test.at("template").as_string();
      ++same;
    } else {
      EXPECT_NE(ours, theirs) << name << " agrees: take it off liquidjs_divergences.txt";
      ++known;
      std::cout << "differs " << name << ": " << it->second << "\n";
      listed.erase(it);
    }
  }
  std::cout << "the same " << same << ", listed as different " << known << "\n";
  if (golden_cases()) {
    for (const auto& [name, reason] : listed)
      ADD_FAILURE() << name << " is listed, but no such case";
  }
}

}  // namespace
}  // namespace dealwright::rules::liquid
