// Time from outside. Only the runtime's loop and connectors read it; decide gets values.
#pragma once

#include <cstdint>

#include "engine/base/instant.h"

namespace dealwright {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant wall() const = 0;            // may jump
  virtual std::int64_t steady_us() const = 0;  // microseconds since some start; never goes back
};

// Random bits for ids of claims; never read by decide or evolve.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
};

}  // namespace dealwright
