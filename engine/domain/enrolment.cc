#include "engine/domain/enrolment.h"

#include "engine/base/bytes.h"
#include "engine/domain/changes.h"

namespace dealwright {
namespace {

constexpr std::string_view kEffectStates[] = {"requested", "attempt_started", "delivered",
                                              "rejected",  "retry_at",        "unknown",
                                              "expired",   "cancelled",       "suppressed"};

void put_part(std::string& out, std::string_view part) {
  put_fixed32(out, static_cast<std::uint32_t>(part.size()));
  out.append(part);
}

}  // namespace

std::string_view effect_state_name(EffectState state) {
  return kEffectStates[static_cast<std::size_t>(state)];
}

std::optional<EffectState> effect_state_of(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kEffectStates); ++i) {
    if (kEffectStates[i] == name) return static_cast<EffectState>(i);
  }
  return std::nullopt;
}

bool is_final(EffectState state) {
  switch (state) {
    case EffectState::kRequested:
    case EffectState::kAttemptStarted:
    case EffectState::kRetryAt:
    case EffectState::kUnknown:
      return false;
    case EffectState::kDelivered:
    case EffectState::kRejected:
    case EffectState::kExpired:
    case EffectState::kCancelled:
    case EffectState::kSuppressed:
      return true;
  }
  return true;
}

namespace {
constexpr std::string_view kOutcomes[] = {"delivered", "rejected", "retry", "unknown", "expired"};
}

std::string_view outcome_name(Outcome outcome) {
  return kOutcomes[static_cast<std::size_t>(outcome)];
}

std::optional<Outcome> outcome_of(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kOutcomes); ++i) {
    if (kOutcomes[i] == name) return static_cast<Outcome>(i);
  }
  return std::nullopt;
}

EffectState state_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDelivered:
      return EffectState::kDelivered;
    case Outcome::kRejected:
      return EffectState::kRejected;
    case Outcome::kRetry:
      return EffectState::kRetryAt;
    case Outcome::kUnknown:
      return EffectState::kUnknown;
    case Outcome::kExpired:
      return EffectState::kExpired;
  }
  return EffectState::kUnknown;
}

std::optional<Instant> next_look(const Effect& effect, std::optional<Instant> retry_at) {
  if (!leaves(effect.channel)) return std::nullopt;
  switch (effect.state) {
    case EffectState::kRequested:
      return effect.not_before.value_or(effect.requested);
    case EffectState::kRetryAt:
      if (!effect.held_by.empty()) return retry_at;
      return retry_at.value_or(effect.changed);
    case EffectState::kAttemptStarted:
      return effect.changed + kAttemptSpan + kAttemptSpan;
    default:
      return std::nullopt;
  }
}

bool move_effect(Effect& effect, const EffectMoved& moved, Instant now) {
  const auto to = moved.state;
  if (is_final(effect.state)) return false;
  // What may be out already is not called back: its outcome says what became of it.
  const bool out =
      effect.state == EffectState::kAttemptStarted || effect.state == EffectState::kUnknown;
  if (out && to == EffectState::kCancelled) return false;
  effect.state = to;
  effect.reason = moved.reason;
  effect.changed = now;
  effect.held_by = moved.held_by;
  if (to == EffectState::kAttemptStarted) {
    ++effect.attempts;
    effect.started = true;
  }
  effect.next = next_look(effect, moved.retry_at);
  return true;
}

EffectId effect_id(std::string_view workspace, std::string_view rule,
                   std::string_view enrolment_key, std::string_view step,
                   std::string_view occurrence, std::string_view channel,
                   std::string_view recipient) {
  std::string text;
  text.reserve(64 + enrolment_key.size() + rule.size() + step.size());
  for (const auto part : {workspace, rule, enrolment_key, step, occurrence, channel, recipient}) {
    put_part(text, part);
  }
  return sha256(text);
}

std::string enrolment_key(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& part : parts) put_part(out, part);
  return out;
}

bool first_of_id(const Enrolment& enrolment, bool remembered, bool entry) {
  constexpr int kPartsUnremembered = 3;
  if (!remembered || entry) return false;
  if (enrolment.id != hash128(enrolment.rule, enrolment.key)) return false;
  int parts = 0;
  ByteReader in{enrolment.key};
  for (; !in.failed() && !in.at_end(); ++parts) in.take(in.fixed32());
  return !in.failed() && parts != kPartsUnremembered;
}

std::vector<std::string> drip_queues(const Enrolment& enrolment) {
  std::vector<std::string> out;
  if (enrolment.step != kBeforeFirst || !enrolment.due) return out;
  const auto* queues = find(enrolment.kept, kDrip);
  if (queues == nullptr || queues->as_map() == nullptr) return out;
  for (const auto& [name, rate] : *queues->as_map()) out.push_back(name);
  return out;
}

std::string_view verdict_name(Verdict verdict) {
  static constexpr std::string_view kNames[] = {"accepted", "duplicate", "refused", "set_aside"};
  return kNames[static_cast<std::size_t>(verdict)];
}

}  // namespace dealwright
