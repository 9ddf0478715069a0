#include "tests/sim/plan.h"

#include <fmt/format.h>

#include "engine/base/hash.h"

namespace dealwright::sim {
namespace {

struct Row {
  std::string_view name;
  std::uint32_t hardest;
};
constexpr Row kRows[] = {
#define DW_FAULT(constant, name, hardest) {name, hardest},
#include "tests/sim/faults.def"
#undef DW_FAULT
};
constexpr std::uint64_t kPerMille = 1000;

}  // namespace

std::uint64_t mixed(std::uint64_t seed, std::uint64_t use) {
  return hash128(std::to_string(seed), std::to_string(use)).low;
}

std::string_view fault_name(Fault fault) { return kRows[static_cast<std::size_t>(fault)].name; }

Plan draw(std::uint64_t seed) {
  FakeRandom random{mixed(seed, 0)};
  Plan plan;
  plan.seed = seed;
  const auto chance = [&](std::uint64_t percent) { return random.chance(percent); };
  plan.embedded = chance(15);
  plan.nodes = 1 + static_cast<std::uint32_t>(random.below(3));
  if (chance(30)) plan.partitions = 2 + static_cast<std::uint32_t>(random.below(2));
  plan.months = chance(25);
  plan.witness = chance(50);
  plan.retention = chance(10) && plan.nodes == 1;
  plan.late_flush = chance(50);
  plan.facts = 300 + static_cast<std::uint32_t>(random.below(chance(10) ? 700 : 120));
  if (plan.embedded) {
    plan.nodes = 1;
    plan.partitions = 1;
    plan.retention = false;
  }
  // In some worlds nothing goes wrong, in some little; how hard is drawn for each fault.
  const auto share = chance(5) ? 0 : 25 + random.below(50);
  for (std::size_t i = 0; i < kFaults; ++i) {
    const bool on = chance(share);
    const auto hard = 1 + random.below(kPerMille);
    if (on) plan.rates[i] = 1 + static_cast<std::uint32_t>(kRows[i].hardest * hard / kPerMille);
  }
  return plan;
}

std::string to_text(const Plan& plan) {
  auto out =
      fmt::format("{} nodes, {} partitions, {}{}{}{}{}, {} facts;", plan.nodes, plan.partitions,
                  plan.embedded ? "embedded log" : "broker", plan.months ? ", months" : ", hours",
                  plan.witness ? ", witness" : "", plan.retention ? ", retention" : "",
                  plan.late_flush ? ", late flush" : "", plan.facts);
  for (std::size_t i = 0; i < kFaults; ++i) {
    if (plan.rates[i] == 0 || plan.off[i]) continue;
    out += fmt::format(" {} {:.2f}%", kRows[i].name, plan.rates[i] / 100.0);
  }
  return out;
}

Dice::Dice(const Plan& plan) : plan_{plan} {
  for (std::size_t i = 0; i < kFaults; ++i) {
    streams_.emplace_back(mixed(plan.seed, 100 + i));
  }
}

bool Dice::hit(Fault fault) {
  const auto i = static_cast<std::size_t>(fault);
  const bool hit = streams_[i].below(10'000) < plan_.rates[i] && !plan_.off[i] && !healed_;
  counts_[i] += hit ? 1 : 0;
  return hit;
}

}  // namespace dealwright::sim
