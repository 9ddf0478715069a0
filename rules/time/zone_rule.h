// What a zone does behind the last transition that its database lists: the rule in the footer of a
// TZif file (RFC 8536), a POSIX TZ string such as CET-1CEST,M3.5.0,M10.5.0/3.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "rules/time/zone.h"

namespace dealwright::rules {

class ZoneRule {
 public:
  // None: not such a string.
  static std::optional<ZoneRule> parse(std::string_view text);
  // The transitions of these years, in order; none if the offset is always the same.
  std::vector<Zone::Transition> transitions(std::int32_t first_year, std::int32_t last_year) const;
  bool changes() const { return changes_; }

 private:
  struct Day {  // and time, of a change, by the clocks before it
    enum class Form : std::uint8_t { kMonthWeek, kJulian, kZeroBased };
    Form form = Form::kMonthWeek;
    std::int32_t month = 1, week = 1, weekday = 0;
    std::int32_t day = 0;
    std::int32_t time_s = 7200;
    std::int64_t local_s(std::int32_t year) const;  // since 1970, as those clocks show it
  };
  static bool read_day(std::string_view& text, Day& out);

  std::int32_t standard_s_ = 0;
  std::int32_t summer_s_ = 0;
  bool changes_ = false;
  Day to_summer_, to_standard_;
};

}  // namespace dealwright::rules
