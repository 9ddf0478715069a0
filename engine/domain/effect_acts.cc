#include "engine/domain/effect_acts.h"

namespace dealwright {
namespace {

Refusal judge_retry(const Effect& effect) {
  switch (effect.state) {
    case EffectState::kRejected:
    case EffectState::kExpired:
    case EffectState::kUnknown:
      return Refusal::kNone;
    case EffectState::kSuppressed:
      return effect.reason == "shadow" ? Refusal::kEffectShadow : Refusal::kNone;
    case EffectState::kDelivered:
      return Refusal::kEffectDelivered;
    case EffectState::kCancelled:
      return Refusal::kEffectCancelled;
    case EffectState::kRetryAt:  // whoever has mended it need not wait
      return effect.held_by == kByContent ? Refusal::kNone : Refusal::kEffectOpen;
    case EffectState::kRequested:
    case EffectState::kAttemptStarted:
      return Refusal::kEffectOpen;
  }
  return Refusal::kEffectOpen;
}

std::string said(std::string_view what, const Event& act) {
  std::string out{what};
  out += " by ";
  out += act.data.text(Field::kAuthor);
  out += ": ";
  out += act.data.text(Field::kReason);
  return out;
}

}  // namespace

bool is_about_effect(TypeId type) {
  return type == TypeId::kEffectOutcome || type == TypeId::kEffectRetryRequested ||
         type == TypeId::kEffectResolved || type == TypeId::kEffectCancelled;
}

Refusal judge_act(TypeId act, const Effect* effect) {
  if (act == TypeId::kEffectOutcome) return Refusal::kNone;
  if (effect == nullptr) return Refusal::kUnknownEffect;
  if (!leaves(effect->channel)) return Refusal::kEffectStays;
  if (act == TypeId::kEffectRetryRequested) return judge_retry(*effect);
  if (act == TypeId::kEffectResolved) {
    return effect->state == EffectState::kUnknown ? Refusal::kNone : Refusal::kEffectNotUnknown;
  }
  if (is_final(effect->state)) return Refusal::kEffectFinal;
  const bool waits =
      effect->state == EffectState::kRequested || effect->state == EffectState::kRetryAt;
  return waits ? Refusal::kNone : Refusal::kEffectOut;
}

ActFolded fold_act(Effect& effect, const Event& act, Instant now) {
  // Judged already; a log that somebody made up folds to something all the same.
  if (judge_act(act.type, &effect) != Refusal::kNone) return {};
  if (act.type == TypeId::kEffectResolved) {
    const bool out = act.data.text(Field::kOutcome) == "delivered";
    return {move_effect(effect,
                        {effect.id, out ? EffectState::kDelivered : EffectState::kRejected,
                         said("resolved", act)},
                        now),
            false};
  }
  if (act.type == TypeId::kEffectCancelled) {
    return {move_effect(effect, {effect.id, EffectState::kCancelled, said("cancelled", act)}, now),
            false};
  }
  // The same effect again, under its id, with the time that it had at first.
  const bool revived = is_final(effect.state);
  if (effect.expires) effect.expires = now + (*effect.expires - asked_at(effect));
  effect.state = EffectState::kRetryAt;
  effect.reason = said("retry requested", act);
  effect.changed = now;
  effect.held_by.clear();
  effect.retried = now;
  effect.attempts_before = effect.attempts;
  effect.next = now;
  return {true, revived};
}

bool takes_word(TypeId type) {
  return type >= TypeId::kEmailDelivered && type <= TypeId::kEmailComplained;
}

bool fold_word(Effect& effect, const Event& word, Instant now) {
  if (effect.channel != "email" || !takes_word(word.type)) return false;
  std::string reason{word.type_name()};
  for (const auto field : {Field::kStatus, Field::kReason}) {
    const auto text = word.data.text(field);
    if (text.empty()) continue;
    reason += field == Field::kStatus ? " " : ": ";
    reason += text;
  }
  const bool bounced = word.type == TypeId::kEmailBounced;
  if (effect.state == EffectState::kDelivered) {
    if (!bounced) return false;
    effect.reason = std::move(reason);
    return true;
  }
  const bool out =
      effect.state == EffectState::kUnknown || effect.state == EffectState::kAttemptStarted;
  return out && move_effect(effect, {effect.id, EffectState::kDelivered, std::move(reason)}, now);
}

bool stops_mails(TypeId type) {
  switch (type) {
    case TypeId::kConsentWithdrawn:
    case TypeId::kEmailBounced:
    case TypeId::kEmailComplained:
    case TypeId::kContactDeleted:
    case TypeId::kLeadDeleted:
    case TypeId::kPersonErased:
      return true;
    default:
      return false;
  }
}

}  // namespace dealwright
