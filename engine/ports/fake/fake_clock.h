// A clock that stands still until told otherwise, and numbers that only look random.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/ports/clock.h"

namespace dealwright {

// Thread-safe.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Instant start = Instant{1'772'442'000'000}) : wall_ms_{start.ms} {}

  Instant wall() const override { return Instant{wall_ms_}; }
  std::int64_t steady_us() const override { return steady_us_; }

  // Time goes by: both clocks move.
  void advance(Duration by) {
    wall_ms_ += by.ms;
    steady_us_ += by.ms * 1000;
  }
  // The wall clock alone is set, forward or back.
  void set_wall(Instant to) { wall_ms_ = to.ms; }
  void jump_wall(Duration by) { wall_ms_ += by.ms; }
  // The machine slept: the wall clock went on, the steady one did not, or the other way round.
  void advance_steady_us(std::int64_t by) { steady_us_ += by; }

 private:
  std::atomic<std::int64_t> wall_ms_;
  std::atomic<std::int64_t> steady_us_{0};
};

// splitmix64: the same numbers from the same seed, everywhere. One thread.
class FakeRandom final : public Random {
 public:
  explicit FakeRandom(std::uint64_t seed) : state_{seed} {}

  std::uint64_t next() override {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // 0 to count - 1. REQUIRES: count > 0
  std::uint64_t below(std::uint64_t count) { return next() % count; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }

 private:
  std::uint64_t state_;
};

}  // namespace dealwright
