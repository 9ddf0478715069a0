#include "rules/steps/create_task.h"

#include <algorithm>

#include "rules/steps/step_run.h"
#include "rules/steps/task_id.h"

namespace dealwright::rules {
namespace {

struct Task {
  std::string kind;
  TextPlan title;
  Length due;
  std::optional<Expression> owner;  // none: the subject's
  std::optional<Expression> about;  // none: the subject
};

class CreateTask : public Step {
 public:
  explicit CreateTask(Task task) : task_{std::move(task)} {}

  StepResult run(StepRun& run) const override {
    std::optional<RecordKey> owner;
    if (task_.owner) {
      auto [found, failure] = evaluate_who(*task_.owner, run);
      if (failure) return *failure;
      owner = std::move(found);
    } else {
      owner = run.reader.nearest(Kind::kUser);
    }
    auto about = std::optional{run.enrolment.subject};
    if (task_.about) {
      auto [found, failure] = evaluate_who(*task_.about, run);
      if (failure) return *failure;
      if (found) about = std::move(found);
    }
    Fields data;
    data.set(Field::kKind, Value{task_.kind});
    data.set(Field::kTitle, Value{render(task_.title, run)});
    data.set(Field::kAbout, Value{to_text(*about)});
    data.set(Field::kDue, Value{run.after(run.since, task_.due)});
    std::string recipient;
    if (owner && owner->kind == Kind::kUser) {
      data.set(Field::kOwner, Value{owner->id});
      recipient = to_text(*owner);
    } else {  // nobody: a queue takes it
      const auto team =
          owner && owner->kind == Kind::kTeam ? owner : run.reader.nearest(Kind::kTeam);
      if (team) data.set(Field::kTeam, Value{team->id});
      data.set(Field::kQueue, Value{team ? team->id : "fallback"});
      recipient = "queue/" + (team ? team->id : std::string{"fallback"});
    }
    const auto id = run.effect_id("task");
    const auto key = task_key(id);
    Map payload{{"task", Value{to_text(key)}},
                {"kind", Value{task_.kind}},
                {"title", *data.find(Field::kTitle)},
                {"due", *data.find(Field::kDue)}};
    if (!run.request("task", std::move(recipient), std::move(payload), false))
      return StepResult::go();
    if (run.enrolment.shadow) return StepResult::go();
    const bool made = run.decide(id, TypeId::kTaskCreated, key, std::move(data));
    // Our own record: there is nobody outside to deliver it to.
    run.change(EffectMoved{id, made ? EffectState::kDelivered : EffectState::kRejected,
                           made ? "" : "refused"});
    return StepResult::go();
  }

 private:
  Task task_;
};

std::optional<Built> compile(StepCompiler& c, const yaml::Node&, const yaml::Node& value) {
  using Need = KeySpec::Need;
  static constexpr KeySpec kKeys[] = {{"kind", Need::kNeeded},
                                      {"title", Need::kNeeded},
                                      {"due", Need::kNeeded},
                                      {"owner"},
                                      {"about"},
                                      {"template", Need::kLater}};
  if (value.find("template") != nullptr) {
    refuse_later(value.entry("template")->at, "template", c.out());
    return std::nullopt;
  }
  if (!check_keys(value, kKeys, "'create_task'", c.out())) return std::nullopt;
  const auto* kind = value.find("kind");
  const auto* title = value.find("title");
  const auto* due = value.find("due");
  if (kind == nullptr || title == nullptr || due == nullptr) return std::nullopt;
  const auto& kinds = spec_of(TypeId::kTaskCreated).find(Field::kKind)->values;
  const auto word = read_word(*kind, "kind", kinds, c.out());
  auto text = c.text(*title);
  const auto length = read_length(*due, "due", c.out());
  Task task;
  bool sound = word && text && length;
  const auto who = [&](const char* key, std::optional<Expression>& into) {
    const auto* node = value.find(key);
    if (node == nullptr) return;
    into = c.who(*node);
    sound = sound && into.has_value();
  };
  who("owner", task.owner);
  who("about", task.about);
  if (!sound) return std::nullopt;
  task.kind = kinds[*word];
  task.title = std::move(*text);
  task.due = *length;
  return Built{std::make_unique<CreateTask>(std::move(task)), kind->text, true, {}};
}

}  // namespace

StepKind create_task_step() { return {"create_task", {}, false, compile}; }

}  // namespace dealwright::rules
