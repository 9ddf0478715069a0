// One partition over fakes with the real rules and views, and the oracle beside it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/ports/fake/fake_channel.h"
#include "engine/ports/fake/fake_clock.h"
#include "engine/ports/fake/fake_file_system.h"
#include "engine/ports/fake/fake_log.h"
#include "engine/ports/fake/fake_store.h"
#include "engine/runtime/partition.h"
#include "tests/oracle/oracle.h"

namespace dealwright::oracle {

class Bed {
 public:
  explicit Bed(std::uint64_t seed, bool event_clock = false);

  void start();
  // The process dies: what was not flushed is lost, appends that wait may be.
  void crash();
  bool step();
  void run();      // until nothing moves
  void receive();  // attempts under way go on, one way or another
  std::uint64_t add(const Event& event);
  std::uint64_t add_bytes(std::string bytes);
  void publish(const std::string& path);  // of a rule file; its name is the rule's

  // Feeds the oracle what the partition has folded and compares everything. Does nothing while
  // records are in flight, or while the partition is behind.
  testing::AssertionResult compare(bool views);
  // The same for a state folded from nothing, at every `stride`-th decision record.
  testing::AssertionResult compare_replay(std::size_t stride);
  std::string describe(std::uint64_t position) const;

  FakeClock clock;
  FakeRandom random;
  FakeLog log;
  FakeStore store;
  FakeFileSystem files;
  InlineWorker worker;
  std::unique_ptr<DeciderFactory> deciders;
  runtime::ClusterKey key{"a key for tests"};
  std::vector<const View*> views;
  FakeChannel mail{"email", true};
  FakeChannel hook{"webhook", false};
  std::vector<Channel*> channels{&mail, &hook};
  runtime::PartitionOptions options;
  std::unique_ptr<runtime::Partition> partition;
  Oracle oracle;
  std::vector<Instant> instants;  // that views are asked about
  std::size_t compared = 0;
  bool histories = true;  // whether records' own indexes are compared too

 private:
  testing::AssertionResult compare_with(const Oracle& oracle, runtime::State& state, bool views);
  std::size_t events_fed_ = 0, decisions_fed_ = 0;
};

std::string read_file(const std::string& path);

}  // namespace dealwright::oracle
