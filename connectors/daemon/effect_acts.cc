#include "connectors/daemon/effect_acts.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "connectors/daemon/effects_pause.h"
#include "engine/runtime/fate.h"

namespace dealwright::daemon {
namespace {

// Whether every partition lets effects leave, or none does, as asked.
Result<bool> all_are(Workspace& workspace, bool paused) {
  bool out = true;
  for (PartitionId id = 0; out && id < workspace.partitions(); ++id) {
    if (!workspace.serves(id)) continue;
    DW_TRY(workspace.engine().ask(id, [&](runtime::Partition& partition) {
      out = partition.status().effects_paused == paused;
    }));
  }
  return out;
}

// Whether a fact is no repeat of one that came before.
Result<bool> came_first(Workspace& workspace, const Placed& placed) {
  DW_TRY(const auto fate, runtime::fate_of(workspace.log(), placed.partition, placed.position));
  return fate.verdict != Verdict::kDuplicate;
}

// A directory that was restored opens paused, until it was resumed once.
Result<void> forget_marker(Workspace& workspace, bool pause) {
  if (pause) return ok();
  return remove_effects_pause(workspace.files(), workspace.path());
}

}  // namespace

Result<Event> operator_event(Workspace& workspace, TypeId what, RecordKey subject,
                             const std::string& reason, const Act& act) {
  if (reason.empty()) {
    return Error{Code::kInvalid, "say why: it stands in the record's history"};
  }
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

Result<Placed> append_and_judge(Workspace& workspace, Event event, PartitionId partition) {
  DW_TRY(const auto placed, workspace.append_own(std::move(event), partition));
  DW_TRY(workspace.wait_folded(placed));
  DW_TRY(const auto fate, runtime::fate_of(workspace.log(), placed.partition, placed.position));
  const bool stands = fate.verdict == Verdict::kAccepted || fate.verdict == Verdict::kDuplicate;
  if (stands) return placed;
  return Error{Code::kConflict, fate.code + (fate.detail.empty() ? "" : ": " + fate.detail)};
}

Result<Effect> act_on_effect(Workspace& workspace, std::string_view prefix, TypeId what,
                             std::string_view outcome, const std::string& reason, const Act& act) {
  DW_TRY(const auto found, find_effect(workspace, prefix));
  const auto& [partition, effect] = found;
  DW_TRY(auto event, operator_event(workspace, what, effect.subject, reason, act));
  event.data.set(Field::kEffect, Value{hex(effect.id)});
  if (!outcome.empty()) event.data.set(Field::kOutcome, Value{outcome});
  if (const auto done = append_and_judge(workspace, std::move(event), partition); !done) {
    auto error = done.error();
    if (error.code == Code::kConflict)
      error.detail += "; it is " + std::string{effect_state_name(effect.state)};
    return error;
  }
  DW_TRY(auto after, find_effect(workspace, hex(effect.id)));
  if (!outcome.empty() && effect_state_name(after.second.state) != outcome) {
    return Error{Code::kConflict,
                 "that was said before under the same id, of another outcome: it is " +
                     std::string{effect_state_name(after.second.state)}};
  }
  return std::move(after.second);
}

// It looks only: told also while nothing becomes durable.
Result<bool> is_paused(Workspace& workspace) {
  std::vector<char> paused(workspace.partitions(), 1);
  DW_TRY(workspace.look_in_all([&](PartitionId id, runtime::Partition& partition) {
    paused[id] = partition.status().effects_paused ? 1 : 0;
    return false;
  }));
  return std::all_of(paused.begin(), paused.end(), [](char one) { return one != 0; });
}

Result<bool> pause_workspace(Workspace& workspace, bool pause, const std::string& reason,
                             const Act& act) {
  const auto what = pause ? TypeId::kWorkspacePaused : TypeId::kWorkspaceResumed;
  DW_TRY(auto event, operator_event(workspace, what, {Kind::kWorkspace, "default"}, reason, act));
  DW_TRY(const bool before, all_are(workspace, pause));
  if (before) {
    DW_TRY(forget_marker(workspace, pause));
    return false;
  }
  DW_TRY(const auto placed, workspace.append({std::move(event)}));
  DW_TRY(workspace.wait_folded(placed[0]));
  DW_TRY(const bool is_new, came_first(workspace, placed[0]));
  if (!is_new) {
    return Error{Code::kConflict,
                 "that was done before under the same id, and it is undone since: "
                 "take another id"};
  }
  // Once a partition is as it was asked to be, all that is to leave is judged by that.
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    if (!workspace.serves(id)) continue;
    DW_TRY(workspace.wait_until(id, [&](runtime::Partition& partition) {
      return partition.status().effects_paused == pause;
    }));
  }
  DW_TRY(forget_marker(workspace, pause));
  return true;
}

}  // namespace dealwright::daemon
