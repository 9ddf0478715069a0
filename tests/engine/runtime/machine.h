// The whole engine, threads and all, over the embedded log on a disk in memory: what it does when
// the disk fails under it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "connectors/embedded_log/embedded_log.h"
#include "engine/ports/fake/fake_clock.h"
#include "engine/ports/fake/fake_file_system.h"
#include "engine/ports/fake/fake_store.h"
#include "engine/runtime/engine.h"
#include "tests/engine/runtime/world.h"

namespace dealwright::runtime {

class Machine {
 public:
  explicit Machine(std::uint64_t seed = 1) : files{seed}, random{seed} {}
  ~Machine() { stop(); }

  Result<void> start();  // log, then engine
  void stop();
  // Waits until partition `id` leads and has caught up, or is stopped for good: why, if it is.
  std::optional<Error> await(PartitionId id);
  // Waits until all partitions are idle, however often one is opened again on the way. False: one
  // stopped.
  bool settle();

  // Appends facts of the customer whose key lies in `partition`; what each append said.
  Result<std::vector<Position>> append(PartitionId partition, const std::vector<Event>& events);
  Event next_event();  // a fact with an id of its own, about a deal
  Event pipeline();    // of the deals; for partition 0, which sends it on
  // Ids of all facts in the log of a partition, in order.
  std::vector<std::string> ids_in(PartitionId partition);
  // The state of a partition, and the same folded from position 0 by replay alone.
  void expect_replay_agrees(PartitionId partition);

  static constexpr std::uint32_t kPartitions = 2;
  std::uint64_t segment_bytes = 4096;
  Duration acks_wait{};
  FakeFileSystem files;
  FakeClock clock;
  std::map<std::string, FakeStore> stores;  // by path
  std::function<void()> at_store_write;     // on the thread that writes, before it does
  std::vector<Channel*> channels;
  FakeMeter meter;
  std::vector<Notice> notices();
  std::unique_ptr<embedded_log::EmbeddedLog> log;
  std::unique_ptr<Engine> engine;

 private:
  class SafeRandom : public Random {  // each partition's thread draws its claim
   public:
    explicit SafeRandom(std::uint64_t seed) : random_{seed} {}
    std::uint64_t next() override {
      const std::lock_guard lock{mutex_};
      return random_.next();
    }

   private:
    std::mutex mutex_;
    FakeRandom random_;
  };

  SafeRandom random;
  TestDeciders deciders_;
  ClusterKey key_{"a key for tests"};
  std::mutex stores_mutex_;
  std::mutex notices_mutex_;
  std::vector<Notice> notices_;
  std::uint64_t next_id_ = 0;
};

}  // namespace dealwright::runtime
