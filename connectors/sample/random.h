// splitmix64: the same numbers on every machine. Integers only.
#pragma once

#include <cstdint>
#include <span>

namespace dealwright::sample {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_{seed} {}
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // From `low` to `high`, both included. The bias is below 2^-32 for what is asked here.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(std::int64_t percent) { return between(1, 100) <= percent; }
  template <class T>
  const T& pick(std::span<const T> among) {
    return among[next() % among.size()];
  }
  template <class T, std::size_t N>
  const T& pick(const T (&among)[N]) {
    return among[next() % N];
  }

 private:
  std::uint64_t state_;
};

}  // namespace dealwright::sample
