// What operators say of effects: the same one again, what became of it, that it shall not leave;
// and the kill switch.
#pragma once

#include <string>
#include <string_view>

#include "connectors/daemon/ledger.h"
#include "connectors/daemon/rule_book.h"
#include "connectors/daemon/workspace.h"

namespace dealwright::daemon {

// A fact of the engine's own that somebody asked for. kInvalid: no reason was given.
Result<Event> operator_event(Workspace& workspace, TypeId what, RecordKey subject,
                             const std::string& reason, const Act& act);
// Signs and appends it, and waits until it is judged. kConflict: it was refused, with its code.
Result<Placed> append_and_judge(Workspace& workspace, Event event, PartitionId partition);

// `what`: kEffectRetryRequested, kEffectResolved or kEffectCancelled; `outcome`: of
// kEffectResolved, delivered or rejected. Waits until it is judged; the effect as it stands then.
// kConflict: it was refused, with its code (docs/effects.md); else as find_effect().
Result<Effect> act_on_effect(Workspace& workspace, std::string_view prefix, TypeId what,
                             std::string_view outcome, const std::string& reason, const Act& act);

// Nothing leaves while it is paused. Waits until every partition knows. Whether that changed
// anything. kConflict: that was done before under the same id, and is undone since.
Result<bool> pause_workspace(Workspace& workspace, bool pause, const std::string& reason,
                             const Act& act);
// Whether no partition lets anything leave.
Result<bool> is_paused(Workspace& workspace);

}  // namespace dealwright::daemon
