// Keeps what it is told.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/ports/meter.h"

namespace dealwright {

// Thread-safe; what it kept is read when nobody tells it anything any more.
class FakeMeter final : public Meter {
 public:
  void decided(PartitionId partition, std::int64_t us) override {
    const std::lock_guard lock{mutex};
    decisions.emplace_back(partition, us);
  }
  void folded(PartitionId partition, std::int64_t us) override {
    const std::lock_guard lock{mutex};
    folds.emplace_back(partition, us);
  }
  void synced(PartitionId partition, std::int64_t, Position events_end) override {
    const std::lock_guard lock{mutex};
    ++syncs[partition];
    ends[partition] = events_end;
  }
  void effect_moved(std::string_view channel, EffectState to) override {
    const std::lock_guard lock{mutex};
    ++effects[{std::string{channel}, to}];
  }
  void mail_incomplete() override {
    const std::lock_guard lock{mutex};
    ++incomplete;
  }

  std::mutex mutex;
  std::vector<std::pair<PartitionId, std::int64_t>> decisions, folds;
  std::map<PartitionId, int> syncs;
  std::map<PartitionId, Position> ends;
  std::map<std::pair<std::string, EffectState>, int> effects;
  int incomplete = 0;
};

}  // namespace dealwright
