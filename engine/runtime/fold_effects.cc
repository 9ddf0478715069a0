// Folder: the ledger. What decisions, outcomes, people and receivers make of effects, and what
// follows for caps, fuses and views.
#include <algorithm>

#include "engine/domain/effect_acts.h"
#include "engine/domain/sends.h"
#include "engine/runtime/folder.h"

namespace dealwright::runtime {

bool Folder::request(const EffectRequested& c, const FactPlace& place) {
  auto* enrolment = state_.edit_enrolment(c.effect.enrolment);
  const bool asks = enrolment == nullptr || !enrolment->first || enrolment->asked;
  if (enrolment != nullptr) enrolment->asked = enrolment->first;
  // The ledger stops duplicates. It is not asked about the first effect of an enrolment that is the
  // first of its id: there is none.
  if (asks && state_.effect(c.effect.id)) return false;
  auto effect = c.effect;
  effect.next = next_look(effect, std::nullopt);
  state_.put(effect, {});
  if (on_effect_) on_effect_(effect);
  if (enrolment != nullptr && !is_final(c.effect.state)) enrolment->effects.push_back(c.effect.id);
  note_decision(c.effect.subject, place);
  return true;
}

void Folder::move_effect(const EffectMoved& moved, Instant now, Enrolment* of) {
  auto effect = state_.effect(moved.id);
  if (effect) move_effect(std::move(*effect), moved, now, of);
}

void Folder::move_effect(Effect effect, const EffectMoved& moved, Instant now, Enrolment* of) {
  const auto before = effect.state;
  const auto was = place_of(effect);
  const bool first = !effect.started;
  if (!dealwright::move_effect(effect, moved, now)) return;
  if (first && effect.started && effect.channel == "email") {  // fuses are for people
    count(state_.edit_flow(effect.rule), effect.version, facts_.partitions(), now);
  }
  keep(effect, was, before, now, of);
}

// Writes a changed line down, and all that follows its state.
void Folder::keep(const Effect& effect, const EffectPlace& was, EffectState before, Instant now,
                  Enrolment* of) {
  state_.put(effect, was);
  if (on_effect_ && effect.state != before) on_effect_(effect);
  if (effect.channel == "email" && !effect.recipient.empty()) {
    auto sent = state_.sent_to(effect.recipient);
    if (follow(sent, effect, before, state_.reference.schemas.current(), now)) {
      state_.put_sent(effect.recipient, sent);
    }
  }
  tell_views(EffectMoved{effect.id, effect.state, effect.reason, effect.next, effect.held_by},
             {now, effect.rule, before});
  if (!is_final(effect.state)) return;
  if (of == nullptr) of = state_.edit_enrolment(effect.enrolment);
  if (of != nullptr) std::erase(of->effects, effect.id);
}

// What an attempt came to. One that failed in front of its point of no return was not started in
// writing; it counts all the same, unless another one was started under its number. A word that
// comes too late, of an attempt that another followed, changes nothing.
void Folder::fold_outcome(const Event& event, Instant now) {
  const auto outcome = outcome_of(event.data.text(Field::kOutcome));
  auto effect = state_.find_effect(event.data.text(Field::kEffect));
  if (!effect || !outcome) return;
  const auto attempt = static_cast<std::uint32_t>(event.data.integer(Field::kAttempt).value_or(0));
  const bool started =
      effect->state == EffectState::kAttemptStarted || effect->state == EffectState::kUnknown;
  if (attempt != effect->attempts + (started ? 0 : 1)) return;
  if (started && event.id.ends_with(kBeforePassing)) return;
  effect->attempts = attempt;
  const EffectMoved moved{effect->id, state_of(*outcome),
                          std::string{event.data.text(Field::kReason)},
                          event.data.instant(Field::kRetryAt)};
  move_effect(std::move(*effect), moved, now, nullptr);
}

void Folder::fold_act_of(const Event& event, Instant now) {
  auto effect = state_.find_effect(event.data.text(Field::kEffect));
  if (!effect) return;
  const auto before = effect->state;
  const auto was = place_of(*effect);
  const auto folded = fold_act(*effect, event, now);
  if (!folded.moved) return;
  keep(*effect, was, before, now, nullptr);
  if (!folded.revived) return;
  auto* enrolment = state_.edit_enrolment(effect->enrolment);
  if (enrolment != nullptr) enrolment->effects.push_back(effect->id);
}

void Folder::fold_word_of(const Event& event, Instant now) {
  auto effect = state_.find_effect(event.data.text(Field::kEffect));
  if (!effect) return;
  const auto before = effect->state;
  const auto was = place_of(*effect);
  if (fold_word(*effect, event, now)) keep(*effect, was, before, now, nullptr);
}

void Folder::fold_held_rule(const Event& event) {
  if (state_.rule_status(event.subject.id) != "live") return;
  state_.set_rule_status(event.subject.id, "held");
  rules_changed_ = true;
}

// False: it says nothing of effects, or more than that.
bool Folder::fold_of_effects(const Event& event, Instant now) {
  switch (event.type) {
    case TypeId::kEffectOutcome:
      fold_outcome(event, now);
      return true;
    case TypeId::kEffectRetryRequested:
    case TypeId::kEffectResolved:
    case TypeId::kEffectCancelled:
      fold_act_of(event, now);
      return true;
    case TypeId::kRuleHeld:
      fold_held_rule(event);
      return true;
    default:
      if (takes_word(event.type)) fold_word_of(event, now);
      return false;
  }
}

}  // namespace dealwright::runtime
