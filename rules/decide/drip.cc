#include "rules/decide/drip.h"

#include <algorithm>

namespace dealwright::rules {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr Duration kLateMax = minutes(1);

// The first of this partition's instants at `from` or later. Instant k lies at k hours / rate.
Instant on_grid(Instant from, std::int64_t rate, const Turn& turn) {
  const auto ms = std::clamp<std::int64_t>(from.ms, 0, std::int64_t{1} << 42);  // year 2109
  auto k = (ms * rate + kHourMs - 1) / kHourMs;
  const auto partitions = static_cast<std::int64_t>(turn.partitions());
  const auto mine = static_cast<std::int64_t>(turn.partition());
  k += (mine - k % partitions + partitions) % partitions;
  const Instant at{k * kHourMs / rate};
  return std::max(from, at);
}

std::int64_t rate_of(const Value& value) {
  const auto* rate = value.as_int();
  return std::clamp<std::int64_t>(rate == nullptr ? 1 : *rate, 1, kDripMax);
}

}  // namespace

ImportVerdict import_verdict(const FoldedFact& fact, const RulePlan& plan) {
  ImportVerdict out;
  if (fact.event->import_batch.empty()) {
    out.policy = fact.policy == Policy::kUnset ? Policy::kFire : fact.policy;
  } else {  // of a batch that nobody opened nothing is known
    const auto batch = fact.policy == Policy::kUnset ? Policy::kSuppress : fact.policy;
    out.policy = std::max(batch, plan.import.policy);
  }
  if (out.policy != Policy::kDrip) return out;
  if (fact.drip_per_hour > 0)
    out.queues.emplace_back("import/" + fact.event->import_batch, Value{fact.drip_per_hour});
  if (plan.import.policy == Policy::kDrip)
    out.queues.emplace_back(plan.id, Value{plan.import.per_hour});
  if (out.queues.empty()) out.policy = Policy::kSuppress;  // nobody said how fast
  return out;
}

Instant next_turn(Turn& turn, const Map& queues) {
  Instant at = turn.now();
  for (const auto& [queue, rate] : queues) {
    if (const auto entry = turn.entry(queue, kDrip))
      at = std::max(at, entry->last + milliseconds(1));
    at = on_grid(at, rate_of(rate), turn);
  }
  return at;
}

bool missed_turn(Turn& turn, const Map& queues, Instant due) {
  Duration own = kLateMax;  // or the time between two of this partition's instants
  for (const auto& [queue, rate] : queues) {
    own = std::max(own, milliseconds(kHourMs * turn.partitions() / rate_of(rate)));
  }
  return turn.now() - due > own;
}

}  // namespace dealwright::rules
