// Footers of TZif files, as the tz database has them.
#include "rules/time/zone_rule.h"

#include "tests/table.h"

namespace dealwright::rules {
namespace {

std::string shown(const std::string& text, std::int32_t year) {
  const auto rule = ZoneRule::parse(text);
  if (!rule) return "no rule";
  if (!rule->changes()) return "never";
  std::string out;
  for (const auto& t : rule->transitions(year, year)) {
    out +=
        (out.empty() ? "" : ", ") + to_text(t.at).substr(0, 16) + " " + std::to_string(t.offset_s);
  }
  return out;
}

TEST(ZoneRuleTest, ReadsWhatTheDatabaseWrites) {
  struct Row {
    const char* rule;
    std::int32_t year;
    const char* shown;
  };
  const Row rows[] = {
      {"UTC0", 2040, "never"},
      {"<+0545>-5:45", 2040, "never"},
      {"CET-1CEST,M3.5.0,M10.5.0/3", 2026, "2026-03-29T01:00 7200, 2026-10-25T01:00 3600"},
      {"CET-1CEST,M3.5.0,M10.5.0/3", 2040, "2040-03-25T01:00 7200, 2040-10-28T01:00 3600"},
      {"EST5EDT,M3.2.0,M11.1.0", 2026, "2026-03-08T07:00 -14400, 2026-11-01T06:00 -18000"},
      // Half an hour; the year begins in summer.
      {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 2040,
       "2040-03-31T15:00 37800, 2040-10-06T15:30 39600"},
      {"IST-1GMT0,M10.5.0,M3.5.0/1", 2040, "2040-03-25T01:00 3600, 2040-10-28T01:00 0"},
      {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 2040, "2040-03-25T01:00 -3600, 2040-10-28T01:00 -7200"},
      {"EET-2EEST,M3.4.4/50,M10.4.4/50", 2040, "2040-03-24T00:00 10800, 2040-10-26T23:00 7200"},
      {"IST-2IDT,J60/2,J300/2", 2040, "2040-03-01T00:00 10800, 2040-10-26T23:00 7200"},
      {"AAA3BBB,59,300", 2040, "2040-02-29T05:00 -7200, 2040-10-27T04:00 -10800"},
      {"", 2040, "no rule"},
      {"CET", 2040, "no rule"},
      {"CET-1CEST", 2040, "no rule"},
      {"CET-1CEST,M3.5.0", 2040, "no rule"},
      {"CET-1CEST,M13.5.0,M10.5.0", 2040, "no rule"},
      {"CET-1CEST,M3.5.0,M10.5.0/3 ", 2040, "no rule"},
      {"CET-99", 2040, "no rule"},
  };
  for (const auto& row : rows) EXPECT_EQ(shown(row.rule, row.year), row.shown) << row.rule;
}

}  // namespace
}  // namespace dealwright::rules
