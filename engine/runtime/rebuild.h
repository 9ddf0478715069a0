// Views made anew from the logs, beside those that are read: a replay of its own, from position 0,
// with a scratch state, feeding those views only. No effect, no decision.
#pragma once

#include <memory>
#include <span>
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
  static Result<std::unique_ptr<Rebuild>> start(Log& log, PartitionId partition,
                                                std::span<const View* const> views, Store& scratch,
                                                FileSystem& files, std::string ids,
                                                StateLimits limits);
  // Folds recorded decisions up to `decisions`, or to the end of the log if that comes first.
  Result<void> advance(Position decisions);
  Position decisions() const { return state_->meta.decisions; }
  std::uint64_t events() const { return state_->meta.events; }
  // Every cell of a view, keys relative to its prefix. Afterwards the rebuild is used up.
  Result<std::vector<StoreWrite>> take_cells(const View& view);
  State& state() { return *state_; }

 private:
  explicit Rebuild(Store& scratch) : scratch_{scratch} {}
  Result<void> write_down();

  Store& scratch_;
  std::unique_ptr<State> state_;
  std::unique_ptr<Folder> folder_;
  std::unique_ptr<Replay> replay_;
};

}  // namespace dealwright::runtime
