#include "rules/time/zone_rule.h"

#include <algorithm>
#include <charconv>

namespace dealwright::rules {
namespace {

constexpr std::int32_t kDayS = 86'400;

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

bool take_number(std::string_view& text, std::int32_t most, std::int32_t& out) {
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (bad != std::errc{} || out < 0 || out > most || text.starts_with('-')) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

// [+-]hh[:mm[:ss]] in seconds.
bool take_time(std::string_view& text, std::int32_t hours_max, std::int32_t& out) {
  const bool negative = take(text, '-');
  if (!negative) take(text, '+');
  std::int32_t hours = 0, minutes = 0, seconds = 0;
  if (!take_number(text, hours_max, hours)) return false;
  if (take(text, ':') && !take_number(text, 59, minutes)) return false;
  if (take(text, ':') && !take_number(text, 59, seconds)) return false;
  out = (hours * 60 + minutes) * 60 + seconds;
  if (negative) out = -out;
  return true;
}

// CET, or <+0530>; at least three letters.
bool take_name(std::string_view& text) {
  const bool quoted = take(text, '<');
  std::size_t size = 0;
  const auto belongs = [quoted](char c) {
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    return letter || (quoted && (c == '+' || c == '-' || (c >= '0' && c <= '9')));
  };
  while (size < text.size() && belongs(text[size])) ++size;
  if (size < 3) return false;
  text.remove_prefix(size);
  return !quoted || take(text, '>');
}

bool leaps(std::int32_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

// Days since 1970-01-01 of that day of the civil calendar.
std::int64_t days_of(std::int32_t year, std::int32_t month, std::int32_t day) {
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t of_era = y - era * 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

}  // namespace

bool ZoneRule::read_day(std::string_view& text, Day& out) {
  if (take(text, 'M')) {
    out.form = Day::Form::kMonthWeek;
    const bool sound = take_number(text, 12, out.month) && out.month >= 1 && take(text, '.') &&
                       take_number(text, 5, out.week) && out.week >= 1 && take(text, '.') &&
                       take_number(text, 6, out.weekday);
    if (!sound) return false;
  } else {
    out.form = take(text, 'J') ? Day::Form::kJulian : Day::Form::kZeroBased;
    if (!take_number(text, 365, out.day)) return false;
    if (out.form == Day::Form::kJulian && out.day == 0) return false;
  }
  return !take(text, '/') || take_time(text, 167, out.time_s);
}

std::int64_t ZoneRule::Day::local_s(std::int32_t year) const {
  std::int64_t days = 0;
  switch (form) {
    case Form::kMonthWeek: {  // the week-th such weekday of the month; 5: the last
      const auto first = days_of(year, month, 1);
      const auto next = month == 12 ? days_of(year + 1, 1, 1) : days_of(year, month + 1, 1);
      const auto weekday_of_first = ((first + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday
      days = first + (weekday - weekday_of_first + 7) % 7 + (week - 1) * std::int64_t{7};
      while (days >= next) days -= 7;
      break;
    }
    case Form::kJulian:  // 1 to 365: 29 February is never counted
      days = days_of(year, 1, 1) + day - 1 + (leaps(year) && day >= 60 ? 1 : 0);
      break;
    case Form::kZeroBased:
      days = days_of(year, 1, 1) + day;
      break;
  }
  return days * kDayS + time_s;
}

std::optional<ZoneRule> ZoneRule::parse(std::string_view text) {
  ZoneRule out;
  if (!take_name(text) || !take_time(text, 24, out.standard_s_)) return std::nullopt;
  out.standard_s_ = -out.standard_s_;  // POSIX counts west of Greenwich
  if (text.empty()) return out;
  if (!take_name(text)) return std::nullopt;
  out.summer_s_ = out.standard_s_ + 3600;
  if (!text.starts_with(',')) {
    if (!take_time(text, 24, out.summer_s_)) return std::nullopt;
    out.summer_s_ = -out.summer_s_;
  }
  const bool sound = take(text, ',') && read_day(text, out.to_summer_) && take(text, ',') &&
                     read_day(text, out.to_standard_) && text.empty();
  if (!sound) return std::nullopt;
  out.changes_ = out.summer_s_ != out.standard_s_;
  return out;
}

std::vector<Zone::Transition> ZoneRule::transitions(std::int32_t first_year,
                                                    std::int32_t last_year) const {
  std::vector<Zone::Transition> out;
  if (!changes_) return out;
  for (auto year = first_year; year <= last_year; ++year) {
    out.push_back({Instant{(to_summer_.local_s(year) - standard_s_) * 1000}, summer_s_});
    out.push_back({Instant{(to_standard_.local_s(year) - summer_s_) * 1000}, standard_s_});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  return out;
}

}  // namespace dealwright::rules
