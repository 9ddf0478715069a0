// Timers, in order of firing. All stand in the cache under their keys; the soonest also in a head
// in memory, which is refilled from a cursor, never from the start (design.md 1, Timers).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "engine/domain/enrolment.h"
#include "engine/runtime/kv_cache.h"

namespace dealwright::runtime {

// One thread.
class TimerIndex {
 public:
  // `head_max`: timers held in memory. REQUIRES: cache outlives it
  TimerIndex(KvCache& cache, std::size_t head_max) : cache_{cache}, head_max_{head_max} {}

  void set(const TimerKey& key);
  void cancel(const TimerKey& key);                // nothing if it is not there
  void take(const TimerKey& key) { cancel(key); }  // one that a record says has fired
  // The first timer due at or before `limit`, taken out of the index.
  Result<std::optional<TimerKey>> take_due(Instant limit);
  // When the next one is due, if any.
  Result<std::optional<Instant>> next_due();
  std::uint64_t pending() const { return pending_; }
  void restore_pending(std::uint64_t count) { pending_ = count; }

 private:
  Result<void> refill();

  KvCache& cache_;
  const std::size_t head_max_;
  std::set<std::string> head_;  // encoded keys: they sort as the timers do
  std::string cursor_;          // every timer below it is in the head; "" at first: none is known
  bool at_end_ = false;         // nothing stands at or above the cursor
  std::uint64_t pending_ = 0;
};

}  // namespace dealwright::runtime
