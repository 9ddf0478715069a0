// How a partition stands, for people and checks of health.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/ports/log.h"

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

}  // namespace dealwright::runtime
