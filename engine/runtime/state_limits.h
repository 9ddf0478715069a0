// How much of a state is in memory at most, and how well that does.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dealwright::runtime {

struct StateLimits {
  std::size_t record_cache_bytes = std::size_t{96} << 20;
  std::size_t generation_bytes = std::size_t{24} << 20;
  std::uint64_t generation_events = 150'000;  // so that recovery folds for 2 s at most
  std::uint64_t dedup_bytes = std::uint64_t{256} << 20;
  std::size_t timers_in_memory = 65'536;
};

// Of records that were asked for: how many were in memory, and were not.
struct Lookups {
  std::uint64_t hits = 0, misses = 0;
};

}  // namespace dealwright::runtime
