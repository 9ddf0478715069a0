#include "rules/decide/run.h"

#include <algorithm>

#include "rules/decide/chain.h"

namespace dealwright::rules {

Run::Run(Reader& reader_in, Calendars& calendars_in, DecisionSoFar& decision,
         const RulePlan& plan_in, Enrolment& enrolment_in)
    : StepRun{reader_in, calendars_in, plan_in, enrolment_in}, decision_{decision} {
  calendars_in.use(plan_in);
  reader.enrolment = &enrolment;
  reader.zone = &calendars_in.zone(plan_in);
  since = enrolment.step_since;
}

Run::Run(Reader& reader_in, Calendars& calendars_in, DecisionSoFar& decision,
         const RulePlan& plan_in, Enrolment& enrolment_in, std::vector<UsedValue> used,
         bool remember)
    : Run{reader_in, calendars_in, decision, plan_in, enrolment_in} {
  begins_ = true;
  remember_ = remember;
  used_ = std::move(used);
  since = enrolment.base;
}

std::string Run::chain() const {
  const auto* before = find(enrolment.kept, kChain);
  return longer_chain(before == nullptr ? std::string_view{} : before->text_or_empty(), enrolment);
}

void Run::flush() {
  if (!begins_) return;
  begins_ = false;
  refused_ = !reader.turn().change(EnrolmentStarted{enrolment, std::move(used_), remember_});
  for (auto& change : held_back_) this->change(std::move(change));
  held_back_.clear();
}

void Run::change(Change change) {
  if (refused_) return;
  if (begins_) {
    held_back_.push_back(std::move(change));
  } else {
    reader.turn().change(std::move(change));
  }
}

bool Run::request(std::string channel, std::string recipient, Map payload, bool is_message) {
  Effect effect;
  effect.id = effect_id(channel);
  const bool once_only = channel == "task";  // others: the ledger itself stops a second one
  if (once_only && reader.turn().effect_state(effect.id)) return false;
  effect.rule = plan.id;
  effect.version = enrolment.version;
  effect.enrolment = enrolment.id;
  effect.step = step->id;
  effect.subject = enrolment.subject;
  effect.requested = effect.changed = now();
  effect.expires = now() + plan.limits.expire;
  if (channel == "email") payload.emplace_back("limits", Value{plan.limits.payload});
  std::sort(payload.begin(), payload.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  effect.payload = std::move(payload);
  if (enrolment.shadow) {
    effect.state = EffectState::kSuppressed;
    effect.reason = "shadow";
  } else if (is_message && lateness > plan.limits.misfire) {
    effect.state = EffectState::kExpired;
    effect.reason = "misfire";
  } else if (channel == "email" && recipient.empty()) {
    effect.state = EffectState::kSuppressed;
    effect.reason = "no_recipient";
  }
  if (effect.state == EffectState::kRequested) requested_.push_back(effect.id);
  effect.channel = std::move(channel);
  effect.recipient = std::move(recipient);
  change(EffectRequested{std::move(effect)});
  return true;
}

// The fact that it would have made, for the ledger to show.
void Run::keep_in_shadow(const EffectId& id, TypeId type, const RecordKey& subject,
                         const Fields& data) {
  Map fields;
  for (const auto& [field, value] : data) fields.emplace_back(field_name(field), value);
  Effect effect;
  effect.id = id;
  effect.rule = plan.id;
  effect.version = enrolment.version;
  effect.enrolment = enrolment.id;
  effect.step = step->id;
  effect.channel = "fact";
  effect.subject = enrolment.subject;
  effect.recipient = to_text(subject);
  effect.state = EffectState::kSuppressed;
  effect.reason = "shadow";
  effect.requested = effect.changed = now();
  effect.payload =
      *Value{Map{{"data", Value{std::move(fields)}}, {"type", Value{spec_of(type).name}}}}.as_map();
  change(EffectRequested{std::move(effect)});
}

bool Run::decide(const EffectId& id, TypeId type, RecordKey subject, Fields data) {
  if (enrolment.shadow) {
    keep_in_shadow(id, type, subject, data);
    return true;
  }
  flush();  // later steps see the fact
  if (refused_) return false;
  Event event;
  event.source = "dealwright/rule/" + plan.id;
  event.id = hex(id);
  event.type = type;
  event.subject = std::move(subject);
  event.time = now();
  event.data = std::move(data);
  event.actor = "rule/" + plan.id;
  if (reader.fact != nullptr) event.causation_id = reader.fact->event->id;
  event.extensions = {{std::string{kChain}, Value{chain()}}};
  if (const auto conflict = decision_.write(plan.id, event); !conflict.empty()) {
    change(RuleFailed{plan.id, enrolment.version, event.subject, step->id, "write_conflict",
                      conflict + "; the later one stands"});
  }
  return reader.turn().change(FactDecided{std::move(event)});
}

void Run::stand(std::uint32_t at, std::optional<Instant> due, bool for_event) {
  enrolment.step = at;
  enrolment.step_since = since;
  enrolment.due = due;
  enrolment.waits_for_event = for_event;
  enrolment.held = false;
  enrolment.watched = closure(reader.turn(), enrolment.subject);
  std::sort(enrolment.watched.begin(), enrolment.watched.end());
  if (begins_) return flush();
  change(EnrolmentMoved{enrolment.id, at, enrolment.round, since, due, for_event, false,
                        enrolment.watched});
}

void Run::end(std::string reason, bool cancel_effects) {
  flush();
  change(EnrolmentEnded{enrolment.id, std::move(reason), cancel_effects});
}

void Run::fail(const StepResult& result) {
  const bool deep = result.reason == "refused" || result.reason == "budget";
  const auto* before = deep ? find(enrolment.kept, kChain) : nullptr;
  const auto led_here =
      before == nullptr ? std::string{} : "; rules led here: " + rules_of(before->text_or_empty());
  change(RuleFailed{plan.id, enrolment.version, enrolment.subject, step->id, result.reason,
                    result.detail + led_here});
}

void Run::hold(const Outcome& outcome) {
  change(RuleFailed{plan.id, enrolment.version, enrolment.subject, "exit", outcome.code,
                    outcome.detail});
  const bool begins = begins_;
  enrolment.held = true;
  if (enrolment.watched.empty()) {
    enrolment.watched = closure(reader.turn(), enrolment.subject);
    std::sort(enrolment.watched.begin(), enrolment.watched.end());
  }
  flush();
  if (begins) return;
  change(EnrolmentMoved{enrolment.id, enrolment.step, enrolment.round, enrolment.step_since,
                        enrolment.due, enrolment.waits_for_event, true, enrolment.watched});
}

bool Run::check_states() {
  for (const auto& exit_plan : plan.exits) {
    if (exit_plan.match.events) continue;
    const auto outcome = exit_plan.match.when->test(reader, calendars);
    if (outcome.failed) {
      hold(outcome);
      return true;
    }
    if (!outcome.is_true()) continue;
    exit(&exit_plan, exit_plan.reason.empty() ? "state" : exit_plan.reason);
    return true;
  }
  return false;
}

void Run::exit(const ExitPlan* exit_plan, std::string reason) {
  leaving_ = true;
  if (exit_plan != nullptr && exit_plan->steps != kNoStep) {
    // What was asked for before is cancelled by the end; what `do` asks for must outlive it.
    for (const auto& id : enrolment.effects)
      change(EffectMoved{id, EffectState::kCancelled, reason});
    go(exit_plan->steps, reason);
    return;
  }
  end(std::move(reason), true);
}

void Run::go(std::uint32_t at, std::string_view done) {
  enrolment.due.reset();
  enrolment.waits_for_event = false;
  while (at != kNoStep) {
    step = &plan.steps[at];
    reader.step_id = step->id;
    enrolment.step = at;
    if (!decision_.spend_step()) {
      fail(StepResult::failed("budget", "more than 1,000 steps in one decision"));
      return end("error", false);
    }
    if (reader.turn().budget_spent()) {
      fail(StepResult::failed("budget", "more than 512 KiB in one decision"));
      return end("error", false);
    }
    if (plan.state_exits && !leaving_ && check_states()) return;
    const auto result = step->step->run(*this);
    switch (result.then) {
      case StepResult::Then::kGo:
        at = result.to.value_or(step->next);
        break;
      case StepResult::Then::kWait:
        return stand(at, result.due, step->step->waits_for() != nullptr);
      case StepResult::Then::kEnd:
        return end(leaving_ ? std::string{done} : result.reason, false);
      case StepResult::Then::kFailed:
        fail(result);
        if (!step->go_on) return end(leaving_ ? std::string{done} : "error", false);
        at = step->next;
    }
  }
  end(std::string{done}, false);
}

}  // namespace dealwright::rules
