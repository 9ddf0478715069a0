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

}  // namespace
}  // namespace dealwright::daemon
