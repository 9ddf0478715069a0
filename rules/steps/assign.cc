#include "rules/steps/assign.h"

#include "rules/steps/step_run.h"

namespace dealwright::rules {
namespace {

// Gives the subject to a user or a team.
class Assign : public Step {
 public:
  Assign(Expression to, std::optional<Expression> team)
      : to_{std::move(to)}, team_{std::move(team)} {}

  StepResult run(StepRun& run) const override {
    const auto [to, failure] = evaluate_who(to_, run);
    if (failure) return *failure;
    if (!to) return StepResult::failed("absent", "there is nobody to assign it to");
    const auto& subject = run.enrolment.subject;
    const auto* spec = event_spec(std::string{kind_name(subject.kind)} + ".assigned");
    if (spec == nullptr) {
      return StepResult::failed("no_such_field",
                                "a " + std::string{kind_name(subject.kind)} + " has no owner");
    }
    Fields data;
    data.set(to->kind == Kind::kTeam ? Field::kTeam : Field::kOwner, Value{to->id});
    if (team_) {
      const auto [team, bad] = evaluate_who(*team_, run);
      if (bad) return *bad;
      if (team && team->kind == Kind::kTeam) data.set(Field::kTeam, Value{team->id});
    }
    if (!run.decide(run.effect_id("assign"), spec->type, subject, std::move(data))) {
      return StepResult::failed("refused", std::string{spec->name} + " was refused");
    }
    return StepResult::go();
  }

 private:
  Expression to_;
  std::optional<Expression> team_;
};

std::optional<Built> compile(StepCompiler& c, const yaml::Node&, const yaml::Node& value) {
  using Need = KeySpec::Need;
  static constexpr KeySpec kKeys[] = {{"to", Need::kNeeded},
                                      {"team"},
                                      {"except", Need::kLater},
                                      {"on_shift", Need::kLater},
                                      {"else", Need::kLater}};
  if (!check_keys(value, kKeys, "'assign'", c.out())) return std::nullopt;
  const auto* to = value.find("to");
  if (to == nullptr) return std::nullopt;
  auto who = c.who(*to);
  std::optional<Expression> team;
  if (const auto* node = value.find("team")) {
    team = c.who(*node);
    if (!team) return std::nullopt;
  }
  if (!who) return std::nullopt;
  return Built{std::make_unique<Assign>(std::move(*who), std::move(team)), to->text, true, {}};
}

}  // namespace

StepKind assign_step() { return {"assign", {}, false, compile}; }

}  // namespace dealwright::rules
