#include "rules/time/calendar.h"

#include <algorithm>

namespace dealwright::rules {
namespace {

constexpr std::int32_t kFarDays = 20 * 366;

// 0 is Monday; 1970-01-01 was a Thursday.
std::size_t weekday(LocalDate date) {
  return static_cast<std::size_t>(((date.days + 3) % 7 + 7) % 7);
}

std::optional<std::int32_t> minute(std::string_view text) {  // 09:00, 24:00
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  for (const auto i : {0U, 1U, 3U, 4U}) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
  }
  const auto out =
      ((text[0] - '0') * 10 + (text[1] - '0')) * 60 + (text[3] - '0') * 10 + (text[4] - '0');
  return out <= 1440 ? std::optional{out} : std::nullopt;
}

std::optional<OpenHours> open_hours(const Map& map) {
  const auto* from = find(map, "from");
  const auto* to = find(map, "to");
  if (from == nullptr || to == nullptr) return std::nullopt;
  const auto begin = minute(from->text_or_empty());
  const auto end = minute(to->text_or_empty());
  if (!begin || !end || *begin >= *end) return std::nullopt;
  return OpenHours{*begin, *end};
}

std::optional<LocalDate> date_in(const Value& value) {
  if (const auto* date = value.as_date()) return *date;
  const auto parsed = parse_date(value.text_or_empty());
  return parsed ? std::optional{parsed.value()} : std::nullopt;
}

std::optional<std::size_t> day_of(const Value& value) {
  static constexpr std::string_view kDays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  if (const auto* number = value.as_int(); number != nullptr && *number >= 1 && *number <= 7) {
    return static_cast<std::size_t>(*number - 1);
  }
  std::string text{value.text_or_empty().substr(0, 3)};
  for (auto& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  const auto it = std::find(std::begin(kDays), std::end(kDays), text);
  return it == std::end(kDays) ? std::nullopt
                               : std::optional{static_cast<std::size_t>(it - std::begin(kDays))};
}

const List* list_of(const Record& record, Field field) {
  const auto* value = record.find(field);
  return value == nullptr ? nullptr : value->as_list();
}

}  // namespace

CalendarSpec default_calendar() {
  CalendarSpec out;
  for (std::size_t day = 0; day < 5; ++day) out.week[day] = {{9 * 60, 17 * 60}};
  return out;
}

CalendarSpec read_calendar(const Record& record) {
  CalendarSpec out;
  if (const auto* week = list_of(record, Field::kWeek)) {
    for (const auto& entry : *week) {
      const auto* map = entry.as_map();
      const auto* day = map == nullptr ? nullptr : find(*map, "day");
      const auto index = day == nullptr ? std::nullopt : day_of(*day);
      const auto hours = map == nullptr ? std::nullopt : open_hours(*map);
      if (index && hours) out.week[*index].push_back(*hours);
    }
  }
  for (auto& day : out.week) std::sort(day.begin(), day.end());
  if (const auto* holidays = list_of(record, Field::kHolidays)) {
    for (const auto& entry : *holidays) {
      if (const auto date = date_in(entry)) out.holidays.push_back(*date);
    }
  }
  if (const auto* extra = list_of(record, Field::kExtra)) {
    for (const auto& entry : *extra) {
      const auto* map = entry.as_map();
      const auto* d = map == nullptr ? nullptr : find(*map, "d");
      const auto date = d == nullptr ? std::nullopt : date_in(*d);
      const auto hours = map == nullptr ? std::nullopt : open_hours(*map);
      if (date && hours) out.extra.emplace_back(*date, *hours);
    }
  }
  return out;
}

Calendar::Calendar(CalendarSpec spec, std::shared_ptr<const Zone> zone)
    : spec_{std::move(spec)}, zone_{std::move(zone)} {
  std::sort(spec_.holidays.begin(), spec_.holidays.end());
  std::sort(spec_.extra.begin(), spec_.extra.end());
  for (const auto& entry : spec_.extra) extra_hours_.push_back(entry.second);
  // Where questions are usually about; dates outside are walked day by day.
  first_ = date_of({2020, 1, 1});
  const auto last = date_of({2045, 1, 1});
  std::int64_t open = 0;
  std::int32_t days = 0;
  for (auto date = first_; date <= last; ++date.days) {
    open_before_.push_back(open);
    days_before_.push_back(days);
    open += ms_of(date);
    days += is_business_day(date) ? 1 : 0;
  }
}

Calendar::Hours Calendar::hours(LocalDate date) const {
  const auto less = [](const auto& entry, LocalDate d) { return entry.first < d; };
  const auto extra = std::lower_bound(spec_.extra.begin(), spec_.extra.end(), date, less);
  if (extra != spec_.extra.end() && extra->first == date) {
    const auto begin = static_cast<std::size_t>(extra - spec_.extra.begin());
    auto end = begin;
    while (end < spec_.extra.size() && spec_.extra[end].first == date) ++end;
    return {{extra_hours_.data() + begin, end - begin}};
  }
  if (std::binary_search(spec_.holidays.begin(), spec_.holidays.end(), date)) return {};
  return {spec_.week[weekday(date)]};
}

Calendar::Span Calendar::span(LocalDate date, OpenHours hours) const {
  return {zone_->instant(local_time(date, hours.from)), zone_->instant(local_time(date, hours.to))};
}

std::int64_t Calendar::ms_of(LocalDate date) const {
  std::int64_t out = 0;
  for (const auto& open : hours(date).all) {
    const auto s = span(date, open);
    out += (s.to - s.from).ms;
  }
  return out;
}

bool Calendar::is_business_day(LocalDate date) const { return !hours(date).all.empty(); }

bool Calendar::is_open(Instant at) const {
  const auto date = zone_->date(at);
  for (const auto& open : hours(date).all) {
    const auto s = span(date, open);
    if (s.from <= at && at < s.to) return true;
  }
  return false;
}

Instant Calendar::add_minutes(Instant at, std::int64_t minutes) const {
  auto left = minutes * 60'000;
  auto date = zone_->date(at);
  const auto end = LocalDate{date.days + kFarDays};
  while (date < end) {
    for (const auto& open : hours(date).all) {
      const auto s = span(date, open);
      const auto from = std::max(s.from, at);
      if (from >= s.to) continue;
      if (left <= (s.to - from).ms) return from + milliseconds(left);
      left -= (s.to - from).ms;
    }
    ++date.days;
    // Skip whole days by the table.
    const auto index = static_cast<std::size_t>(std::max(0, date.days - first_.days));
    if (date < first_ || index + 1 >= open_before_.size()) continue;
    const auto reach = open_before_[index] + left;
    const auto it = std::lower_bound(open_before_.begin() + static_cast<std::ptrdiff_t>(index),
                                     open_before_.end(), reach);
    const auto target = static_cast<std::size_t>(it - open_before_.begin());
    if (target > index + 1) {  // the day before `it` is the one that reaches
      const auto skip = target - 1;
      left -= open_before_[skip] - open_before_[index];
      date.days = first_.days + static_cast<std::int32_t>(skip);
    }
  }
  return kAfterAll;
}

LocalDate Calendar::next_business_day(LocalDate date) const {
  for (std::int32_t n = 1; n < kFarDays; ++n) {
    const LocalDate next{date.days + n};
    if (is_business_day(next)) return next;
  }
  return {date.days + kFarDays};
}

Instant Calendar::add_days(Instant at, std::int64_t n) const {
  auto date = zone_->date(at);
  if (n == 0 && !is_business_day(date)) n = 1;
  for (; n > 0; --n) date = next_business_day(date);
  const auto open = hours(date).all;
  if (open.empty()) return kAfterAll;
  return span(date, open.back()).to;
}

std::int64_t Calendar::open_ms(Instant a, Instant b) const {
  if (b < a) return -open_ms(b, a);
  const auto until = [&](Instant at, LocalDate date) {  // open ms of the date before `at`
    std::int64_t out = 0;
    for (const auto& open : hours(date).all) {
      const auto s = span(date, open);
      out += std::max<std::int64_t>(0, (std::min(s.to, at) - s.from).ms);
    }
    return out;
  };
  const auto from = zone_->date(a);
  const auto to = zone_->date(b);
  std::int64_t whole = 0;
  const auto table = static_cast<std::int32_t>(open_before_.size());
  if (from >= first_ && to.days - first_.days < table) {
    whole = open_before_[static_cast<std::size_t>(to.days - first_.days)] -
            open_before_[static_cast<std::size_t>(from.days - first_.days)];
  } else {
    for (auto date = from; date < to; ++date.days) whole += ms_of(date);
  }
  return whole + until(b, to) - until(a, from);
}

std::int64_t Calendar::days_between(LocalDate a, LocalDate b) const {
  if (b < a) return -days_between(b, a);
  const LocalDate from{a.days + 1};
  const LocalDate to{b.days + 1};
  const auto table = static_cast<std::int32_t>(days_before_.size());
  if (from >= first_ && to.days - first_.days < table) {
    return days_before_[static_cast<std::size_t>(to.days - first_.days)] -
           days_before_[static_cast<std::size_t>(from.days - first_.days)];
  }
  std::int64_t out = 0;
  for (auto date = from; date < to; ++date.days) out += is_business_day(date) ? 1 : 0;
  return out;
}

}  // namespace dealwright::rules
