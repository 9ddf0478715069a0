// Named time zones (IANA): local time to instants. A local time that a clock change skips stands
// for the first valid instant after it, one that it repeats for the first of both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/instant.h"

namespace dealwright::import {

class Zone {
 public:
  Zone() = default;  // UTC
  static Result<Zone> find(std::string_view name);
  // `local_ms`: what a clock on the wall shows, as if it were UTC.
  Instant to_instant(std::int64_t local_ms) const;

 private:
  const void* rules_ = nullptr;  // of the date library, for the process's life; null: UTC
};

// Reads a time: with an offset as it stands, else local in `zone`; a bare date is its 00:00.
// `format` of %Y %y %m %d %b %H %I %p %M %S, or empty for ISO 8601. kInvalid says what is wrong.
Result<Instant> read_time(std::string_view text, std::string_view format, const Zone& zone);
// Reads a date; of a time its local date.
Result<LocalDate> read_date(std::string_view text, std::string_view format);
// Empty: sound. Else what is wrong with it.
std::string check_time_format(std::string_view format);

}  // namespace dealwright::import
