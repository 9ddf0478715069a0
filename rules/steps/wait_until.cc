#include "rules/steps/wait_until.h"

#include <algorithm>

#include "rules/steps/step_run.h"

namespace dealwright::rules {
namespace {

constexpr std::int32_t kMorning = 9 * 60;  // of a date without a time

struct WeekTime {
  std::int32_t weekday = 0;  // Monday 0
  std::int32_t minute = 0;
};

// `Tue 09:00`
std::optional<WeekTime> week_time(std::string_view text) {
  static constexpr std::string_view kDays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  if (text.size() != 9 || text[3] != ' ' || text[6] != ':') return std::nullopt;
  const auto day = std::find(std::begin(kDays), std::end(kDays), text.substr(0, 3));
  for (const auto i : {4U, 5U, 7U, 8U}) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
  }
  const auto hour = (text[4] - '0') * 10 + (text[5] - '0');
  const auto minute = (text[7] - '0') * 10 + (text[8] - '0');
  if (day == std::end(kDays) || hour > 23 || minute > 59) return std::nullopt;
  return WeekTime{static_cast<std::int32_t>(day - std::begin(kDays)), hour * 60 + minute};
}

// The first such clock time behind `from`.
Instant next(const WeekTime& week, Instant from, const Zone& zone) {
  const auto today = zone.date(from);
  const auto weekday = ((today.days + 3) % 7 + 7) % 7;
  LocalDate date{today.days + (week.weekday - weekday + 7) % 7};
  auto at = zone.instant(local_time(date, week.minute));
  if (at <= from) at = zone.instant(local_time({date.days + 7}, week.minute));
  return at;
}

class WaitUntil : public Step {
 public:
  explicit WaitUntil(std::variant<WeekTime, Expression> until) : until_{std::move(until)} {}

  bool waits() const override { return true; }
  StepResult run(StepRun& run) const override {
    if (const auto* week = std::get_if<WeekTime>(&until_)) {
      return StepResult::wait(next(*week, run.since, *run.reader.zone));
    }
    const auto outcome = std::get<Expression>(until_).evaluate(run.reader, run.calendars);
    if (outcome.failed) return StepResult::failed(outcome.code, outcome.detail);
    std::optional<Instant> at;
    if (const auto* date = outcome.value.as_date()) {
      at = run.reader.zone->instant(local_time(*date, kMorning));
    } else if (const auto* instant = outcome.value.as_instant()) {
      at = *instant;
    }
    if (!at) return StepResult::failed("no_such_overload", "wait_until needs an instant or a date");
    return *at <= run.since ? StepResult::go() : StepResult::wait(at);  // past: go on
  }

 private:
  std::variant<WeekTime, Expression> until_;
};

std::optional<Built> compile(StepCompiler& c, const yaml::Node&, const yaml::Node& value) {
  std::optional<std::variant<WeekTime, Expression>> until;
  const auto* text = read_text(value, "wait_until", c.out());
  if (text == nullptr) return std::nullopt;
  if (const auto week = week_time(*text)) {
    until = *week;
  } else if (auto found = c.expression(value, Expression::Want::kInstant)) {
    until = std::move(*found);
  }
  c.lose_event();
  if (!until) return std::nullopt;
  return Built{std::make_unique<WaitUntil>(std::move(*until)), "", true, {}};
}

}  // namespace

StepKind wait_until_step() { return {"wait_until", {}, true, compile}; }

}  // namespace dealwright::rules
