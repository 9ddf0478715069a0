#include "rules/time/send_hours.h"

#include <algorithm>
#include <iterator>

namespace dealwright::rules {
namespace {

constexpr std::string_view kDays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::int32_t kNoDay = 7;
constexpr std::int32_t kDayMinutes = 24 * 60;

std::int32_t day_of(std::string_view name) {
  return static_cast<std::int32_t>(std::find(std::begin(kDays), std::end(kDays), name) -
                                   std::begin(kDays));
}

std::int32_t minute_of(std::string_view t) {
  if (t.size() != 5 || t[2] != ':') return -1;
  for (const auto i : {0U, 1U, 3U, 4U}) {
    if (t[i] < '0' || t[i] > '9') return -1;
  }
  const auto minute = (t[3] - '0') * 10 + t[4] - '0';
  return minute > 59 ? -1 : ((t[0] - '0') * 10 + t[1] - '0') * 60 + minute;
}

bool has_day(const SendHours& hours, LocalDate date) {
  const auto day = ((date.days + 3) % 7 + 7) % 7;  // 1970-01-01 was a Thursday
  return hours.first_day <= hours.last_day ? hours.first_day <= day && day <= hours.last_day
                                           : day >= hours.first_day || day <= hours.last_day;
}

}  // namespace

std::optional<SendHours> parse_send_hours(std::string_view text) {
  const auto blank = text.find(' ');
  if (blank != 3 && blank != 7) return std::nullopt;
  if (blank == 7 && text[3] != '-') return std::nullopt;
  const auto times = text.substr(blank + 1);
  if (times.size() != 11 || times[5] != '-') return std::nullopt;
  SendHours out;
  out.first_day = day_of(text.substr(0, 3));
  out.last_day = blank == 7 ? day_of(text.substr(4, 3)) : out.first_day;
  out.from = minute_of(times.substr(0, 5));
  out.to = minute_of(times.substr(6));
  const bool sound = out.first_day < kNoDay && out.last_day < kNoDay && out.from >= 0 &&
                     out.from < out.to && out.to <= kDayMinutes;
  return sound ? std::optional{out} : std::nullopt;
}

Instant opening(const SendHours& hours, const Zone& zone, Instant now) {
  const auto local = zone.local(now);
  const auto today = local.date();
  const auto minute = local.minute_of_day();
  if (has_day(hours, today) && hours.from <= minute && minute < hours.to) return now;
  for (std::int32_t ahead = 0; ahead <= 8; ++ahead) {
    const LocalDate date{today.days + ahead};
    if (!has_day(hours, date)) continue;
    const auto start = zone.instant(local_time(date, hours.from));
    if (start > now) return start;
  }
  return now;  // hours that no week has: parse_send_hours() gives none such
}

}  // namespace dealwright::rules
