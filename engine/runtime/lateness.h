// How late timers fired: from the instant they were due to the `now` of the decision that fired
// them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/instant.h"

namespace dealwright::runtime {

// A bucket counts up to its bound and what its neighbour below did not; the last has none.
struct LatenessBucket {
  std::int64_t ms_max;
  std::string_view name;
};
inline constexpr std::array<LatenessBucket, 8> kLatenessBuckets{{{10, "10ms"},
                                                                 {100, "100ms"},
                                                                 {1000, "1s"},
                                                                 {10'000, "10s"},
                                                                 {60'000, "1min"},
                                                                 {600'000, "10min"},
                                                                 {3'600'000, "1h"},
                                                                 {INT64_MAX, "more"}}};
using Lateness = std::array<std::uint64_t, kLatenessBuckets.size()>;

inline void count_late(Lateness& counts, Duration late) {
  std::size_t i = 0;
  while (late.ms > kLatenessBuckets[i].ms_max) ++i;
  ++counts[i];
}

}  // namespace dealwright::runtime
