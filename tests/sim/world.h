// One seed: nodes, log, peers and people, moved in an order that the seed draws; first while things
// go wrong, then healed until it converges. What must hold is asked on the way and at the end.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/oracle/oracle.h"
#include "tests/sim/chronicle.h"
#include "tests/sim/node.h"
#include "tests/sim/workload.h"

namespace dealwright::sim {

// Compiled once, for all seeds.
DeciderFactory& deciders();

class World {
 public:
  World(const Plan& plan, bool told);
  ~World();
  void run();
  Story& story() { return story_; }
  const Dice& dice() const { return dice_; }
  // Of all that was decided and of what the peers took: equal if the same happened.
  std::string digest() const;
  std::uint64_t facts_counted() const;

 private:
  struct Posted {
    PartitionId partition = 0;
    std::string bytes;
    std::string fact;
    bool acknowledged = false;
  };
  class Ticket;

  // world.cc: what moves
  void live();
  void tick();
  void go_wrong();
  void machines_fail();
  void cluster_fails();
  void clocks_fail();
  void people_act();
  void damage_a_disk();
  void pass_time();
  bool move_all();
  void run_quiet(std::size_t rounds);
  void publish();
  void post(PartitionId partition, std::string bytes, std::string fact);
  void post(const Event& event);
  void send(std::size_t at);
  void answered(std::size_t at, bool durable);
  void heal();
  bool vouch();
  void converge();
  bool at_rest();
  void take_records(NodeLog& log);
  Node& any_node() { return *nodes_[scheduler_.below(nodes_.size())]; }
  PartitionId any_partition() {
    return static_cast<PartitionId>(scheduler_.below(plan_.partitions));
  }
  void suggest(PartitionId partition, std::size_t node);

  // checks.cc: what must hold
  void check_pass(std::uint32_t node, const Attempt& attempt);
  void check_state(Node& node, PartitionId id, bool views);
  void check_anywhere();
  void check_restore(PartitionId id);
  void check_damage();
  void truncate_log();
  std::vector<std::pair<Position, std::string>> records(Topic topic, PartitionId id);
  void rebuild_a_view();
  void check_end();
  void check_effects();
  void check_effect(const EffectId& id, const Effect& effect);
  void check_decides_again(PartitionId id);  // decide_again.cc
  void check_sends(PartitionId from);
  void check_chain(PartitionId id);
  Log& the_log();

  const Plan plan_;
  FakeClock clock_;
  Story story_;
  Dice dice_;
  FakeRandom scheduler_;
  const runtime::ClusterKey key_{"a key for the simulator"};
  Workload workload_;
  Books books_;
  std::vector<std::unique_ptr<Chronicle>> chronicles_;
  std::vector<oracle::Oracle> oracles_;
  std::vector<std::pair<std::size_t, std::size_t>> fed_;  // to each: events, decisions
  std::deque<Posted> posted_;
  std::optional<std::size_t> edited_;  // of posted_: the newest edit of a rule
  std::deque<std::size_t> outbox_;     // to be sent, or sent again
  std::size_t on_way_ = 0;
  std::unique_ptr<Broker> broker_;
  Place place_;
  std::vector<std::uint64_t> back_at_;  // when a node that is down or paused goes on
  std::uint64_t ticks_ = 0;
  std::uint32_t facts_left_ = 0;
  std::map<EffectId, std::uint32_t> passes_;
  std::uint32_t restores_ = 0, rebuilds_ = 0, compared_ = 0;
  bool resumed_ = false;
  bool damaged_ = false;  // on purpose: nodes may stop by name, and must not answer wrongly
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace dealwright::sim
