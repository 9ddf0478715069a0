// What people and receivers say of effects: an operator's word on one, and what comes back for a
// mail. Pure.
#pragma once

#include <optional>

#include "engine/domain/decision.h"
#include "engine/domain/evolve.h"

namespace dealwright {

// Facts about one line of the ledger, named by data.effect: effect.outcome, .retry_requested,
// .resolved, .cancelled.
bool is_about_effect(TypeId type);
// Ends the id of an outcome whose attempt failed in front of its point of no return. Its number may
// have been given again meanwhile, to an attempt that did start: whoever made the first one stopped
// before the log had its outcome, or leads no more.
inline constexpr std::string_view kBeforePassing = "/before";
// Whether the operator's fact may stand; none: there is no such effect. An outcome always may.
//   retry_requested: of rejected, expired, suppressed (not by a shadow) and unknown ones
//   resolved: of unknown ones
//   cancelled: of requested ones, and those that wait for a retry
Refusal judge_act(TypeId act, const Effect* effect);
// Folds an accepted one but the outcome.
struct ActFolded {
  bool moved = false;
  bool revived = false;  // it is open again, and may be cancelled with its enrolment
};
ActFolded fold_act(Effect& effect, const Event& act, Instant now);

// email.*: what a receiver's word does to the effect that it names. A mail of which nobody knew
// went out, if it bounced, was opened or answered; of a delivered one a bounce is noted.
bool takes_word(TypeId type);
bool fold_word(Effect& effect, const Event& word, Instant now);

// Events behind which mails to their subject may have to stop, though they were asked for before.
bool stops_mails(TypeId type);

}  // namespace dealwright
