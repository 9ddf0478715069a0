#include "rules/steps/if.h"

#include "rules/steps/step_run.h"

namespace dealwright::rules {
namespace {

class If : public Step {
 public:
  If(Expression condition, std::uint32_t then, std::optional<std::uint32_t> otherwise)
      : condition_{std::move(condition)}, then_{then}, otherwise_{otherwise} {}

  StepResult run(StepRun& run) const override {
    const auto outcome = condition_.test(run.reader, run.calendars);
    if (outcome.failed) return StepResult::failed(outcome.code, outcome.detail);
    if (outcome.is_true()) return StepResult::go_to(then_);
    return otherwise_ ? StepResult::go_to(*otherwise_) : StepResult::go();
  }

 private:
  Expression condition_;
  std::uint32_t then_;
  std::optional<std::uint32_t> otherwise_;
};

std::optional<Built> compile(StepCompiler& c, const yaml::Node& step, const yaml::Node& value) {
  read_text(value, "if", c.out());
  auto condition = c.expression(value, Expression::Want::kBool);
  const auto* before = c.scope().events;
  const auto* then = step.find("then");
  const auto* otherwise = step.find("else");
  Built built;
  built.falls = otherwise == nullptr;
  if (then == nullptr) return std::nullopt;  // reported: the key is needed
  auto yes = c.branch(*then, nullptr, true);
  const auto first = yes.first;
  built.open = std::move(yes.open);
  const EventSet* after = built.open.empty() ? before : yes.events_after;
  std::optional<std::uint32_t> other;
  if (otherwise != nullptr) {
    auto no = c.branch(*otherwise, nullptr, true);
    if (no.first != kNoStep) other = no.first;
    if (!no.open.empty()) {
      if (built.open.empty()) after = no.events_after;
      if (after != no.events_after) after = nullptr;
    }
    built.open.insert(built.open.end(), no.open.begin(), no.open.end());
  } else if (after != before) {
    after = nullptr;
  }
  c.set_event(after);
  if (!condition || first == kNoStep) return std::nullopt;
  built.step = std::make_unique<If>(std::move(*condition), first, other);
  return built;
}

}  // namespace

StepKind if_step() { return {"if", {{"then", KeySpec::Need::kNeeded}, {"else"}}, false, compile}; }

}  // namespace dealwright::rules
