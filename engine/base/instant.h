// Time as values. Instants are UTC milliseconds; nothing here reads a clock.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace dealwright {

// A length of time in milliseconds. A day here is 24 h exactly.
struct Duration {
  std::int64_t ms = 0;
  friend auto operator<=>(const Duration&, const Duration&) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.ms + b.ms}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {a.ms - b.ms}; }
};
constexpr Duration milliseconds(std::int64_t n) { return {n}; }
constexpr Duration seconds(std::int64_t n) { return {n * 1000}; }
constexpr Duration minutes(std::int64_t n) { return {n * 60'000}; }
constexpr Duration hours(std::int64_t n) { return {n * 3'600'000}; }
constexpr Duration days(std::int64_t n) { return {n * 86'400'000}; }

// A calendar day without zone: days since 1970-01-01.
struct LocalDate {
  std::int32_t days = 0;
  friend auto operator<=>(const LocalDate&, const LocalDate&) = default;
};

// Milliseconds since 1970-01-01T00:00:00Z.
struct Instant {
  std::int64_t ms = 0;
  friend auto operator<=>(const Instant&, const Instant&) = default;
  friend constexpr Instant operator+(Instant at, Duration d) { return {at.ms + d.ms}; }
  friend constexpr Instant operator-(Instant at, Duration d) { return {at.ms - d.ms}; }
  friend constexpr Duration operator-(Instant a, Instant b) { return {a.ms - b.ms}; }
};
inline constexpr Instant kBeforeAll{std::numeric_limits<std::int64_t>::min()};
inline constexpr Instant kAfterAll{std::numeric_limits<std::int64_t>::max()};
// What a form may carry: years 1 to 9999, so that texts have a fixed shape.
inline constexpr Instant kInstantMin{-62'135'596'800'000};
inline constexpr Instant kInstantMax{253'402'300'799'999};

// The UTC day that `at` lies in; months count from year 0.
LocalDate utc_date(Instant at);
constexpr Instant start_of(LocalDate date) { return {std::int64_t{date.days} * 86'400'000}; }

struct YearMonthDay {
  std::int32_t year;
  std::uint32_t month;  // 1..12
  std::uint32_t day;    // 1..31
};
YearMonthDay civil(LocalDate date);
// REQUIRES: a date that exists.
LocalDate date_of(YearMonthDay civil);
bool exists(YearMonthDay civil);
constexpr std::int32_t month_number(YearMonthDay c) {
  return c.year * 12 + static_cast<std::int32_t>(c.month) - 1;
}

// RFC 3339 with an offset, seconds with any number of decimals (cut to ms), 't', 'z' and a blank
// for 'T' allowed. kInvalid says what is wrong.
Result<Instant> parse_instant(std::string_view text);
// As above, where a missing offset means UTC and the time of day may be missing or without seconds.
Result<Instant> parse_instant_lenient(std::string_view text);
// `2026-03-02T09:00:00.000Z`; `short` leaves out milliseconds that are 0.
std::string to_text(Instant at);
std::string to_short_text(Instant at);

Result<LocalDate> parse_date(std::string_view text);  // 2026-03-02
std::string to_text(LocalDate date);

}  // namespace dealwright
