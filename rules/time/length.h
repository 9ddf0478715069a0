// T of the rule language: `90s 5min 2h 3d` exact, `2cd` calendar days, `15bmin 2bh 1bd` business
// time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rules/time/calendar.h"

namespace dealwright::rules {

struct Length {
  enum class Unit : std::uint8_t { kExact, kCalendarDays, kBusinessMinutes, kBusinessDays };
  Unit unit = Unit::kExact;
  std::int64_t n = 0;  // milliseconds, days, minutes, days
  friend bool operator==(const Length&, const Length&) = default;
};
inline constexpr std::int64_t kLengthDaysMax = 730;

// None: no T.
std::optional<Length> parse_length(std::string_view text);
// Up to 730 days of whatever kind.
bool in_range(const Length& length);
Instant add(Instant from, const Length& length, const Calendar& calendar);

}  // namespace dealwright::rules
