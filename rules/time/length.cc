#include "rules/time/length.h"

#include <charconv>

namespace dealwright::rules {

std::optional<Length> parse_length(std::string_view text) {
  std::int64_t n = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), n);
  if (parsed.ec != std::errc{} || n < 0 || n > 100'000'000 || text.front() == '-')
    return std::nullopt;
  const std::string_view unit{parsed.ptr,
                              static_cast<std::size_t>(text.data() + text.size() - parsed.ptr)};
  using Unit = Length::Unit;
  struct Row {
    std::string_view name;
    Unit unit;
    std::int64_t factor;
  };
  static constexpr Row kUnits[] = {
      {"s", Unit::kExact, 1000},          {"min", Unit::kExact, 60'000},
      {"h", Unit::kExact, 3'600'000},     {"d", Unit::kExact, 86'400'000},
      {"cd", Unit::kCalendarDays, 1},     {"bmin", Unit::kBusinessMinutes, 1},
      {"bh", Unit::kBusinessMinutes, 60}, {"bd", Unit::kBusinessDays, 1}};
  for (const auto& row : kUnits) {
    if (row.name == unit) return Length{row.unit, n * row.factor};
  }
  return std::nullopt;
}

bool in_range(const Length& length) {
  switch (length.unit) {
    case Length::Unit::kExact:
      return length.n <= days(kLengthDaysMax).ms;
    case Length::Unit::kBusinessMinutes:
      return length.n <= kLengthDaysMax * 24 * 60;
    case Length::Unit::kCalendarDays:
    case Length::Unit::kBusinessDays:
      return length.n <= kLengthDaysMax;
  }
  return false;
}

Instant add(Instant from, const Length& length, const Calendar& calendar) {
  switch (length.unit) {
    case Length::Unit::kExact:
      return from + milliseconds(length.n);
    case Length::Unit::kCalendarDays: {
      auto local = calendar.zone().local(from);
      local.ms += length.n * 86'400'000;
      return calendar.zone().instant(local);
    }
    case Length::Unit::kBusinessMinutes:
      return calendar.add_minutes(from, length.n);
    case Length::Unit::kBusinessDays:
      return calendar.add_days(from, length.n);
  }
  return from;
}

}  // namespace dealwright::rules
