#include "rules/steps/wait.h"

#include "rules/steps/step_run.h"

namespace dealwright::rules {
namespace {

// Waits a length of time: the first of a rule from the trigger's time, later ones from the step.
class Wait : public Step {
 public:
  explicit Wait(Length length) : length_{length} {}
  bool waits() const override { return true; }
  StepResult run(StepRun& run) const override { return StepResult::wait(due(run, run.since)); }
  std::optional<Instant> due(StepRun& run, Instant from) const override {
    return run.after(from, length_);
  }

 private:
  Length length_;
};

std::optional<Built> compile(StepCompiler& c, const yaml::Node&, const yaml::Node& value) {
  const auto length = read_length(value, "wait", c.out());
  c.lose_event();
  if (!length) return std::nullopt;
  return Built{std::make_unique<Wait>(*length), value.text, true, {}};
}

}  // namespace

StepKind wait_step() { return {"wait", {}, true, compile}; }

}  // namespace dealwright::rules
