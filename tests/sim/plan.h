// What one seed is: how large the world, which faults and how hard. Drawn from the seed alone.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/fake/fake_clock.h"

namespace dealwright::sim {

enum class Fault : std::uint8_t {
#define DW_FAULT(constant, name, hardest) constant,
#include "tests/sim/faults.def"
#undef DW_FAULT
};
inline constexpr std::size_t kFaults = 0
#define DW_FAULT(constant, name, hardest) +1
#include "tests/sim/faults.def"
#undef DW_FAULT
    ;
std::string_view fault_name(Fault fault);

struct Plan {
  std::uint64_t seed = 0;
  std::uint32_t nodes = 1;       // engines
  std::uint32_t partitions = 1;  // of the log
  bool embedded = false;         // the real embedded log on a disk in memory, else a broker
  bool months = false;           // time goes on by days, else by minutes and hours
  bool witness = false;          // somebody vouches for the clocks
  bool retention = false;        // the log lets go of what a snapshot covers
  bool late_flush = false;       // the disk is written beside the loop, not within it
  std::uint32_t facts = 0;
  std::array<std::uint32_t, kFaults> rates{};  // in 10,000
  std::bitset<kFaults> off;                    // left out to shrink a story
};
Plan draw(std::uint64_t seed);
std::string to_text(const Plan& plan);

// A number for each use of a seed: streams that begin there have nothing in common.
std::uint64_t mixed(std::uint64_t seed, std::uint64_t use);

// Whether something goes wrong now. Each fault has numbers of its own, so that leaving one out
// changes nothing of the others' draws.
class Dice {
 public:
  explicit Dice(const Plan& plan);
  bool hit(Fault fault);
  void heal() { healed_ = true; }  // nothing goes wrong any more
  bool healed() const { return healed_; }
  FakeRandom& of(Fault fault) { return streams_[static_cast<std::size_t>(fault)]; }
  const std::array<std::uint64_t, kFaults>& counts() const { return counts_; }

 private:
  const Plan& plan_;
  std::vector<FakeRandom> streams_;
  std::array<std::uint64_t, kFaults> counts_{};
  bool healed_ = false;
};

}  // namespace dealwright::sim
