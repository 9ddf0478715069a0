// What the engine has under way, as lists: effects, enrolments, timers, what is set aside. What the
// command line and the API show.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/daemon/tables.h"
#include "connectors/daemon/workspace.h"
#include "engine/domain/enrolment.h"
#include "engine/domain/set_aside.h"
#include "engine/ports/view.h"

namespace dealwright::daemon {

struct LedgerFilter {
  std::string rule;
  std::string channel;               // of effects
  std::optional<EffectState> state;  // of effects
  std::optional<RecordKey> subject;  // what it is about
  std::string after;                 // `last` of the page before
  std::size_t limit = 50;            // rows; 0: all
  bool passes(const Effect& effect) const;
  bool passes(const Enrolment& enrolment) const;
};
struct LedgerPage {
  ViewRows rows;
  std::string last;  // go on behind it; "": this is the end
};

// The newest requests first. One pass over the ledger a page, the owner's thread asked for a few
// thousand lines at a time.
Result<LedgerPage> list_effects(Workspace& workspace, const LedgerFilter& filter);
// `prefix`: an id, or enough of its beginning. kInvalid: no such text, or more than one begins so;
// kNotFound.
Result<std::pair<PartitionId, Effect>> find_effect(Workspace& workspace, std::string_view prefix);
Map describe(const Effect& effect);

// Live ones, the newest first.
Result<LedgerPage> list_enrolments(Workspace& workspace, const LedgerFilter& filter);
// `prefix`: as of find_effect.
Result<std::pair<PartitionId, Enrolment>> find_enrolment(Workspace& workspace,
                                                         std::string_view prefix);
Result<Map> describe_enrolment(Workspace& workspace, std::string_view prefix);

// Pending ones, the soonest first.
Result<LedgerPage> list_timers(Workspace& workspace, const LedgerFilter& filter);

// In the order of partitions and positions.
Result<LedgerPage> list_set_aside(Workspace& workspace, const LedgerFilter& filter);
// `to`: kEventRedriven or kEventDropped. What it was set aside for now, if it stays. kNotFound.
Result<std::optional<SetAside>> order_set_aside(Workspace& workspace, const Placed& place,
                                                TypeId to, const std::string& reason,
                                                const std::string& actor, const std::string& id);

}  // namespace dealwright::daemon
