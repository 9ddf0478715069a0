// Effects that are to leave, by when they are looked at. All stand in the cache under their keys;
// the soonest also in a head in memory, which is refilled from a cursor, never from the start.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "engine/domain/enrolment.h"
#include "engine/runtime/kv_cache.h"

namespace dealwright::runtime {

// One thread.
class OpenEffects {
 public:
  // `head_max`: effects held in memory. REQUIRES: cache outlives it
  OpenEffects(KvCache& cache, std::size_t head_max) : cache_{cache}, head_max_{head_max} {}

  void set(Instant at, const EffectId& id);
  void cancel(Instant at, const EffectId& id);  // REQUIRES: it is set
  // The first that is due by `limit`, if any. It stays set, and is not given again until it is
  // given back or set anew; after a start it is.
  Result<std::optional<EffectId>> take_due(Instant limit);
  void give_back(Instant at, const EffectId& id);  // REQUIRES: it is set, and was taken
  // When the next of those that are not taken is due.
  Result<std::optional<Instant>> next_due();

 private:
  using Place = std::pair<Instant, EffectId>;
  Result<void> refill();

  KvCache& cache_;
  const std::size_t head_max_;
  std::set<Place> head_;
  std::string cursor_;   // all below it are in the head, or taken; "": none is known
  bool at_end_ = false;  // nothing stands at or above the cursor
};

}  // namespace dealwright::runtime
