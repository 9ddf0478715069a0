#include "connectors/daemon/effect_acts.h"

#include <utility>

#include "connectors/daemon/effects_pause.h"
#include "engine/runtime/fate.h"

namespace dealwright::daemon {
namespace {

Event event_of(Workspace& workspace, TypeId what, RecordKey subject, const std::string& reason,
               const Act& act) {
  Event event;
  event.source = "dealwright/operator";
  event.id = act.id;
  event.type = what;
  event.subject = std::move(subject);
  event.actor = act.actor;
  if (!workspace.event_clock()) event.time = workspace.clock().wall();
  event.data.set(Field::kAuthor, Value{act.actor});
  event.data.set(Field::kReason, Value{reason});
  return event;
}

Result<void> must_have(const std::string& reason) {
  if (!reason.empty()) return ok();
  return Error{Code::kInvalid, "say why: it stands in the record's history"};
}

Result<bool> partition_is_paused(Workspace& workspace, PartitionId id) {
  bool out = false;
  DW_TRY(workspace.engine().ask(
      id, [&](runtime::Partition& partition) { out = partition.status().effects_paused; }));
  return out;
}

// A directory that was restored opens paused, until it was resumed once.
Result<void> forget_marker(Workspace& workspace, bool pause) {
  if (pause) return ok();
  return remove_effects_pause(workspace.files(), workspace.path());
}

}  // namespace

Result<Effect> act_on_effect(Workspace& workspace, std::string_view prefix, TypeId what,
                             std::string_view outcome, const std::string& reason, const Act& act) {
  DW_TRY(must_have(reason));
  DW_TRY(const auto found, find_effect(workspace, prefix));
  const auto& [partition, effect] = found;
  auto event = event_of(workspace, what, effect.subject, reason, act);
  event.data.set(Field::kEffect, Value{hex(effect.id)});
  if (!outcome.empty()) event.data.set(Field::kOutcome, Value{outcome});
  DW_TRY(const auto placed, workspace.append_own(std::move(event), partition));
  DW_TRY(workspace.wait_folded(placed));
  DW_TRY(const auto fate, runtime::fate_of(workspace.log(), placed.partition, placed.position));
  const bool stands = fate.verdict == Verdict::kAccepted || fate.verdict == Verdict::kDuplicate;
  if (!stands) {
    return Error{Code::kConflict, fate.code + (fate.detail.empty() ? "" : ": " + fate.detail) +
                                      "; it is " + std::string{effect_state_name(effect.state)}};
  }
  DW_TRY(auto after, find_effect(workspace, hex(effect.id)));
  return std::move(after.second);
}

Result<bool> is_paused(Workspace& workspace) {
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    if (!workspace.serves(id)) continue;
    DW_TRY(const bool paused, partition_is_paused(workspace, id));
    if (paused) return true;
  }
  return false;
}

Result<bool> pause_workspace(Workspace& workspace, bool pause, const std::string& reason,
                             const Act& act) {
  DW_TRY(must_have(reason));
  DW_TRY(const bool before, is_paused(workspace));
  if (before == pause) {
    DW_TRY(forget_marker(workspace, pause));
    return false;
  }
  const auto what = pause ? TypeId::kWorkspacePaused : TypeId::kWorkspaceResumed;
  DW_TRY(const auto placed,
         workspace.append({event_of(workspace, what, {Kind::kWorkspace, "default"}, reason, act)}));
  DW_TRY(workspace.wait_folded(placed[0]));
  // Once a partition is as it was asked to be, all that is to leave is judged by that.
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    if (!workspace.serves(id)) continue;
    for (int tries = 0;; ++tries) {
      const auto seen = workspace.watch().now();
      DW_TRY(const bool paused, partition_is_paused(workspace, id));
      if (paused == pause) break;
      if (tries == 1'000) {
        return Error{Code::kOverload,
                     "partition " + std::to_string(id) + " has not heard of it yet", true};
      }
      DW_TRY(workspace.wait_folded({id, seen[id].events}));
    }
  }
  DW_TRY(forget_marker(workspace, pause));
  return true;
}

}  // namespace dealwright::daemon
