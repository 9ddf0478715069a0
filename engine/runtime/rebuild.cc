#include "engine/runtime/rebuild.h"

#include "engine/base/planted.h"
#include "engine/runtime/keys.h"

namespace dealwright::runtime {

Result<std::unique_ptr<Rebuild>> Rebuild::start(Log& log, PartitionId partition,
                                                std::span<const View* const> views, Store& scratch,
                                                FileSystem& files, std::string ids,
                                                StateLimits limits) {
  auto out = std::unique_ptr<Rebuild>{new Rebuild{scratch}};
  DW_TRY(auto state, State::open(scratch, files, std::move(ids), views, limits));
  out->state_ = std::move(state);
  out->folder_ = std::make_unique<Folder>(*out->state_, LogFacts{log, partition});
  out->replay_ = std::make_unique<Replay>(log, partition, *out->state_, *out->folder_);
  return out;
}

Result<void> Rebuild::write_down() {
  const auto frozen = state_->freeze();
  DW_TRY(State::write(frozen, scratch_));
  state_->thaw(frozen);
  return ok();
}

Result<void> Rebuild::advance(Position decisions) {
  if (DW_PLANTED(20)) decisions -= 3;  // planted: it is swapped in before it caught up
  while (state_->meta.decisions < decisions) {
    DW_TRY(auto folded, replay_->step());
    if (!folded) return ok();
    if (state_->wants_freeze()) {
      DW_TRY(write_down());
    }
  }
  return ok();
}

Result<std::vector<StoreWrite>> Rebuild::take_cells(const View& view) {
  DW_TRY(write_down());
  const auto prefix = keys::view_prefix(view.name(), view.version());
  std::vector<StoreWrite> cells;
  DW_TRY(
      scratch_.scan(prefix, prefix_end(prefix), [&](std::string_view key, std::string_view value) {
        cells.push_back({std::string{key.substr(prefix.size())}, std::string{value}});
        return true;
      }));
  return cells;
}

}  // namespace dealwright::runtime
