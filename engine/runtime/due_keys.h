// The keys of one ordered table, each beginning with when it is due. All stand in the cache; the
// soonest also in a head in memory, which is refilled from a cursor, never from the start
// (design.md 1, Timers).
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>

#include "engine/base/instant.h"
#include "engine/runtime/kv_cache.h"

namespace dealwright::runtime {

// One thread.
class DueKeys {
 public:
  // `letter`: the table's, whose writes the cache keeps in order; behind it a key has its instant
  // (put_key_signed). `head_max`: keys held in memory. REQUIRES: cache outlives it
  DueKeys(KvCache& cache, char letter, std::size_t head_max);

  void set(std::string key);
  void erase(std::string key);
  // When the soonest key that is not taken is due, if any.
  Result<std::optional<Instant>> next_due();
  // The soonest, if it is due by `limit`. It stays in the table, and is not given again until it is
  // given back; after a start it is.
  Result<std::optional<std::string>> take_due(Instant limit);
  void give_back(std::string key);  // REQUIRES: it is set
  // Visits up to `count` keys from the first one on, until `visit` says no; those that the head
  // lacks join it. `visit` must not write.
  Result<void> scan(std::size_t count, const KvCache::Visit& visit);

 private:
  KvCache& cache_;
  const std::string first_;   // at or below every key
  const std::string behind_;  // above every key
  const std::size_t head_max_;
  std::set<std::string> head_;
  std::string cursor_;   // all below it are in the head, or taken
  bool at_end_ = false;  // nothing stands at or above the cursor
};

}  // namespace dealwright::runtime
