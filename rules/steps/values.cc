#include "engine/base/planted.h"
#include "rules/plan/functions.h"
#include "rules/steps/compiler.h"
#include "rules/steps/step_run.h"

namespace dealwright::rules {

std::optional<Instant> Step::due(StepRun&, Instant) const { return std::nullopt; }

std::string render(const TextPlan& text, StepRun& run) {
  const liquid::Context context{run.reader.zone, run.now()};
  return liquid::render(
      text.text,
      [&](std::size_t path) {
        auto outcome = text.paths[path].evaluate(run.reader, run.calendars);
        return outcome.failed ? Value{} : std::move(outcome.value);
      },
      context);
}

Outcome evaluate(const ValuePlan& value, StepRun& run) {
  if (const auto* literal = std::get_if<Value>(&value)) return {*literal, false, false, {}, {}};
  if (const auto* text = std::get_if<TextPlan>(&value))
    return {Value{render(*text, run)}, false, false, {}, {}};
  return std::get<Expression>(value).evaluate(run.reader, run.calendars);
}

Who evaluate_who(const Expression& who, StepRun& run) {
  if (const auto* path = who.as_path()) return {run.reader.record_of(*path), {}};
  const auto outcome = who.evaluate(run.reader, run.calendars);
  if (outcome.failed && !outcome.absent) {
    return {std::nullopt, StepResult::failed(outcome.code, outcome.detail)};
  }
  return {outcome.failed ? std::nullopt : who_of(outcome.value.text_or_empty()), {}};
}

std::string effect_key(const RulePlan& plan, const Enrolment& enrolment) {
  return plan.entry == EntryPolicy::kCooldown ? enrolment.key + enrolment.cause : enrolment.key;
}

EffectId StepRun::effect_id(std::string_view channel, std::string_view recipient) const {
  auto id = step->id;
  if (DW_PLANTED(8)) id += std::to_string(enrolment.version);  // planted: the version is part of it
  return dealwright::effect_id(reader.workspace().name, plan.id, effect_key(plan, enrolment), id,
                               enrolment.round, channel, recipient);
}

}  // namespace dealwright::rules
