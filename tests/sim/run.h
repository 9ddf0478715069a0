// Runs seeds: one, a campaign, those that find a planted bug; and makes a story short.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/plan.h"
#include "tests/sim/story.h"

namespace dealwright::sim {

struct Outcome {
  std::optional<Broken> broken;
  std::map<std::string, std::uint64_t> met;  // faults too
  std::vector<std::string> lines;
  std::string digest;
  std::uint64_t events = 0;
};
Outcome run(const Plan& plan, bool told);

// The plan with as few faults and facts as still break the same promise.
Plan shrink(Plan plan, const Broken& broken);
// What repeats it.
std::string command(const Plan& plan, int bug);
void tell_failure(const Plan& plan, const Broken& broken, int bug);

// What a campaign has to meet, beside each fault.
std::vector<std::string> must_meet();

struct Caught {
  std::uint64_t seed = 0;  // 0: not
  std::string by;          // the oracle, or how the process ended
  std::string detail;
};
// The first of `seeds` seeds that finds the planted bug; each bug in a process of its own.
Caught hunt(int bug, std::uint64_t seeds);
inline constexpr int kPlantedBugs = 20;
std::string_view planted_name(int bug);

}  // namespace dealwright::sim
