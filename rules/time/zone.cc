#include "rules/time/zone.h"

#include <algorithm>

namespace dealwright::rules {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
// 400 years of the Gregorian calendar: whole weeks, too.
constexpr std::int64_t kCycleMs = 146'097 * kDayMs;

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

LocalDate LocalTime::date() const { return {static_cast<std::int32_t>(floor_div(ms, kDayMs))}; }
std::int32_t LocalTime::minute_of_day() const {
  return static_cast<std::int32_t>((ms - floor_div(ms, kDayMs) * kDayMs) / 60'000);
}
LocalTime local_time(LocalDate date, std::int32_t minute_of_day) {
  return {date.days * kDayMs + minute_of_day * std::int64_t{60'000}};
}

Zone::Zone(std::string name, std::int32_t first_offset_s, std::vector<Transition> transitions,
           bool repeats)
    : name_{std::move(name)},
      first_offset_s_{first_offset_s},
      transitions_{std::move(transitions)} {
  if (repeats && !transitions_.empty()) cycle_end_ms_ = transitions_.back().at.ms - 366 * kDayMs;
}

// How often 400 years have to be taken off to come before the end of the table.
std::int64_t Zone::cycles_behind(std::int64_t ms) const {
  if (!cycle_end_ms_ || ms < *cycle_end_ms_) return 0;
  return (ms - *cycle_end_ms_) / kCycleMs + 1;
}

std::int32_t Zone::offset_s(Instant at) const {
  at.ms -= cycles_behind(at.ms) * kCycleMs;
  const auto it = std::upper_bound(transitions_.begin(), transitions_.end(), at,
                                   [](Instant i, const Transition& t) { return i < t.at; });
  return it == transitions_.begin() ? first_offset_s_ : std::prev(it)->offset_s;
}

LocalTime Zone::local(Instant at) const { return {at.ms + offset_s(at) * std::int64_t{1000}}; }

Instant Zone::instant(LocalTime time) const {
  const auto cycles = cycles_behind(time.ms);
  if (cycles > 0) return {instant(LocalTime{time.ms - cycles * kCycleMs}).ms + cycles * kCycleMs};
  // The first period of equal offset in which the clocks show `time` or have jumped past it;
  // offsets stay within a day, so whatever changed two days before is over.
  const auto begin = std::lower_bound(
      transitions_.begin(), transitions_.end(), time,
      [](const Transition& x, LocalTime t) { return x.at.ms + 2 * kDayMs < t.ms; });
  for (auto i = static_cast<std::size_t>(begin - transitions_.begin());; ++i) {
    const auto offset = i == 0 ? first_offset_s_ : transitions_[i - 1].offset_s;
    const Instant at{time.ms - offset * std::int64_t{1000}};
    if (i > 0 && at < transitions_[i - 1].at) return transitions_[i - 1].at;  // in the gap
    if (i == transitions_.size() || at < transitions_[i].at) return at;
  }
}

const Zone& utc() {
  static const Zone zone{"UTC", 0, {}};
  return zone;
}

std::shared_ptr<const Zone> fixed_zone(std::string_view name) {
  if (name == "UTC" || name == "Z" || name == "Etc/UTC") {
    return {&utc(), [](const Zone*) {}};
  }
  if (name.size() < 5 || (name[0] != '+' && name[0] != '-')) return nullptr;
  std::string digits;
  for (const char c : name.substr(1)) {
    if (c >= '0' && c <= '9')
      digits += c;
    else if (c != ':')
      return nullptr;
  }
  if (digits.size() != 4) return nullptr;
  const auto hours = (digits[0] - '0') * 10 + (digits[1] - '0');
  const auto minutes = (digits[2] - '0') * 10 + (digits[3] - '0');
  if (hours > 23 || minutes > 59) return nullptr;
  const auto offset = (hours * 60 + minutes) * 60 * (name[0] == '-' ? -1 : 1);
  return std::make_shared<const Zone>(std::string{name}, offset, std::vector<Zone::Transition>{});
}

std::shared_ptr<const Zone> find_zone(std::string_view name, const ZoneProvider& named) {
  if (auto fixed = fixed_zone(name)) return fixed;
  return named ? named(name) : nullptr;
}

}  // namespace dealwright::rules
