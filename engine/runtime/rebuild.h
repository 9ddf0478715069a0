// A view made anew from the logs, beside the one that is read: a replay of its own, from position 0,
// with a scratch state, feeding that view only. No effect, no decision.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/runtime/folder.h"
#include "engine/runtime/replay.h"
#include "engine/runtime/state.h"

namespace dealwright::runtime {

// One thread at a time.
class Rebuild {
 public:
  // `scratch` is empty; `ids` a directory for this alone. All outlive the rebuild. kNotFound: the
  // log no longer begins at 0 (retention cut it).
  static Result<std::unique_ptr<Rebuild>> start(Log& log, PartitionId partition, const View& view,
                                                Store& scratch, FileSystem& files, std::string ids,
                                                StateLimits limits);
  // Folds recorded decisions up to `decisions`, or to the end of the log if that comes first.
  Result<void> advance(Position decisions);
  Position decisions() const { return state_->meta.decisions; }
  std::uint64_t events() const { return state_->meta.events; }
  Meta meta() const;
  // Every cell of the view, keys relative to its prefix. Afterwards the rebuild is used up.
  Result<std::vector<StoreWrite>> take_cells();

 private:
  Rebuild(const View& view, Store& scratch) : view_{view}, scratch_{scratch} {}
  Result<void> write_down();

  const View& view_;
  const View* views_[1] = {nullptr};
  Store& scratch_;
  std::unique_ptr<State> state_;
  std::unique_ptr<Folder> folder_;
  std::unique_ptr<Replay> replay_;
};

}  // namespace dealwright::runtime
