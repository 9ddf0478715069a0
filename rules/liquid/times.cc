// Filters on instants and dates. `date` shows UTC, local_date and local_time the zone at hand.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "rules/liquid/filters.h"

namespace dealwright::rules::liquid {
namespace {

constexpr std::string_view kMonths[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
constexpr std::string_view kDays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                      "Friday", "Saturday", "Sunday"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "March 14, 2016", "14 Mar 2016 10:30": a month by name, a day, a year of four digits.
std::optional<Instant> by_words(std::string_view text) {
  YearMonthDay date{0, 0, 0};
  std::int64_t minute = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto begin = i;
    if (is_digit(text[i])) {
      while (i < text.size() && (is_digit(text[i]) || text[i] == ':')) ++i;
      const auto word = text.substr(begin, i - begin);
      std::uint32_t number = 0;
      const auto parsed = std::from_chars(word.data(), word.data() + word.size(), number);
      if (const auto colon = word.find(':'); colon != std::string_view::npos) {
        std::uint32_t minutes = 0;
        const auto rest = word.substr(colon + 1);
        std::from_chars(rest.data(), rest.data() + rest.size(), minutes);
        minute = std::int64_t{number} * 60 + minutes;
        if (number > 23 || minutes > 59) return std::nullopt;
      } else if (parsed.ec != std::errc{} || number > 9999) {
        return std::nullopt;
      } else if (word.size() == 4) {
        date.year = static_cast<std::int32_t>(number);
      } else {
        date.day = number;
      }
    } else if ((text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z') {
      while (i < text.size() && (text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z') ++i;
      const auto word = text.substr(begin, i - begin);
      for (std::uint32_t m = 0; m < 12 && word.size() >= 3; ++m) {
        const bool same = std::equal(word.begin(), word.end(), kMonths[m].begin(),
                                     kMonths[m].begin() + std::min(word.size(), kMonths[m].size()),
                                     [](char a, char b) { return (a | 0x20) == (b | 0x20); });
        if (same) date.month = m + 1;
      }
    } else {
      ++i;
    }
  }
  if (date.year == 0 || date.month == 0 || date.day == 0 || !exists(date)) return std::nullopt;
  return start_of(date_of(date)) + minutes(minute);
}

std::optional<Instant> instant_of(const Datum& d, const Context& context) {
  const auto* value = d.value();
  if (value == nullptr) return std::nullopt;
  if (const auto* at = value->as_instant()) return *at;
  if (const auto* date = value->as_date()) return start_of(*date);
  constexpr std::int64_t kSecondsMax = kInstantMax.ms / 1000;
  const auto* seconds_since = value->as_int();
  const auto text = value->text_or_empty();
  std::int64_t number = seconds_since == nullptr ? 0 : *seconds_since;
  if (seconds_since == nullptr) {
    if (text == "now" || text == "today") return context.now;
    const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
    if (!digits) {
      const auto parsed = parse_instant_lenient(text);
      return parsed ? std::optional{parsed.value()} : by_words(text);
    }
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{})
      return std::nullopt;
  }
  if (number < -kSecondsMax || number > kSecondsMax) return std::nullopt;
  const Instant at{number * 1000};
  return at < kInstantMin ? std::nullopt : std::optional{at};
}

// One directive; `flag`: '-' no padding, '^' capitals.
std::string field(char letter, LocalTime t, const Zone& zone, Instant at) {
  const auto c = civil(t.date());
  const auto minute = t.minute_of_day();
  const auto second = (t.ms / 1000 % 60 + 60) % 60;
  const auto hour12 = (minute / 60 + 11) % 12 + 1;
  const auto weekday = static_cast<std::size_t>(((t.date().days + 3) % 7 + 7) % 7);
  const auto offset = zone.offset_s(at);
  switch (letter) {
    case 'Y':
      return fmt::format("{:04}", c.year);
    case 'y':
      return fmt::format("{:02}", ((c.year % 100) + 100) % 100);
    case 'm':
      return fmt::format("{:02}", c.month);
    case 'd':
      return fmt::format("{:02}", c.day);
    case 'e':
      return fmt::format("{:2}", c.day);
    case 'j':
      return fmt::format("{:03}", t.date().days - date_of({c.year, 1, 1}).days + 1);
    case 'H':
      return fmt::format("{:02}", minute / 60);
    case 'I':
      return fmt::format("{:02}", hour12);
    case 'l':
      return fmt::format("{:2}", hour12);
    case 'M':
      return fmt::format("{:02}", minute % 60);
    case 'S':
      return fmt::format("{:02}", second);
    case 'L':
      return fmt::format("{:03}", (t.ms % 1000 + 1000) % 1000);
    case 'p':
      return minute < 720 ? "AM" : "PM";
    case 'P':
      return minute < 720 ? "am" : "pm";
    case 'B':
      return std::string{kMonths[c.month - 1]};
    case 'b':
      return std::string{kMonths[c.month - 1].substr(0, 3)};
    case 'A':
      return std::string{kDays[weekday]};
    case 'a':
      return std::string{kDays[weekday].substr(0, 3)};
    case 'u':
      return std::to_string(weekday + 1);
    case 'w':
      return std::to_string((weekday + 1) % 7);
    case 's':
      return std::to_string(at.ms / 1000 - (at.ms % 1000 < 0 ? 1 : 0));
    case 'z':
      return fmt::format("{}{:02}{:02}", offset < 0 ? '-' : '+', std::abs(offset) / 3600,
                         std::abs(offset) / 60 % 60);
    case 'F':
      return to_text(t.date());
    case 'D':
      return fmt::format("{:02}/{:02}/{:02}", c.month, c.day, ((c.year % 100) + 100) % 100);
    case 'R':
      return fmt::format("{:02}:{:02}", minute / 60, minute % 60);
    case 'T':
      return fmt::format("{:02}:{:02}:{:02}", minute / 60, minute % 60, second);
    case 'n':
      return "\n";
    case '%':
      return "%";
    default:
      return {};
  }
}

std::string formatted(std::string_view format, LocalTime t, const Zone& zone, Instant at) {
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    const bool flagged = i + 2 < format.size() && (format[i + 1] == '-' || format[i + 1] == '^');
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    const char flag = flagged ? format[i + 1] : '\0';
    const char letter = format[i + (flagged ? 2 : 1)];
    auto text = field(letter, t, zone, at);
    if (text.empty()) {
      out += format[i];
      continue;  // no directive: it stands as it is
    }
    while (flag == '-' && text.size() > 1 && (text[0] == '0' || text[0] == ' ')) text.erase(0, 1);
    if (flag == '^') {
      for (auto& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c ^ 0x20) : c;
    }
    out += text;
    i += flagged ? 2 : 1;
  }
  return out;
}

Result<Datum> dated(const Call& c, std::string_view otherwise, const Zone& zone) {
  if (!c.arguments.empty() && c.arguments[0].absent()) return c.value;
  const auto format = c.arguments.empty() ? std::string{otherwise} : print(c.arguments[0]);
  const auto at = instant_of(c.value, c.context);
  if (!at || format.empty()) return c.value;
  const bool date = c.value.value()->as_date() != nullptr;  // it has no zone
  return checked(formatted(format, (date ? utc() : zone).local(*at), date ? utc() : zone, *at));
}

const Zone& zone_of(const Call& c) { return c.context.zone == nullptr ? utc() : *c.context.zone; }
Result<Datum> date(const Call& c) { return dated(c, "", utc()); }
Result<Datum> local_date(const Call& c) { return dated(c, "%F", zone_of(c)); }
Result<Datum> local_time(const Call& c) { return dated(c, "%F %R", zone_of(c)); }

}  // namespace

std::span<const Filter> time_filters() {
  static constexpr Filter kTable[] = {
      {"date", 1, 1, date},
      {"local_date", 0, 1, local_date},
      {"local_time", 0, 1, local_time},
  };
  return kTable;
}

}  // namespace dealwright::rules::liquid
