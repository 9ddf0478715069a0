#include "rules/steps/wait_for.h"

#include "rules/steps/step_run.h"

namespace dealwright::rules {
namespace {

// Waits for an event or a state, but not for ever.
class WaitFor : public Step {
 public:
  WaitFor(MatchPlan match, Length within, bool since_start, std::optional<std::uint32_t> then,
          std::optional<std::uint32_t> otherwise)
      : match_{std::move(match)},
        within_{within},
        since_start_{since_start},
        then_{then},
        otherwise_{otherwise} {}

  bool waits() const override { return true; }
  StepResult run(StepRun& run) const override {
    if (!match_.events) {  // a state: perhaps it holds already
      const auto holds = match_.when->test(run.reader, run.calendars);
      if (holds.failed && !holds.absent) return StepResult::failed(holds.code, holds.detail);
      if (holds.is_true()) return then_ ? StepResult::go_to(*then_) : StepResult::go();
    }
    return StepResult::wait(due(run, run.since));
  }
  std::optional<Instant> due(StepRun& run, Instant from) const override {
    return run.after(from, within_);
  }
  std::optional<std::uint32_t> timed_out() const override { return otherwise_; }
  const MatchPlan* waits_for() const override { return &match_; }
  std::optional<std::uint32_t> matched() const override { return then_; }
  bool since_start() const override { return since_start_; }

 private:
  MatchPlan match_;
  Length within_;
  bool since_start_;
  std::optional<std::uint32_t> then_;  // none: the step behind it
  std::optional<std::uint32_t> otherwise_;
};

std::string name_of(const MatchFile& file) {
  if (!file.events) return "state";
  const auto& types = file.events->types();
  if (!types.empty()) return std::string{spec_of(types.front()).name};
  return file.events->foreign().empty() ? "" : file.events->foreign().front();
}

std::optional<Built> compile(StepCompiler& c, const yaml::Node& step, const yaml::Node& value) {
  const auto file = read_match(value, {}, c.out());
  auto match = c.match(file);
  const auto* within = step.find("within");
  const auto* otherwise = step.find("else");
  const auto* then = step.find("then");
  if (within == nullptr || otherwise == nullptr) {
    c.out().error(3002, step.at, "wait_for needs 'within' and 'else'",
                  "What if it never comes? Say how long to wait, and what to do then");
  }
  const auto length = within == nullptr ? std::nullopt : read_length(*within, "within", c.out());
  bool since_start = false;
  if (const auto* since = step.find("since")) {
    static constexpr std::string_view kWords[] = {"step", "start"};
    since_start = read_word(*since, "since", kWords, c.out()) == std::size_t{1};
  }
  Built built;
  built.main = name_of(file);
  const auto* events = file.events ? c.keep(*file.events) : nullptr;
  std::optional<std::uint32_t> then_at;
  std::optional<std::uint32_t> else_at;
  built.falls = false;
  const EventSet* behind_then = events;
  if (then != nullptr) {
    auto branch = c.branch(*then, events, false);
    if (branch.first != kNoStep) then_at = branch.first;
    built.open = std::move(branch.open);
    behind_then = built.open.empty() ? nullptr : branch.events_after;
  } else {
    built.falls = true;
  }
  if (otherwise != nullptr) {
    auto branch = c.branch(*otherwise, nullptr, false);
    if (branch.first != kNoStep) else_at = branch.first;
    if (!branch.open.empty()) behind_then = nullptr;  // two ways meet
    built.open.insert(built.open.end(), branch.open.begin(), branch.open.end());
  }
  c.set_event(behind_then);
  if (!match || !length) return std::nullopt;
  built.step = std::make_unique<WaitFor>(std::move(*match), *length, since_start, then_at, else_at);
  return built;
}

}  // namespace

StepKind wait_for_step() {
  return {"wait_for", {{"within"}, {"else"}, {"then"}, {"since"}}, true, compile};
}

}  // namespace dealwright::rules
