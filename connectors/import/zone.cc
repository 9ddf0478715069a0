#include "connectors/import/zone.h"

#include <date/tz.h>

#include <array>
#include <exception>
#include <optional>

namespace dealwright::import {
namespace {

constexpr std::string_view kLetters = "YymdbHIpMS";
constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};

struct Parts {
  int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
  std::optional<bool> afternoon;
};

// Up to `digits_max` digits; -1 if there is none.
int take_number(std::string_view& text, std::size_t digits_max) {
  int value = 0;
  std::size_t count = 0;
  for (; count < digits_max && count < text.size() && text[count] >= '0' && text[count] <= '9';
       ++count) {
    value = value * 10 + (text[count] - '0');
  }
  text.remove_prefix(count);
  return count == 0 ? -1 : value;
}

std::string lowered(std::string_view text) {
  std::string out{text};
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool take_month(std::string_view& text, int& month) {
  const auto word = lowered(text.substr(0, 3));
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (word != kMonths[i]) continue;
    month = static_cast<int>(i) + 1;
    text.remove_prefix(3);
    return true;
  }
  return false;
}

bool take_half(std::string_view& text, Parts& parts) {
  const auto word = lowered(text.substr(0, 2));
  if (word != "am" && word != "pm") return false;
  parts.afternoon = word == "pm";
  text.remove_prefix(2);
  return true;
}

bool take_field(char letter, std::string_view& text, Parts& parts) {
  const auto number = [&](int& into, std::size_t digits, int most) {
    const int value = take_number(text, digits);
    if (value < 0 || value > most) return false;
    into = value;
    return true;
  };
  switch (letter) {
    case 'Y':
      return number(parts.year, 4, 9999) && parts.year > 0;
    case 'y':
      if (!number(parts.year, 2, 99)) return false;
      parts.year += parts.year < 69 ? 2000 : 1900;
      return true;
    case 'm':
      return number(parts.month, 2, 12);
    case 'd':
      return number(parts.day, 2, 31);
    case 'b':
      return take_month(text, parts.month);
    case 'H':
    case 'I':
      return number(parts.hour, 2, letter == 'H' ? 23 : 12);
    case 'p':
      return take_half(text, parts);
    case 'M':
      return number(parts.minute, 2, 59);
    case 'S':
      return number(parts.second, 2, 59);
    default:
      return false;
  }
}

std::optional<Parts> read_parts(std::string_view text, std::string_view format) {
  Parts parts;
  while (!format.empty()) {
    if (format.front() == '%' && format.size() > 1) {
      if (!take_field(format[1], text, parts)) return std::nullopt;
      format.remove_prefix(2);
    } else {
      if (text.empty() || text.front() != format.front()) return std::nullopt;
      text.remove_prefix(1);
      format.remove_prefix(1);
    }
  }
  if (!text.empty()) return std::nullopt;
  if (parts.afternoon) parts.hour = parts.hour % 12 + (*parts.afternoon ? 12 : 0);
  const YearMonthDay day{parts.year, static_cast<std::uint32_t>(parts.month),
                         static_cast<std::uint32_t>(parts.day)};
  if (!exists(day)) return std::nullopt;
  return parts;
}

LocalDate date_of(const Parts& parts) {
  return dealwright::date_of(YearMonthDay{parts.year, static_cast<std::uint32_t>(parts.month),
                                          static_cast<std::uint32_t>(parts.day)});
}

Error misfit(std::string_view text, std::string_view format) {
  return Error{Code::kInvalid, "'" + std::string{text.substr(0, 60)} + "' is no time of the form " +
                                   std::string{format} + "; mend the value or the format"};
}

constexpr std::int64_t kDayMs = 86'400'000;
// The library goes by the transitions that the database lists, up to 2037, and knows no rule behind
// them.
constexpr std::int32_t kListedYear = 2037;
constexpr std::int64_t kListedEndMs = 2'145'916'800'000;  // 2038-01-01, as clocks show it

// From a year that is listed and has the same calendar, day by day, to the year of `local_ms`.
std::int64_t days_ahead(std::int64_t local_ms) {
  const auto first_of = [](std::int32_t year) {
    return std::int64_t{dealwright::date_of(YearMonthDay{year, 1, 1}).days};
  };
  const auto year = civil(utc_date(Instant{local_ms})).year;
  const auto length = first_of(year + 1) - first_of(year);
  auto same = kListedYear;  // there is one within 28 years
  while (first_of(same + 1) - first_of(same) != length ||
         (first_of(year) - first_of(same)) % 7 != 0) {
    --same;
  }
  return first_of(year) - first_of(same);
}

}  // namespace

Result<Zone> Zone::find(std::string_view name) {
  Zone zone;
  if (name == "UTC") return zone;
  try {
    zone.rules_ = date::locate_zone(std::string{name});
  } catch (const std::exception&) {
    return Error{Code::kInvalid, "unknown zone '" + std::string{name.substr(0, 60)} +
                                     "'; a name such as Europe/Amsterdam"};
  }
  return zone;
}

Instant Zone::to_instant(std::int64_t local_ms) const {
  if (rules_ == nullptr) return Instant{local_ms};
  if (local_ms >= kListedEndMs) {
    const auto ahead = days_ahead(local_ms) * kDayMs;
    return Instant{to_instant(local_ms - ahead).ms + ahead};
  }
  const auto* zone = static_cast<const date::time_zone*>(rules_);
  const date::local_time<std::chrono::milliseconds> local{std::chrono::milliseconds{local_ms}};
  const auto info = zone->get_info(local);
  if (info.result == date::local_info::nonexistent) {
    return Instant{std::chrono::milliseconds{info.first.end.time_since_epoch()}.count()};
  }
  return Instant{local_ms - std::chrono::milliseconds{info.first.offset}.count()};
}

Result<Instant> read_time(std::string_view text, std::string_view format, const Zone& zone) {
  if (!format.empty()) {
    const auto parts = read_parts(text, format);
    if (!parts) return misfit(text, format);
    const auto seconds = (std::int64_t{parts->hour} * 60 + parts->minute) * 60 + parts->second;
    return zone.to_instant(start_of(date_of(*parts)).ms + seconds * 1000);
  }
  const bool offset = text.size() > 16 && (text.back() == 'Z' || text.back() == 'z' ||
                                           text.find_first_of("+-", 16) != std::string_view::npos);
  if (offset) return parse_instant(text);
  DW_TRY(auto local, parse_instant_lenient(text));
  return zone.to_instant(local.ms);
}

Result<LocalDate> read_date(std::string_view text, std::string_view format) {
  if (format.empty())
    return parse_date(text.substr(
        0, text.size() > 10 && (text[10] == 'T' || text[10] == ' ') ? 10 : text.size()));
  const auto parts = read_parts(text, format);
  if (!parts) return misfit(text, format);
  return date_of(*parts);
}

std::string check_time_format(std::string_view format) {
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') continue;
    if (i + 1 == format.size() || kLetters.find(format[i + 1]) == std::string_view::npos) {
      return "a '%' is followed by one of Y y m d b H I p M S";
    }
    ++i;
  }
  const bool year =
      format.find("%Y") != std::string_view::npos || format.find("%y") != std::string_view::npos;
  const bool month =
      format.find("%m") != std::string_view::npos || format.find("%b") != std::string_view::npos;
  if (!year || !month || format.find("%d") == std::string_view::npos) {
    return "a format names year, month and day: %d/%m/%Y";
  }
  return {};
}

}  // namespace dealwright::import
