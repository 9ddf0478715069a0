// Timers, in order of firing: due, rule, key of the enrolment, step. All stand in the cache under
// their keys; the soonest also in a head in memory, which is refilled from a cursor, never from the
// start (design.md 1, Timers).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "engine/domain/enrolment.h"
#include "engine/runtime/kv_cache.h"

namespace dealwright::runtime {

// One thread.
class TimerIndex {
 public:
  // `head_max`: timers held in memory. REQUIRES: cache outlives it
  TimerIndex(KvCache& cache, std::size_t head_max) : cache_{cache}, head_max_{head_max} {}

  // `order`: the key of the enrolment.
  void set(const TimerKey& key, std::string_view order);
  void cancel(const TimerKey& key, std::string_view order);  // REQUIRES: it is set
  // Puts what firing will ask for beside a timer that is set, in place of what stood there.
  void keep(const TimerKey& key, std::string_view order, std::string_view value);
  // Visits up to `count` of the timers that are due next, by `limit`, with what is kept beside them
  // ("" if nothing is), until `visit` says no. They stay. `visit` must not write.
  using Visit = std::function<bool(const EnrolmentId& enrolment, std::string_view value)>;
  Result<void> look_ahead(Instant limit, std::size_t count, const Visit& visit);
  // The first timer due at or before `limit`, taken out of the index.
  Result<std::optional<TimerKey>> take_due(Instant limit);
  // When the next one is due, if any.
  Result<std::optional<Instant>> next_due();
  std::uint64_t pending() const { return pending_; }
  void restore_pending(std::uint64_t count) { pending_ = count; }

 private:
  // Scans up to `count` timers from the first one on; those that the head lacks join it.
  Result<void> fill(std::size_t count, const KvCache::Visit& visit);

  KvCache& cache_;
  const std::size_t head_max_;
  std::set<std::string> head_;  // encoded keys: they sort as the timers do
  std::string cursor_;          // every timer below it is in the head; "" at first: none is known
  bool at_end_ = false;         // nothing stands at or above the cursor
  std::uint64_t pending_ = 0;
};

}  // namespace dealwright::runtime
