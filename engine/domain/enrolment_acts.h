// What operators say of enrolments and their timers: an enrolment leaves its rule, a timer goes or
// moves. Pure: the leader writes down what follows, and everybody folds that.
#pragma once

#include <optional>

#include "engine/domain/changes.h"
#include "engine/domain/evolve.h"

namespace dealwright {

// Facts about one live enrolment, named by data.enrolment: enrolment.exited, timer.cancelled,
// timer.moved.
bool is_about_enrolment(TypeId type);
// 32 hex digits. None: another text.
std::optional<EnrolmentId> enrolment_id_of(std::string_view hex);
// Whether it may stand; `live` null: there is no such enrolment, or none any more.
//   timer.*: of one that waits for time, and not for its turn in an import that drips
Refusal judge_enrolment_act(TypeId act, const Enrolment* live);
// What one that may stand comes to. An exit ends the enrolment and cancels what it asked for and
// was not sent. A timer that is cancelled leaves one that waits for an event too to that event, and
// ends one that waits for time alone. One that is moved to an instant that has passed is due now.
Change follow_act(const Event& act, const Enrolment& live, Instant now);

}  // namespace dealwright
