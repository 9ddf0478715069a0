// Questions to an engine: where they are asked, what is said to those who ask while it stops.
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

// On a clock that stands, what waits for company does so for ever, unless somebody waits for it.
TEST(EngineTest, WhoWaitsUntilAllIsIdleWaitsForNoCompany) {
  Machine machine;
  machine.acks_wait = milliseconds(20);
  ASSERT_TRUE(machine.start());
  ASSERT_TRUE(machine.append(0, {machine.pipeline()}));
  ASSERT_TRUE(machine.engine->wait_idle());
  std::uint64_t sent = 0;
  std::uint64_t acked = 0;
  ASSERT_TRUE(machine.engine->ask(0, [&](Partition& partition) {
    const auto& meta = partition.state().meta;
    sent = meta.sent.at(1);
    acked = meta.acked.at(1);
  }));
  EXPECT_GT(sent, 0U);
  EXPECT_EQ(acked, sent);
}

TEST(EngineTest, AfterItStoppedAQuestionIsRefused) {
  Machine machine;
  ASSERT_TRUE(machine.start());
  ASSERT_TRUE(machine.engine->stop());
  const auto asked = machine.engine->ask(1, [](Partition&) { FAIL() << "it is not run"; });
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, Code::kClosed);
}

TEST(EngineTest, WhoOnlyLooksDoesSoHereWhereThePartitionHasNothingToDo) {
  Machine machine;
  ASSERT_TRUE(machine.start());
  ASSERT_TRUE(machine.settle());
  const PartitionId id = 0;
  const auto here = std::this_thread::get_id();
  std::thread::id looked, asked;
  while (looked != here) {  // it goes to sleep any moment
    ASSERT_TRUE(machine.engine->look_in_each({&id, 1}, [&](PartitionId, Partition&) {
      looked = std::this_thread::get_id();
      return false;
    }));
  }
  ASSERT_TRUE(machine.engine->ask(id, [&](Partition&) { asked = std::this_thread::get_id(); }));
  EXPECT_NE(asked, here) << "what it may have to act on";
  std::atomic<bool> busy = false;
  std::atomic<bool> end = false;
  std::thread other{[&] {
    EXPECT_TRUE(machine.engine->ask(id, [&](Partition&) {
      busy = true;
      while (!end) std::this_thread::yield();
    }));
  }};
  while (!busy) std::this_thread::yield();
  std::thread late{[&] {
    EXPECT_TRUE(machine.engine->look_in_each({&id, 1}, [&](PartitionId, Partition&) {
      EXPECT_TRUE(end) << "beside what it does";
      return false;
    }));
  }};
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  end = true;
  other.join();
  late.join();
}

// A timer that comes due while somebody has the partition fires when it is given back, though
// nothing else happens.
TEST(EngineTest, ATimerIsDueWhileSomebodyLooks) {
  Machine machine;
  ASSERT_TRUE(machine.start());
  ASSERT_TRUE(machine.append(0, {machine.pipeline()}));
  ASSERT_TRUE(machine.settle());
  const PartitionId id = 0;
  auto opened = machine.next_event();
  opened.time = machine.clock.wall() - days(2);
  auto offered = opened;
  offered.id = "offered";
  offered.type = TypeId::kDealStageChanged;
  offered.time = machine.clock.wall() - days(1) + milliseconds(2);  // followed up after a day
  offered.data = {};
  offered.data.set(Field::kTo, Value{"offer"});
  ASSERT_TRUE(machine.append(id, {opened, offered}));
  ASSERT_TRUE(machine.settle());
  std::uint64_t pending = 0, fired = 0;
  bool looked = false;
  const auto here = std::this_thread::get_id();
  const auto look = [&](PartitionId, Partition& partition) {
    fired = partition.state().meta.timers_fired;
    if (std::this_thread::get_id() != here || looked) return false;
    looked = true;
    pending = partition.state().timers().pending();
    for (int i = 0; i < 100'000; ++i) std::this_thread::yield();  // its own wait ends meanwhile
    machine.clock.advance(milliseconds(10));
    return false;
  };
  while (!looked) ASSERT_TRUE(machine.engine->look_in_each({&id, 1}, look));
  ASSERT_EQ(pending, 1U);
  for (int i = 0; i < 2'000'000 && fired == 0; ++i) {
    ASSERT_TRUE(machine.engine->look_in_each({&id, 1}, look));
    std::this_thread::yield();
  }
  EXPECT_EQ(fired, 1U);
}

// Whoever looks, and wherever, has the partition to himself.
TEST(EngineTest, NobodyLooksIntoAPartitionBesideItsThread) {
  Machine machine;
  std::atomic<int> inside[Machine::kPartitions] = {};
  std::atomic<int> beside = 0;
  const auto enter = [&](PartitionId id) {
    if (inside[id]++ != 0) ++beside;
    std::this_thread::yield();
    --inside[id];
  };
  ASSERT_TRUE(machine.start());
  ASSERT_TRUE(machine.append(0, {machine.pipeline()}));
  std::atomic<bool> end = false;
  std::atomic<std::uint64_t> newest = 0;
  std::vector<std::thread> lookers;
  const PartitionId all[] = {0, 1};
  for (int i = 0; i < 3; ++i) {
    lookers.emplace_back([&, i] {
      std::uint64_t seen = 0;
      while (!end) {
        EXPECT_TRUE(machine.engine->look_in_each(all, [&](PartitionId id, Partition& partition) {
          enter(id);
          const auto events = partition.state().meta.events;
          if (id == 0) {
            EXPECT_GE(events, seen) << "it never goes back";
            seen = events;
          }
          return i == 0;  // this one waits until it is durable
        }));
      }
      newest = std::max<std::uint64_t>(newest, seen);
    });
  }
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(machine.append(i % 2, {machine.next_event()}));
    const auto id = static_cast<PartitionId>(i % 2);
    ASSERT_TRUE(machine.engine->ask(id, [&](Partition&) { enter(id); }));
  }
  ASSERT_TRUE(machine.settle());
  end = true;
  for (auto& looker : lookers) looker.join();
  EXPECT_EQ(beside, 0);
  EXPECT_GT(newest, 100U);
  machine.expect_replay_agrees(0);
  machine.expect_replay_agrees(1);
}

}  // namespace
}  // namespace dealwright::runtime
