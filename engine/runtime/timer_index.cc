#include "engine/runtime/timer_index.h"

#include "engine/runtime/keys.h"

namespace dealwright::runtime {

void TimerIndex::set(const TimerKey& key, std::string_view order) {
  ++pending_;
  keys_.set(keys::timer(key, order));
}

void TimerIndex::cancel(const TimerKey& key, std::string_view order) {
  --pending_;
  keys_.erase(keys::timer(key, order));
}

void TimerIndex::keep(const TimerKey& key, std::string_view order, std::string_view value) {
  cache_.put(keys::timer(key, order), std::string{value});
}

Result<void> TimerIndex::look_ahead(Instant limit, std::size_t count, const Visit& visit) {
  return keys_.scan(count, [&](std::string_view key, std::string_view value) {
    return keys::due_of(key) <= limit && visit(keys::enrolment_of_timer(key), value);
  });
}

Result<std::optional<TimerKey>> TimerIndex::take_due(Instant limit) {
  DW_TRY(auto taken, keys_.take_due(limit));
  if (!taken) return std::optional<TimerKey>{};
  auto key = keys::read_timer(*taken);
  --pending_;
  cache_.erase(std::move(*taken));
  return std::optional<TimerKey>{std::move(key)};
}

}  // namespace dealwright::runtime
