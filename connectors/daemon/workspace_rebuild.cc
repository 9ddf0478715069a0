// Folding a partition's log anew, beside the real state: views that changed, and what a replay
// comes to.
#include <filesystem>
#include <utility>

#include "connectors/daemon/workspace.h"
#include "engine/runtime/rebuild.h"
#include "projections/registry.h"

namespace dealwright::daemon {
namespace {

// Scratch that a rebuild makes and unmakes; nothing of it has to survive a crash.
Result<void> remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return Error{Code::kIo, "cannot remove " + path + ": " + error.message()};
  return ok();
}

}  // namespace

Result<void> Workspace::rebuild_stale() {
  std::vector<std::pair<PartitionId, const View*>> stale;
  for (PartitionId id = 0; id < partitions(); ++id) {
    auto asked = engine_->ask(id, [&](runtime::Partition& partition) {
      for (const auto* view : partition.state().stale_views()) stale.emplace_back(id, view);
    });
    if (!asked) continue;  // it is stopped: wait_idle() tells why
  }
  for (const auto& [id, view] : stale) {
    DW_TRY(rebuild_in(id, *view, [](std::uint64_t) {}));
  }
  return ok();
}

Result<void> Workspace::rebuild_view(std::string_view name,
                                     const std::function<void(std::uint64_t)>& progress) {
  const auto* view = projections::find_view(name);
  if (view == nullptr) return Error{Code::kNotFound, "no view '" + std::string{name} + "'"};
  for (PartitionId id = 0; id < partitions(); ++id) {
    DW_TRY(rebuild_in(id, *view, progress));
  }
  return ok();
}

// Of a state that is folded beside the real one; it finds the same duplicates.
runtime::StateLimits Workspace::scratch_limits() const {
  runtime::StateLimits out;
  if (options_.config) out.dedup_bytes = options_.config->state.dedup_bytes;
  return out;
}

Result<void> Workspace::rebuild_in(PartitionId id, const View& view,
                                   const std::function<void(std::uint64_t)>& progress) {
  const auto folder = options_.path + "/state/" + std::to_string(id) + "/rebuild";
  DW_TRY(remove_tree(folder));
  DW_TRY(files_->create_directories(folder));
  auto run = [&]() -> Result<void> {
    DW_TRY(auto scratch, open_store_(folder + "/db"));
    const auto limits = scratch_limits();
    const View* const views[] = {&view};
    DW_TRY(auto rebuild,
           runtime::Rebuild::start(*log_, id, views, *scratch, *files_, folder + "/ids", limits));
    for (bool swapped = false; !swapped;) {
      DW_TRY(auto end, log_->end(Topic::kDecisions, id));
      DW_TRY(rebuild->advance(end));
      progress(rebuild->events());
      Result<void> result = ok();
      // The last stretch while the partition decides nothing: it is as long as what is in flight.
      DW_TRY(engine_->ask(id, [&](runtime::Partition& partition) {
        partition.hold(true);
        if (!partition.drained()) return;
        const auto catch_up = [&]() -> Result<void> {
          DW_TRY(rebuild->advance(partition.state().meta.decisions));
          DW_TRY(auto cells, rebuild->take_cells(view));
          if (options_.at_point) options_.at_point("view.swap");
          DW_TRY(partition.state().adopt_view(view, cells));
          if (options_.at_point) options_.at_point("view.swapped");
          return ok();
        };
        result = catch_up();
        swapped = true;
        partition.hold(false);
      }));
      DW_TRY(std::move(result));
    }
    return ok();
  };
  auto result = run();
  if (!result) {  // it decides again, whatever became of this
    static_cast<void>(
        engine_->ask(id, [](runtime::Partition& partition) { partition.hold(false); }));
  }
  DW_TRY(remove_tree(folder));
  return result;
}

Result<void> Workspace::with_replay(PartitionId id,
                                    const std::function<void(runtime::State&)>& visit) {
  const auto folder = options_.path + "/state/" + std::to_string(id) + "/rebuild";
  DW_TRY(remove_tree(folder));
  DW_TRY(files_->create_directories(folder));
  const auto run = [&]() -> Result<void> {
    DW_TRY(auto scratch, open_store_(folder + "/db"));
    DW_TRY(auto rebuild, runtime::Rebuild::start(*log_, id, projections::all_views(), *scratch,
                                                 *files_, folder + "/ids", scratch_limits()));
    DW_TRY(auto end, log_->end(Topic::kDecisions, id));
    DW_TRY(rebuild->advance(end));
    visit(rebuild->state());
    return ok();
  };
  auto result = run();
  DW_TRY(remove_tree(folder));
  return result;
}

}  // namespace dealwright::daemon
