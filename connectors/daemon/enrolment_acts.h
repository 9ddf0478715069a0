// What operators say of live enrolments: one leaves its rule; its timer goes, or moves.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "connectors/daemon/effect_acts.h"

namespace dealwright::daemon {

struct EnrolmentAct {
  TypeId what = TypeId::kEnrolmentExited;  // or kTimerCancelled, kTimerMoved
  std::optional<Instant> due = {};         // of kTimerMoved
  std::string reason;
};
// `prefix`: the enrolment's id, which is its timer's too, or enough of its beginning. Waits until
// it is judged; what stands then: enrolment, rule, subject, ended, due. kConflict: it was refused,
// with its code (docs/effects.md); else as find_enrolment().
Result<Map> act_on_enrolment(Workspace& workspace, std::string_view prefix,
                             const EnrolmentAct& asked, const Act& act);

}  // namespace dealwright::daemon
