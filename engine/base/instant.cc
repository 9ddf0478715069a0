#include "engine/base/instant.h"

#include <algorithm>
#include <array>

namespace dealwright {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - ((a % b != 0 && (a % b < 0) != (b < 0)) ? 1 : 0);
}

// Reads digits; -1 where one is missing.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_{text} {}
  std::int64_t digits(int count) {
    std::int64_t value = 0;
    for (int i = 0; i < count; ++i) {
      if (text_.empty() || text_.front() < '0' || text_.front() > '9') return -1;
      value = value * 10 + (text_.front() - '0');
      text_.remove_prefix(1);
    }
    return value;
  }
  bool take(std::string_view any) {
    if (text_.empty() || any.find(text_.front()) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool at_end() const { return text_.empty(); }
  char peek() const { return text_.empty() ? '\0' : text_.front(); }

 private:
  std::string_view text_;
};

void put(std::string& out, std::int64_t value, int width) {
  std::array<char, 20> digits;
  for (int i = width - 1; i >= 0; --i) {
    digits[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(digits.data(), static_cast<std::size_t>(width));
}

Error bad(std::string_view text, std::string_view why) {
  return Error{Code::kInvalid, "'" + std::string{text.substr(0, 60)} + "' is no instant: " +
                                   std::string{why} + "; write 2026-03-02T09:00:00Z"};
}

Result<LocalDate> take_date(Cursor& in, std::string_view text) {
  const auto year = in.digits(4);
  const bool dash = in.take("-");
  const auto month = in.digits(2);
  const bool dash2 = in.take("-");
  const auto day = in.digits(2);
  if (year < 1 || !dash || month < 0 || !dash2 || day < 0) return bad(text, "no date YYYY-MM-DD");
  const YearMonthDay c{static_cast<std::int32_t>(year), static_cast<std::uint32_t>(month),
                       static_cast<std::uint32_t>(day)};
  if (!exists(c)) return bad(text, "no such day");
  return date_of(c);
}

// Fraction of a second, cut to milliseconds; -1 if malformed.
std::int64_t take_fraction(Cursor& in) {
  if (!in.take(".,")) return 0;
  std::int64_t ms = 0;
  int count = 0;
  for (; in.peek() >= '0' && in.peek() <= '9'; ++count) {
    const auto digit = in.digits(1);
    if (count < 3) ms = ms * 10 + digit;
  }
  for (int i = count; i < 3; ++i) ms *= 10;
  return count == 0 ? -1 : ms;
}

Result<Instant> parse(std::string_view text, bool lenient) {
  Cursor in{text};
  DW_TRY(auto date, take_date(in, text));
  std::int64_t ms = std::int64_t{date.days} * kDayMs;
  if (in.at_end() && lenient) return Instant{ms};
  if (!in.take("Tt ")) return bad(text, "no time of day");
  const auto hour = in.digits(2);
  const bool colon = in.take(":");
  const auto minute = in.digits(2);
  if (hour < 0 || hour > 23 || !colon || minute < 0 || minute > 59)
    return bad(text, "no time HH:MM:SS");
  std::int64_t second = 0;
  std::int64_t fraction = 0;
  if (in.take(":")) {
    second = in.digits(2);
    if (second == 60) second = 59;  // a leap second is the last one of its minute
    fraction = take_fraction(in);
  } else if (!lenient) {
    return bad(text, "no seconds");
  }
  if (second < 0 || second > 59 || fraction < 0) return bad(text, "no seconds");
  ms += ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
  if (in.at_end()) {
    if (lenient) return Instant{ms};
    return bad(text, "no offset (Z or +02:00)");
  }
  if (in.take("Zz")) {
    if (!in.at_end()) return bad(text, "text after Z");
  } else {
    const bool minus = in.peek() == '-';
    if (!in.take("+-")) return bad(text, "no offset (Z or +02:00)");
    const auto offset_hour = in.digits(2);
    const bool colon2 = in.take(":");
    const auto offset_minute = in.digits(2);
    if (offset_hour < 0 || offset_hour > 23 || !colon2 || offset_minute < 0 || offset_minute > 59 ||
        !in.at_end()) {
      return bad(text, "no offset (Z or +02:00)");
    }
    const auto offset = (offset_hour * 60 + offset_minute) * 60'000;
    ms += minus ? offset : -offset;
  }
  if (ms < kInstantMin.ms || ms > kInstantMax.ms) return bad(text, "outside the years 1 to 9999");
  return Instant{ms};
}

}  // namespace

LocalDate utc_date(Instant at) {
  return LocalDate{static_cast<std::int32_t>(floor_div(at.ms, kDayMs))};
}

// Proleptic Gregorian, by eras of 400 years; the year starts in March so that leap days come last.
YearMonthDay civil(LocalDate date) {
  const std::int64_t z = std::int64_t{date.days} + 719'468;
  const std::int64_t era = floor_div(z, 146'097);
  const std::int64_t doe = z - era * 146'097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::int64_t mp = (5 * doy + 2) / 153;
  const std::int64_t month = mp < 10 ? mp + 3 : mp - 9;
  return YearMonthDay{static_cast<std::int32_t>(yoe + era * 400 + (month <= 2 ? 1 : 0)),
                      static_cast<std::uint32_t>(month),
                      static_cast<std::uint32_t>(doy - (153 * mp + 2) / 5 + 1)};
}

LocalDate date_of(YearMonthDay c) {
  const std::int64_t year = std::int64_t{c.year} - (c.month <= 2 ? 1 : 0);
  const std::int64_t era = floor_div(year, 400);
  const std::int64_t yoe = year - era * 400;
  const std::int64_t mp = c.month > 2 ? std::int64_t{c.month} - 3 : std::int64_t{c.month} + 9;
  const std::int64_t doy = (153 * mp + 2) / 5 + c.day - 1;
  const std::int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return LocalDate{static_cast<std::int32_t>(era * 146'097 + doe - 719'468)};
}

bool exists(YearMonthDay c) {
  if (c.month < 1 || c.month > 12 || c.day < 1 || c.day > 31) return false;
  const auto back = civil(date_of(c));
  return back.year == c.year && back.month == c.month && back.day == c.day;
}

Result<Instant> parse_instant(std::string_view text) { return parse(text, false); }
Result<Instant> parse_instant_lenient(std::string_view text) { return parse(text, true); }

std::string to_text(LocalDate date) {
  const auto c = civil(date);
  std::string out;
  put(out, c.year, 4);
  out += '-';
  put(out, c.month, 2);
  out += '-';
  put(out, c.day, 2);
  return out;
}

std::string to_short_text(Instant at) {
  at = std::clamp(at, kInstantMin, kInstantMax);  // what is beyond all is told as the last one
  const auto date = utc_date(at);
  const auto ms = at.ms - start_of(date).ms;
  std::string out = to_text(date);
  out += 'T';
  put(out, ms / 3'600'000, 2);
  out += ':';
  put(out, ms / 60'000 % 60, 2);
  out += ':';
  put(out, ms / 1000 % 60, 2);
  if (ms % 1000 != 0) {
    out += '.';
    put(out, ms % 1000, 3);
  }
  out += 'Z';
  return out;
}

std::string to_text(Instant at) {
  std::string out = to_short_text(at);
  if (out.size() == 20) out.insert(19, ".000");
  return out;
}

Result<LocalDate> parse_date(std::string_view text) {
  Cursor in{text};
  auto date = take_date(in, text);
  if (!date || !in.at_end()) {
    return Error{Code::kInvalid,
                 "'" + std::string{text.substr(0, 60)} + "' is no date; write 2026-03-02"};
  }
  return date;
}

}  // namespace dealwright
