#include "rules/steps/close_tasks.h"

#include "rules/steps/step_run.h"
#include "rules/steps/task_id.h"

namespace dealwright::rules {
namespace {

// Closes the tasks that this enrolment made and that are still open.
class CloseTasks : public Step {
 public:
  CloseTasks(std::string kind, TypeId as) : kind_{std::move(kind)}, as_{as} {}

  StepResult run(StepRun& run) const override {
    for (const auto& step : run.plan.steps) {
      const auto made = dealwright::effect_id(run.reader.workspace().name, run.plan.id,
                                              effect_key(run.plan, run.enrolment), step.id,
                                              run.enrolment.round, "task", "");
      const auto key = task_key(made);
      const auto* task = run.reader.record(key);
      if (task == nullptr) continue;
      const auto& state = task->life.state;
      const auto* kind = task->find(Field::kKind);
      if (state != "open" && state != "started") continue;
      if (!kind_.empty() && (kind == nullptr || kind->text_or_empty() != kind_)) continue;
      Fields data;
      data.set(Field::kResult, Value{"closed by " + run.plan.id});
      run.decide(run.effect_id("close", to_text(key)), as_, key, std::move(data));
    }
    return StepResult::go();
  }

 private:
  std::string kind_;
  TypeId as_;
};

std::optional<Built> compile(StepCompiler& c, const yaml::Node&, const yaml::Node& value) {
  static constexpr KeySpec kKeys[] = {{"kind"}, {"made_by"}, {"as"}};
  if (!check_keys(value, kKeys, "'close_tasks'", c.out())) return std::nullopt;
  std::string kind;
  if (const auto* node = value.find("kind")) {
    const auto& kinds = spec_of(TypeId::kTaskCreated).find(Field::kKind)->values;
    if (read_word(*node, "kind", kinds, c.out())) kind = node->text;
  }
  if (const auto* node = value.find("made_by")) {
    static constexpr std::string_view kWords[] = {"rule", "any"};
    if (read_word(*node, "made_by", kWords, c.out()) == std::size_t{1}) {
      refuse_later(node->at, "made_by: any", c.out());
    }
  }
  auto as = TypeId::kTaskCancelled;
  if (const auto* node = value.find("as")) {
    static constexpr std::string_view kWords[] = {"cancelled", "done"};
    if (read_word(*node, "as", kWords, c.out()) == std::size_t{1}) as = TypeId::kTaskCompleted;
  }
  return Built{std::make_unique<CloseTasks>(kind, as), kind, true, {}};
}

}  // namespace

StepKind close_tasks_step() { return {"close_tasks", {}, false, compile}; }

}  // namespace dealwright::rules
