// How a partition stands, for people and for those who watch.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/ports/log.h"
#include "engine/runtime/lateness.h"

namespace dealwright::runtime {

struct PartitionStatus {
  PartitionId id = 0;
  bool leading = false;
  bool caught_up = false;
  bool clock_held = false;
  bool effects_paused = false;  // by workspace.paused, or it waits for a word
  std::uint64_t term = 0;
  std::uint64_t events = 0;  // folded up to here
  std::uint64_t decisions = 0;
  std::uint64_t events_end = 0;
  Instant now;
  std::uint64_t timers = 0;
  std::uint64_t waiting = 0;  // set aside until there is a pipeline; kWaitingBytesMax
  std::optional<Error> stopped;
};

// Asked often: nothing of it is looked for on a disk, save the next timer if none is in memory.
struct PartitionGauges {
  bool leading = false;
  bool clock_held = false;
  std::uint64_t timers = 0;            // pending
  std::optional<Instant> next_due;     // of them
  Lateness late{};                     // of timers fired since it leads
  std::int64_t late_ms = 0;            // of those, all together
  std::uint64_t record_hits = 0;       // records asked for that were in memory, since it was opened
  std::uint64_t record_misses = 0;     // ... and that were not
  std::uint64_t store_bytes = 0;       // on disk, about
  std::optional<Instant> dedup_since;  // ids of events since then are all known
};

}  // namespace dealwright::runtime
