// A time zone as data: what its clocks showed, sorted. The tz database is the caller's; a rule set
// decides alike for ever because the transitions it used are given to it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"

namespace dealwright::rules {

// Clock time of a zone: milliseconds since 1970-01-01T00:00 as its clocks show it.
struct LocalTime {
  std::int64_t ms = 0;
  friend auto operator<=>(const LocalTime&, const LocalTime&) = default;
  LocalDate date() const;
  std::int32_t minute_of_day() const;
};
LocalTime local_time(LocalDate date, std::int32_t minute_of_day);

class Zone {
 public:
  struct Transition {
    Instant at;                 // from here on ...
    std::int32_t offset_s = 0;  // ... clocks show UTC plus this
  };
  // `first_offset_s` holds before the first transition. `repeats`: what the last 400 years hold
  // comes again for ever, as the calendar does; else the last offset stays.
  // REQUIRES: transitions sorted by `at`; if it repeats, the last 402 years go by one rule
  Zone(std::string name, std::int32_t first_offset_s, std::vector<Transition> transitions,
       bool repeats = false);

  const std::string& name() const { return name_; }
  std::int32_t offset_s(Instant at) const;
  LocalTime local(Instant at) const;
  // The instant that clocks show `time` at. In a gap (clocks jump forward) the first instant behind
  // it, in an overlap the first of the two.
  Instant instant(LocalTime time) const;
  LocalDate date(Instant at) const { return local(at).date(); }

 private:
  std::int64_t cycles_behind(std::int64_t ms) const;
  std::string name_;
  std::int32_t first_offset_s_;
  std::vector<Transition> transitions_;
  std::optional<std::int64_t> cycle_end_ms_;  // from here on it repeats
};

const Zone& utc();
// "UTC", "Z", "+02:00", "-0330"; none: another name, ask the tz database.
std::shared_ptr<const Zone> fixed_zone(std::string_view name);

// Named zones of the caller's tz database; none: no such zone. The same answer for the same name
// for as long as a rule set lives. May be empty: then only fixed offsets are known.
using ZoneProvider = std::function<std::shared_ptr<const Zone>(std::string_view name)>;
std::shared_ptr<const Zone> find_zone(std::string_view name, const ZoneProvider& named);

}  // namespace dealwright::rules
