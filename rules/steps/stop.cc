#include "rules/steps/stop.h"

#include <algorithm>

#include "rules/steps/step_run.h"

namespace dealwright::rules {
namespace {

// Ends the subject's enrolments in other rules.
class Stop : public Step {
 public:
  explicit Stop(std::vector<std::string> rules) : rules_{std::move(rules)} {}

  StepResult run(StepRun& run) const override {
    if (run.enrolment.shadow) return StepResult::go();
    for (const auto& id : run.reader.turn().watching(run.enrolment.subject)) {
      if (id == run.enrolment.id) continue;
      const auto* other = run.reader.turn().enrolment(id);
      if (other == nullptr || other->subject != run.enrolment.subject) continue;
      if (std::find(rules_.begin(), rules_.end(), other->rule) == rules_.end()) continue;
      run.change(EnrolmentEnded{id, "stopped by " + run.plan.id, true});
    }
    return StepResult::go();
  }

 private:
  std::vector<std::string> rules_;
};

std::optional<Built> compile(StepCompiler& c, const yaml::Node&, const yaml::Node& value) {
  static constexpr KeySpec kKeys[] = {{"rules", KeySpec::Need::kNeeded}};
  if (!check_keys(value, kKeys, "'stop'", c.out())) return std::nullopt;
  const auto* rules = value.find("rules");
  if (rules == nullptr) return std::nullopt;
  std::vector<std::string> names;
  std::string main;
  const auto add = [&](const yaml::Node& node) {
    const auto* name = read_text(node, "rules", c.out());
    if (name == nullptr) return;
    if (!is_name(*name)) c.out().error(2004, node.at, "'" + *name + "' is no rule id");
    names.push_back(*name);
    main += (main.empty() ? "" : ",") + *name;
  };
  if (rules->is_list()) {
    for (const auto& item : rules->items) add(item);
  } else {
    add(*rules);
  }
  return Built{std::make_unique<Stop>(std::move(names)), main, true, {}};
}

}  // namespace

StepKind stop_step() { return {"stop", {}, false, compile}; }

}  // namespace dealwright::rules
