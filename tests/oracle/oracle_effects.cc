// The ledger, naively: what moves an effect, and when it is looked at.
#include "tests/oracle/oracle.h"

namespace dealwright::oracle {
std::optional<Instant> looked_at(const Effect& effect, std::optional<Instant> retry_at) {
  if (effect.channel == "task") return std::nullopt;
  if (effect.state == EffectState::kRequested) {
    return effect.not_before ? *effect.not_before : effect.requested;
  }
  if (effect.state == EffectState::kRetryAt) return retry_at ? *retry_at : effect.changed;
  if (effect.state == EffectState::kAttemptStarted) return effect.changed + seconds(20);
  return std::nullopt;
}

// What an attempt came to, if it is the last one, or the next that never started.
void Oracle::take_outcome(const Event& event) {
  static const std::map<std::string_view, EffectState> kStates = {
      {"delivered", EffectState::kDelivered},
      {"rejected", EffectState::kRejected},
      {"retry", EffectState::kRetryAt},
      {"unknown", EffectState::kUnknown},
      {"expired", EffectState::kExpired}};
  for (auto& [id, effect] : effects_) {
    if (hex(id) != event.data.text(Field::kEffect) || is_final(effect.state)) continue;
    const auto attempt = *event.data.integer(Field::kAttempt);
    const bool started =
        effect.state == EffectState::kAttemptStarted || effect.state == EffectState::kUnknown;
    if (attempt != std::int64_t{effect.attempts} + (started ? 0 : 1)) continue;
    effect.attempts = static_cast<std::uint32_t>(attempt);
    move_effect(id, kStates.at(event.data.text(Field::kOutcome)),
                std::string{event.data.text(Field::kReason)}, event.data.instant(Field::kRetryAt));
    return;
  }
}

void Oracle::move_effect(const EffectId& id, EffectState to, const std::string& reason,
                         std::optional<Instant> retry_at) {
  const auto it = effects_.find(id);
  if (it == effects_.end() || is_final(it->second.state)) return;
  auto& effect = it->second;
  const bool out =
      effect.state == EffectState::kAttemptStarted || effect.state == EffectState::kUnknown;
  if (out && to == EffectState::kCancelled) return;
  effect.state = to;
  effect.reason = reason;
  effect.changed = now_;
  if (to == EffectState::kAttemptStarted) ++effect.attempts;
  effect.next = looked_at(effect, retry_at);
  if (const auto of = enrolments_.find(effect.enrolment); of != enrolments_.end() && is_final(to)) {
    std::erase(of->second.effects, id);
  }
}

}  // namespace dealwright::oracle
