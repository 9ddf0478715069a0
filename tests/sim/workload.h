// What CRMs, people and operators say: facts good and bad, rules and their edits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/domain/event.h"
#include "engine/runtime/cluster_key.h"
#include "tests/sim/plan.h"

namespace dealwright::sim {

class Workload {
 public:
  Workload(const Plan& plan, const runtime::ClusterKey& key)
      : plan_{plan}, key_{key}, random_{mixed(plan.seed, 1)} {}

  // Pipeline, templates, rules: what has to be there first. For partition 0.
  std::vector<Event> begin(Instant now);
  Event fact(Instant now);
  Event forged(Instant now);          // what only the engine may say
  std::string poison();               // bytes that are no event
  Event rule_edit(Instant now);       // a newer version, a pause, a resumption
  Event pause(Instant now, bool on);  // of the workspace
  std::vector<Event> resume_all(Instant now);
  // Where a fact comes in.
  std::uint32_t partition_of(const Event& event) const;
  // All rule texts that there can be, so that they are compiled once.
  static std::vector<std::string> all_texts();

 private:
  Event of(TypeId type, RecordKey subject, Instant now);
  Event publish(std::size_t rule, std::uint32_t version, Instant now);
  std::string deal() { return "d" + std::to_string(random_.below(12)); }
  std::string contact() { return "c" + std::to_string(random_.below(24)); }

  const Plan& plan_;
  const runtime::ClusterKey& key_;
  FakeRandom random_;
  std::uint64_t next_id_ = 0;
  std::vector<std::uint32_t> versions_;
};

}  // namespace dealwright::sim
