#include "rules/steps/end.h"

#include "rules/steps/step_run.h"

namespace dealwright::rules {
namespace {

class End : public Step {
 public:
  explicit End(std::string reason) : reason_{std::move(reason)} {}
  StepResult run(StepRun&) const override { return StepResult::end(reason_); }

 private:
  std::string reason_;
};

std::optional<Built> compile(StepCompiler& c, const yaml::Node&, const yaml::Node& value) {
  const auto* reason = read_text(value, "end", c.out());
  if (reason == nullptr) return std::nullopt;
  return Built{std::make_unique<End>(*reason), *reason, false, {}};
}

}  // namespace

StepKind end_step() { return {"end", {}, false, compile}; }

}  // namespace dealwright::rules
