#include "engine/domain/enrolment_acts.h"

#include <algorithm>
#include <charconv>

namespace dealwright {

bool is_about_enrolment(TypeId type) {
  return type == TypeId::kEnrolmentExited || type == TypeId::kTimerCancelled ||
         type == TypeId::kTimerMoved;
}

std::optional<EnrolmentId> enrolment_id_of(std::string_view hex) {
  constexpr std::size_t kHalf = 16;
  if (hex.size() != 2 * kHalf) return std::nullopt;
  EnrolmentId out;
  for (auto* half : {&out.high, &out.low}) {
    const auto [end, bad] = std::from_chars(hex.data(), hex.data() + kHalf, *half, 16);
    if (bad != std::errc{} || end != hex.data() + kHalf) return std::nullopt;
    hex.remove_prefix(kHalf);
  }
  return out;
}

Refusal judge_enrolment_act(TypeId act, const Enrolment* live) {
  if (live == nullptr) return Refusal::kUnknownEnrolment;
  if (act == TypeId::kEnrolmentExited) return Refusal::kNone;
  if (live->step == kBeforeFirst) return Refusal::kTimerDrips;
  return live->due ? Refusal::kNone : Refusal::kNoTimer;
}

Change follow_act(const Event& act, const Enrolment& live, Instant now) {
  if (act.type == TypeId::kEnrolmentExited) return EnrolmentEnded{live.id, "operator", true};
  const bool cancelled = act.type == TypeId::kTimerCancelled;
  if (cancelled && !live.waits_for_event) return EnrolmentEnded{live.id, "timer_cancelled", true};
  EnrolmentMoved out;
  out.id = live.id;
  out.step = live.step;
  out.round = live.round;
  out.step_since = live.step_since;
  if (!cancelled) out.due = std::max(now, act.data.instant(Field::kDue).value_or(now));
  out.waits_for_event = live.waits_for_event;
  out.held = live.held;
  out.watched = live.watched;
  return out;
}

}  // namespace dealwright
