// One partition over fakes, with random facts and a decider that uses every change there is.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/ports/fake/fake_clock.h"
#include "engine/ports/fake/fake_file_system.h"
#include "engine/ports/fake/fake_log.h"
#include "engine/ports/fake/fake_meter.h"
#include "engine/ports/fake/fake_store.h"
#include "engine/runtime/partition.h"

namespace dealwright::runtime {

// Follows up each deal that enters "offer" after a day unless it leaves first, counts notes by an
// effect, and lets a third rule answer a won deal with a task.
class TestDecider : public Decider {
 public:
  std::string_view rule_set_id() const override { return "test"; }
  void on_fact(const FoldedFact& fact, Turn& turn) override;
  void on_timer(const TimerKey& timer, Turn& turn) override;
};

class TestDeciders : public DeciderFactory {
 public:
  Result<std::shared_ptr<Decider>> make(std::span<const PublishedRule>) override {
    return std::shared_ptr<Decider>{std::make_shared<TestDecider>()};
  }
};

// A process with one partition; crash() and start() it at will.
class World {
 public:
  explicit World(std::uint64_t seed, bool event_clock = false, std::uint32_t partitions = 1);

  void start();  // opens the partition; asserts that it works
  void crash();  // the process dies: unflushed state and unacknowledged appends may be lost
  // Steps and runs appends until nothing moves.
  void run();
  bool step();  // one step of something; false: nothing moves
  Result<bool> try_step() { return partition->step(); }

  Position add(const Event& event);  // durable at once, as from another process
  Event random_event();              // now and then the retraction of one of `past`
  Event retraction_of(const Event& fact);
  Event pipeline();

  // Every key of the state as it would be written down now, in order: what oracles compare.
  std::string dump();
  // The same of a state folded from position 0 by replay alone.
  std::string dump_of_replay();

  FakeClock clock;
  FakeRandom random;
  FakeLog log;
  FakeStore store;
  FakeFileSystem files;
  InlineWorker worker;
  TestDeciders deciders;
  DeciderFactory* other_deciders = nullptr;  // in their place
  ClusterKey key{"a key for tests"};
  std::vector<const View*> views;
  std::vector<Channel*> channels;
  FakeMeter meter;
  std::vector<Notice> notices;
  bool event_clock;
  bool retention = false;  // the log lets go of all that a durable snapshot covers
  bool clock_witness = false;
  bool effects_paused = false;
  std::shared_ptr<Attempts> attempts = std::make_shared<Attempts>();  // of the process
  Hosts hosts;
  std::uint64_t next_id = 0;
  std::vector<Event> past;  // what random_event made, accepted or not
  std::uint32_t events_per_record = 7;
  StateLimits limits;
  std::size_t wakes = 0;
  std::unique_ptr<Partition> partition;
};

// As somebody else claims who has read all that `meta` stands for: the bytes of its record.
std::string claim_behind(const Meta& meta);

std::string dump_of(State& state);
// Shows the first line in which they differ.
testing::AssertionResult same_dump(const std::string& a, const std::string& b);

}  // namespace dealwright::runtime
