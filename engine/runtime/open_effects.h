// Effects that are to leave, by when they are looked at.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/domain/enrolment.h"
#include "engine/runtime/due_keys.h"
#include "engine/runtime/keys.h"

namespace dealwright::runtime {

// One thread.
class OpenEffects {
 public:
  // `head_max`: effects held in memory. REQUIRES: cache outlives it
  OpenEffects(KvCache& cache, std::size_t head_max) : keys_{cache, keys::kOpen, head_max} {}

  void set(Instant at, const EffectId& id) { keys_.set(keys::open_effect(at, id)); }
  void cancel(Instant at, const EffectId& id) { keys_.erase(keys::open_effect(at, id)); }
  // The first that is due by `limit`, if any. It stays set, and is not given again until it is
  // given back or set anew; after a start it is.
  Result<std::optional<EffectId>> take_due(Instant limit) {
    DW_TRY(const auto key, keys_.take_due(limit));
    if (!key) return std::optional<EffectId>{};
    return std::optional<EffectId>{keys::effect_of_open(*key)};
  }
  void give_back(Instant at, const EffectId& id) { keys_.give_back(keys::open_effect(at, id)); }
  // When the next of those that are not taken is due.
  Result<std::optional<Instant>> next_due() { return keys_.next_due(); }

 private:
  DueKeys keys_;
};

}  // namespace dealwright::runtime
