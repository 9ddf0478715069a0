// golden-liquid: every case. What does not pass stands in golden_liquid_unsupported.txt with its
// reason, or uses a tag that the language leaves out.
#include "tests/rules/golden_liquid.h"

#include <gtest/gtest.h>

#include <iostream>

#include "tests/outside.h"

namespace dealwright::rules::liquid {
namespace {

namespace json = boost::json;

// What is wrong with what came out; empty: nothing.
std::string judge(const json::object& test) {
  const auto got = run(test);
  if (const auto* invalid = test.if_contains("invalid"); invalid != nullptr && invalid->as_bool())
    return got.starts_with("error: ") ? "" : "is no error but '" + got + "'";
  if (const auto* results = test.if_contains("results")) {
    for (const auto& result : results->as_array()) {
      if (result.as_string() == got) return "";
    }
    return "gives '" + got + "'";
  }
  const std::string wanted{test.at("result").as_string()};
  return got == wanted ? "" : "gives '" + got + "', not '" + wanted + "'";
}

// The same case, wanting what nothing gives.
json::object planted(json::object test) {
  test.erase("results");
  test["invalid"] = false;
  test["result"] = "planted";
  return test;
}

TEST(GoldenLiquidTest, EveryCase) {
  const auto cases = golden_cases();
  if (!cases) outside("golden-liquid");
  if (!cases) GTEST_SKIP() << "no reference data at ../shared/conformance/liquid";
  auto listed = listed_in("golden_liquid_unsupported.txt");
  std::size_t passed = 0, failed = 0, without = 0, known = 0, noticed = 0;
  for (const auto& entry : *cases) {
    const auto& test = entry.as_object();
    const std::string name{test.at("name").as_string()};
    if (const auto tag = left_out(test); !tag.empty()) {
      ++without;
      std::cout << "left out (" << tag << "): " << name << "\n";
      continue;
    }
    const auto wrong = judge(test);
    const auto it = listed.find(name);
    if (it == listed.end()) {
      EXPECT_EQ(wrong, "") << name << ": " << test.at("template").as_string();
      ++(wrong.empty() ? passed : failed);
      if (!judge(planted(test)).empty()) ++noticed;
    } else {
      EXPECT_NE(wrong, "") << name << " passes: take it off golden_liquid_unsupported.txt";
      ++known;
      std::cout << "unsupported " << name << ": " << it->second << "\n";
      listed.erase(it);
    }
  }
  std::cout << "passed " << passed << ", failed " << failed << ", unsupported " << known
            << ", left out " << without << " of " << cases->size() << "\n";
  outside("golden-liquid", passed, passed + failed,
          "cases, " + std::to_string(without) + " left out; of as many planted wrong results " +
              std::to_string(noticed) + " were noticed");
  EXPECT_EQ(without, 60U);
  EXPECT_EQ(noticed, passed + failed) << "a wrong result passes";
  for (const auto& [name, reason] : listed) ADD_FAILURE() << name << " is listed, but no such test";
}

}  // namespace
}  // namespace dealwright::rules::liquid
