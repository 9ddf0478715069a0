// Which segments may go. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "engine/base/instant.h"
#include "engine/ports/log.h"

namespace dealwright::embedded_log {

struct SegmentInfo {
  std::uint64_t first_sequence = 0;
  std::uint64_t bytes = 0;
  Instant newest;                        // no frame in it was appended later
  std::array<Position, kTopics> ends{};  // one past its last position of each topic
  bool open = false;                     // still written to
};

// Past either limit the oldest segments go, if they are released. Without a limit all stay.
struct Retention {
  std::optional<std::uint64_t> retain_bytes;
  std::optional<Duration> retain_age;
};

// How many of the oldest `segments` may go: those whose frames all lie before `released` (for each
// topic the position that the caller's durable snapshot covers) and that `retention` lets go. The
// segment still written to always stays.
std::size_t releasable(std::span<const SegmentInfo> segments, const Retention& retention,
                       const std::array<Position, kTopics>& released, Instant now);

}  // namespace dealwright::embedded_log
