// Several partitions over one log, each with its own store, stepped in an order drawn from a seed:
// what they send each other.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/engine/runtime/world.h"

namespace dealwright::runtime {

class Town {
 public:
  Town(std::uint32_t partitions, std::uint64_t seed);

  void start(PartitionId id);
  void crash();   // the process dies, with all partitions; start() them again
  bool step();    // one step of something; false: nothing moves
  void settle();  // until nothing moves, while no time passes
  void run();     // until nothing moves and nothing waits

  // Durable at once, in the partition that `event` comes in at; its position.
  Position add(const Event& event);
  PartitionId first_of(const Event& event) const;
  // "deal.opened deal/d1 account=a1": type, subject, data as text=text; "key=" is its partition
  // key. Each has an id of its own.
  Event fact(const std::string& text);
  Position say(const std::string& text) { return add(fact(text)); }

  State& state(PartitionId id) { return seats[id].partition->state(); }
  // Partitions in which facts about it are folded, with their counts: "0:3 2:1".
  std::string where(const std::string& subject);
  std::string dump(PartitionId id);
  std::string dump_of_replay(PartitionId id);
  void expect_replays_agree();

  struct Seat {
    FakeStore store;
    FakeFileSystem files;
    std::unique_ptr<Partition> partition;
  };
  FakeClock clock;
  FakeRandom random;
  FakeLog log;
  InlineWorker worker;
  TestDeciders deciders;
  ClusterKey key{"a key for tests"};
  std::vector<Seat> seats;
  std::vector<const View*> views;
  StateLimits limits;
  Duration acks_wait{};  // run() lets that time pass
  std::uint64_t next_id = 0;
};

}  // namespace dealwright::runtime
