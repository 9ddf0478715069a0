// Zones of the tz database as tables.
#include "connectors/daemon/zones.h"

#include <gtest/gtest.h>

namespace dealwright::daemon {
namespace {

TEST(ZonesTest, OffsetsAreThoseOfTheDatabase) {
  const auto zones = named_zones();
  struct Row {
    const char* zone;
    const char* at;
    std::int32_t offset_s;
  };
  const Row rows[] = {
      {"Europe/Paris", "2026-03-29T00:59:59Z", 3600},
      {"Europe/Paris", "2026-03-29T01:00:00Z", 7200},
      {"Europe/Paris", "2026-10-25T01:00:00Z", 3600},
      {"America/New_York", "2026-03-08T06:59:59Z", -18000},
      {"America/New_York", "2026-03-08T07:00:00Z", -14400},
      {"Asia/Kathmandu", "1985-12-31T18:00:00Z", 19800},
      {"Asia/Kathmandu", "2026-01-01T00:00:00Z", 20700},
      {"Europe/Paris", "2036-07-01T00:00:00Z", 7200},
      {"Etc/GMT+3", "2026-01-01T00:00:00Z", -10800},
      // Behind the last transition that the database lists.
      {"Europe/Paris", "2037-12-01T00:00:00Z", 3600},
      {"Europe/Paris", "2038-03-28T00:59:59Z", 3600},
      {"Europe/Paris", "2038-03-28T01:00:00Z", 7200},
      {"Europe/Paris", "2038-10-31T01:00:00Z", 3600},
      {"Europe/Paris", "2500-07-01T00:00:00Z", 7200},
      {"Europe/Paris", "9999-12-01T00:00:00Z", 3600},
      {"America/New_York", "2050-03-13T06:59:59Z", -18000},
      {"America/New_York", "2050-03-13T07:00:00Z", -14400},
      {"Australia/Lord_Howe", "2040-01-15T00:00:00Z", 39600},
      {"Australia/Lord_Howe", "2040-07-15T00:00:00Z", 37800},
      {"Asia/Kathmandu", "2400-01-01T00:00:00Z", 20700},
  };
  for (const auto& row : rows) {
    const auto zone = zones(row.zone);
    ASSERT_NE(zone, nullptr) << row.zone;
    EXPECT_EQ(zone->offset_s(parse_instant(row.at).value()), row.offset_s) << row.zone << row.at;
    EXPECT_EQ(zones(row.zone), zone) << row.zone;
  }
  for (const auto* name : {"", "Mars/Base", "Europe", "../etc/passwd"}) {
    EXPECT_EQ(zones(name), nullptr) << name;
  }
}

// The years that the database lists are those that the rule of its file gives: so the rule is read
// as it is meant.
TEST(ZonesTest, TheRuleOfAZoneGoesOnAsTheListDoes) {
  const auto zones = named_zones();
  constexpr std::int64_t kCycleMs = std::int64_t{146'097} * 86'400'000;  // 400 years
  for (const auto* name : {"Europe/Berlin", "Europe/Dublin", "America/Chicago", "America/Nuuk",
                           "America/Santiago", "Asia/Jerusalem", "Asia/Beirut", "Australia/Sydney",
                           "Pacific/Auckland", "Pacific/Easter"}) {
    const auto zone = zones(name);
    ASSERT_NE(zone, nullptr) << name;
    for (Instant at{1'861'920'000'000}; at < Instant{2'114'380'800'000}; at = at + hours(7)) {
      const Instant later{at.ms + kCycleMs};
      ASSERT_EQ(zone->offset_s(at), zone->offset_s(later)) << name << ' ' << to_text(at);
      ASSERT_EQ(zone->instant(zone->local(at)).ms + kCycleMs, zone->instant(zone->local(later)).ms)
          << name << ' ' << to_text(at);
    }
  }
}

}  // namespace
}  // namespace dealwright::daemon
