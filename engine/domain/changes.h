// What a decision changes: the body of a decision record, in the order decided. Folding them is the
// only way enrolments, timers, effects and rule-made facts come to be.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "engine/domain/enrolment.h"

namespace dealwright {

// A value that a condition used: "deal.amount" -> 1,500 EUR.
struct UsedValue {
  std::string path;
  Value value;
  friend bool operator==(const UsedValue&, const UsedValue&) = default;
};

struct EnrolmentStarted {
  Enrolment enrolment;
  std::vector<UsedValue> used;  // by the condition
  bool remember = true;         // its entry policy asks for past entries (each_time does not)
  friend bool operator==(const EnrolmentStarted&, const EnrolmentStarted&) = default;
};
// Replaces the enrolment's place: step, round, due, waits. A due that is set sets its timer, one
// that was there before is cancelled.
struct EnrolmentMoved {
  EnrolmentId id;
  std::uint32_t step = 0;
  std::string round;
  Instant step_since;
  std::optional<Instant> due;
  bool waits_for_event = false;
  bool held = false;
  std::vector<RecordKey> watched;
  friend bool operator==(const EnrolmentMoved&, const EnrolmentMoved&) = default;
};
// Ends it: its timer is cancelled; its effects that are not final are cancelled too if
// `cancel_effects`.
struct EnrolmentEnded {
  EnrolmentId id;
  std::string reason;  // done, or why it exited
  bool cancel_effects = false;
  friend bool operator==(const EnrolmentEnded&, const EnrolmentEnded&) = default;
};
// A rule matched, and its entry policy said no.
struct EntryRefused {
  std::string rule;
  std::uint32_t version = 0;
  RecordKey subject;
  std::string reason;  // once, cooldown, active, control, import, paused, stale, loop
  friend bool operator==(const EntryRefused&, const EntryRefused&) = default;
};
struct EffectRequested {
  Effect effect;
  friend bool operator==(const EffectRequested&, const EffectRequested&) = default;
};
struct EffectMoved {
  EffectId id{};
  EffectState state = EffectState::kRequested;
  std::string reason;
  std::optional<Instant> retry_at = std::nullopt;  // of a retry
  std::string held_by = {};  // of a retry: until that is lifted, at the latest at retry_at if given
  friend bool operator==(const EffectMoved&, const EffectMoved&) = default;
};
// A fact that a rule made: folded like one from outside, in the same decision.
struct FactDecided {
  Event event;
  friend bool operator==(const FactDecided&, const FactDecided&) = default;
};
// An expression failed: counted, shown; what follows from it stands in other changes.
struct RuleFailed {
  std::string rule;
  std::uint32_t version = 0;
  RecordKey subject;
  std::string where;  // when, exit, step id
  std::string code;
  std::string detail;
  friend bool operator==(const RuleFailed&, const RuleFailed&) = default;
};

enum class Verdict : std::uint8_t { kAccepted = 0, kDuplicate = 1, kRefused = 2, kSetAside = 3 };

// An event that was set aside was judged again, on an operator's word or because the one it waited
// behind is gone. Accepted: it is folded here, from the bytes kept with it.
struct EventRedriven {
  std::uint64_t position = 0;
  Verdict verdict = Verdict::kAccepted;
  std::string code;
  friend bool operator==(const EventRedriven&, const EventRedriven&) = default;
};

using Change = std::variant<EnrolmentStarted, EnrolmentMoved, EnrolmentEnded, EntryRefused,
                            EffectRequested, EffectMoved, FactDecided, RuleFailed, EventRedriven>;
std::string_view verdict_name(Verdict verdict);

}  // namespace dealwright
