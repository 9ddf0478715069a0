// Business time: the open minutes of a calendar in its zone. A prefix table makes questions cheap;
// a business day has no fixed length, so results are instants and counts, never durations.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/domain/record.h"
#include "rules/time/zone.h"

namespace dealwright::rules {

// Minutes of a local day, [from, to); to may be 1440.
struct OpenHours {
  std::int32_t from = 0;
  std::int32_t to = 0;
  friend auto operator<=>(const OpenHours&, const OpenHours&) = default;
};

struct CalendarSpec {
  std::array<std::vector<OpenHours>, 7> week;  // Monday first
  std::vector<LocalDate> holidays;
  std::vector<std::pair<LocalDate, OpenHours>> extra;  // open in spite of both
};
// Mon-Fri 09:00-17:00.
CalendarSpec default_calendar();
// The fields of a calendar record: week [{day, from, to}], holidays [d], extra [{d, from, to}].
// What is malformed there is left out: the form was checked when the record came.
CalendarSpec read_calendar(const Record& record);

// Immutable.
class Calendar {
 public:
  // `zone` stays with the calendar.
  Calendar(CalendarSpec spec, std::shared_ptr<const Zone> zone);

  const Zone& zone() const { return *zone_; }
  bool is_open(Instant at) const;
  bool is_business_day(LocalDate date) const;
  // The instant at which `minutes` more open minutes have passed. With none to come within 20
  // years: kAfterAll.
  Instant add_minutes(Instant at, std::int64_t minutes) const;
  // Closing time of the n-th business day after at's local date; 0: of today if open, else the
  // next.
  Instant add_days(Instant at, std::int64_t n) const;
  // Open milliseconds in [a, b); negative if b < a.
  std::int64_t open_ms(Instant a, Instant b) const;
  // Business dates after a's up to b's; negative if b < a.
  std::int64_t days_between(LocalDate a, LocalDate b) const;

 private:
  struct Span {
    Instant from;
    Instant to;
  };
  struct Hours {  // open hours of one date: no allocation for the usual ones
    std::span<const OpenHours> all;
  };
  Hours hours(LocalDate date) const;
  std::int64_t ms_of(LocalDate date) const;
  Span span(LocalDate date, OpenHours hours) const;
  LocalDate next_business_day(LocalDate date) const;  // behind `date`

  CalendarSpec spec_;
  std::shared_ptr<const Zone> zone_;
  std::vector<OpenHours> extra_hours_;     // parallel to spec_.extra
  LocalDate first_;                        // of the table
  std::vector<std::int64_t> open_before_;  // open ms before each of its dates
  std::vector<std::int32_t> days_before_;  // business days before each of its dates
};

}  // namespace dealwright::rules
