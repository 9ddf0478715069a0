// What an engine says to those who ask while it stops.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "tests/engine/runtime/machine.h"

namespace dealwright::runtime {
namespace {

// A question that comes in while the partition writes its state down for the last time: it is
// answered, or told that the partition is gone, and never left waiting.
TEST(EngineTest, AQuestionBehindTheLastOneIsToldSo) {
  int told = 0;
  for (std::uint64_t round = 0; round < 50; ++round) {
    std::optional<Error> answer;
    std::atomic<bool> stopping = false;
    std::atomic<bool> posts = false;
    std::thread asker;
    Machine machine{round};
    machine.at_store_write = [&] {  // partitions write side by side: the first one asks
      if (!stopping || posts.exchange(true)) return;
      std::atomic<bool> begun = false;
      asker = std::thread{[&] {
        begun = true;
        for (PartitionId id = 0; id < Machine::kPartitions && !answer; ++id) {
          const auto asked = machine.engine->ask(id, [](Partition&) {});
          if (!asked) answer = asked.error();
        }
      }};
      while (!begun) std::this_thread::yield();
      for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    };
    ASSERT_TRUE(machine.start());
    ASSERT_TRUE(machine.append(0, {machine.pipeline()}));
    ASSERT_TRUE(machine.settle());
    stopping = true;
    ASSERT_TRUE(machine.engine->stop());
    ASSERT_TRUE(posts);
    asker.join();
    if (!answer) continue;  // both answered just in time
    ++told;
    EXPECT_EQ(answer->code, Code::kClosed) << answer->detail;
    EXPECT_FALSE(answer->retriable);
  }
  EXPECT_GT(told, 0);
}

TEST(EngineTest, AfterItStoppedAQuestionIsRefused) {
  Machine machine;
  ASSERT_TRUE(machine.start());
  ASSERT_TRUE(machine.engine->stop());
  const auto asked = machine.engine->ask(1, [](Partition&) { FAIL() << "it is not run"; });
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, Code::kClosed);
}

}  // namespace
}  // namespace dealwright::runtime
