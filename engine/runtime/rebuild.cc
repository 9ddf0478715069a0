#include "engine/runtime/rebuild.h"

#include "engine/runtime/keys.h"

namespace dealwright::runtime {

Result<std::unique_ptr<Rebuild>> Rebuild::start(Log& log, PartitionId partition, const View& view,
                                                Store& scratch, FileSystem& files, std::string ids,
                                                StateLimits limits) {
  auto out = std::unique_ptr<Rebuild>{new Rebuild{view, scratch}};
  out->views_[0] = &view;
  DW_TRY(auto state, State::open(scratch, files, std::move(ids), out->views_, limits));
  out->state_ = std::move(state);
  out->folder_ = std::make_unique<Folder>(*out->state_);
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
  while (state_->meta.decisions < decisions) {
    DW_TRY(auto folded, replay_->step());
    if (!folded) return ok();
    if (state_->wants_freeze()) {
      DW_TRY(write_down());
    }
  }
  return ok();
}

Meta Rebuild::meta() const {
  auto meta = state_->meta;
  meta.timers = state_->timers().pending();
  return meta;
}

Result<std::vector<StoreWrite>> Rebuild::take_cells() {
  DW_TRY(write_down());
  const auto prefix = keys::view_prefix(view_.name(), view_.version());
  std::vector<StoreWrite> cells;
  DW_TRY(scratch_.scan(prefix, prefix_end(prefix),
                       [&](std::string_view key, std::string_view value) {
                         cells.push_back({std::string{key.substr(prefix.size())},
                                          std::string{value}});
                         return true;
                       }));
  return cells;
}

}  // namespace dealwright::runtime
