// Timers, in order of firing: due, rule, key of the enrolment, step.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "engine/domain/enrolment.h"
#include "engine/runtime/due_keys.h"
#include "engine/runtime/keys.h"

namespace dealwright::runtime {

// One thread.
class TimerIndex {
 public:
  // `head_max`: timers held in memory. REQUIRES: cache outlives it
  TimerIndex(KvCache& cache, std::size_t head_max)
      : cache_{cache}, keys_{cache, keys::kTimer, head_max} {}

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
  Result<std::optional<Instant>> next_due() { return keys_.next_due(); }
  std::uint64_t pending() const { return pending_; }
  void restore_pending(std::uint64_t count) { pending_ = count; }

 private:
  KvCache& cache_;
  DueKeys keys_;
  std::uint64_t pending_ = 0;
};

}  // namespace dealwright::runtime
