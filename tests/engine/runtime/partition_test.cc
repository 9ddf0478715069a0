// The loop of one partition over fakes: what is decided live, folded again after a crash, and
// replayed from nothing comes to the same state, byte for byte.
#include "engine/runtime/partition.h"

#include <gtest/gtest.h>

#include "engine/codec/decision_codec.h"
#include "engine/runtime/keys.h"
#include "tests/engine/runtime/world.h"

namespace dealwright::runtime {
namespace {

TEST(PartitionTest, LiveStateEqualsReplayFromNothing) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    World world{seed, seed % 2 == 0};
    world.start();
    world.add(world.pipeline());
    for (int i = 0; i < 150; ++i) {
      world.add(world.random_event());
      if (world.random.chance(30)) {
        world.run();
        world.clock.advance(hours(static_cast<std::int64_t>(world.random.below(10))));
      }
    }
    world.run();
    ASSERT_TRUE(same_dump(world.dump(), world.dump_of_replay())) << "seed " << seed;
  }
}

TEST(PartitionTest, ARestartAfterAnyStepChangesNothing) {
  for (std::uint64_t seed = 100; seed < 120; ++seed) {
    World world{seed};
    world.start();
    world.add(world.pipeline());
    for (int i = 0; i < 120; ++i) {
      world.add(world.random_event());
      for (auto steps = world.random.below(6); steps > 0; --steps) world.step();
      if (world.random.chance(25)) {
        world.crash();
        world.start();
      }
      if (world.random.chance(20)) world.clock.advance(hours(7));
    }
    world.run();
    ASSERT_TRUE(same_dump(world.dump(), world.dump_of_replay())) << "seed " << seed;
    const auto before = world.dump();
    world.crash();
    world.start();
    while (world.partition->status().leading == false) world.step();
    world.run();
    // Only who leads, and since when, may differ.
    ASSERT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
    const auto after = world.dump();
    ASSERT_TRUE(
        same_dump(before.substr(0, before.find("\nM = ")), after.substr(0, after.find("\nM = "))));
  }
}

TEST(PartitionTest, GapsInPositionsChangeNothing) {
  for (std::uint64_t seed = 200; seed < 220; ++seed) {
    World world{seed, seed % 2 == 0};
    world.start();
    world.add(world.pipeline());
    for (int i = 0; i < 150; ++i) {
      if (world.random.chance(40)) {
        world.log.skip_positions(Topic::kEvents, 0, 1 + world.random.below(50));
      }
      world.add(world.random_event());
      if (world.random.chance(30)) world.run();
      if (world.random.chance(20)) world.clock.advance(hours(9));
      if (world.random.chance(5)) {
        world.crash();
        world.start();
      }
    }
    world.run();
    ASSERT_TRUE(same_dump(world.dump(), world.dump_of_replay())) << "seed " << seed;
  }
}

// More timers are due before an event than a record holds, and the event's position leaves a gap:
// the record that is full covers neither the event nor the gap.
TEST(PartitionTest, ARecordFullOfTimersBeforeAGapCanBeFolded) {
  World world{12};
  world.limits.generation_events = 100'000;
  world.events_per_record = 100'000;
  world.start();
  world.add(world.pipeline());
  Event event;
  event.source = "crm";
  event.type = TypeId::kDealOpened;
  event.data.set(Field::kPipeline, Value{"p"});
  event.data.set(Field::kStage, Value{"offer"});
  event.time = world.clock.wall();
  const std::size_t deals = kTimersMax + 10;
  for (std::size_t i = 0; i < deals; ++i) {
    event.id = "o" + std::to_string(i);
    event.subject = {Kind::kDeal, event.id};
    world.add(event);
  }
  world.run();
  world.clock.advance(days(2));
  world.log.skip_positions(Topic::kEvents, 0, 7);
  event.type = TypeId::kNoteAdded;
  event.data.clear();
  event.data.set(Field::kText, Value{"behind the gap"});
  event.time = world.clock.wall();
  event.id = "note";
  world.add(event);
  world.run();
  EXPECT_EQ(world.partition->state().meta.timers_fired, deals);
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

TEST(PartitionTest, TheSameIdCountsOnce) {
  World world{7};
  world.start();
  world.add(world.pipeline());
  auto event = world.random_event();
  event.type = TypeId::kNoteAdded;
  event.data.clear();
  event.data.set(Field::kText, Value{"once"});
  event.extra.clear();
  for (int i = 0; i < 3; ++i) {
    world.add(event);
    world.run();
    world.crash();
    world.start();
  }
  world.run();
  EXPECT_EQ(world.partition->state().meta.duplicates, 2U);
  EXPECT_EQ(world.partition->state().find(event.subject)->count(TypeId::kNoteAdded), 1U);
}

TEST(PartitionTest, AnEditOfEitherLogIsFound) {
  World world{8};
  world.start();
  world.add(world.pipeline());
  for (int i = 0; i < 20; ++i) world.add(world.random_event());
  world.run();
  const auto events = world.log.records(Topic::kEvents, 0);
  const auto decisions = world.log.records(Topic::kDecisions, 0);
  for (std::size_t victim = 0; victim < events.size(); ++victim) {
    FakeLog edited{1};
    for (std::size_t i = 0; i < events.size(); ++i) {
      auto bytes = events[i].bytes;
      if (i == victim) bytes.back() = static_cast<char>(bytes.back() ^ 1);
      edited.put(Topic::kEvents, 0, bytes);
    }
    for (const auto& record : decisions) edited.put(Topic::kDecisions, 0, record.bytes);
    FakeStore empty;
    FakeFileSystem disk;
    auto state = State::open(empty, disk, "/ids", {}, world.limits);
    Folder folder{*state.value(), LogFacts{edited, 0}};
    Replay replay{edited, 0, *state.value(), folder};
    std::optional<Error> found;
    while (!found) {
      auto folded = replay.step();
      if (!folded) found = folded.error();
      if (folded && !folded.value()) break;
    }
    ASSERT_TRUE(found) << "event " << victim;
    EXPECT_EQ(found->code, Code::kDamaged);
  }
}

TEST(PartitionTest, AnotherLeaderIsNoticedAndNothingOfItsTermIsLost) {
  World world{9};
  world.start();
  world.add(world.pipeline());
  world.run();
  // Somebody else claims: its record stands where ours would.
  DecisionRecord claim;
  const auto& meta = world.partition->state().meta;
  claim.header.state_version = kStateVersion;
  claim.header.term = meta.term + 1;
  claim.header.claim[0] = 9;
  claim.header.from = claim.header.through = meta.events;
  claim.header.now = meta.now;
  claim.header.workspace = "default";
  Sha256Stream chain;
  chain.update(bytes_of(meta.chain));
  claim.header.chain = chain.finish();
  claim.body = LeaderClaim{"other"};
  std::string bytes;
  codec::encode(claim, bytes);
  world.add(world.random_event());
  world.log.put(Topic::kDecisions, 0, bytes);
  std::optional<Error> stopped;
  for (int i = 0; i < 20 && !stopped; ++i) {
    auto stepped = world.try_step();
    if (!stepped) stopped = stepped.error();
    world.log.run_one(0);
  }
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->code, Code::kConflict);
  // Its successor folds the log: the foreign claim stands, the record of the lost term does not.
  world.crash();
  world.start();
  world.run();
  EXPECT_EQ(world.partition->state().meta.term, 3U);
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

TEST(PartitionTest, APoisonEventHoldsBackItsKeyUntilAnOperatorSpeaks) {
  World world{10};
  world.start();
  world.add(world.pipeline());
  auto opened = world.random_event();
  opened.type = TypeId::kDealOpened;
  opened.extra.clear();
  opened.data.clear();
  opened.data.set(Field::kPipeline, Value{"p"});
  auto poison = world.random_event();
  poison.subject = opened.subject;
  poison.type = TypeId::kDealStageChanged;
  poison.foreign_type.clear();
  poison.extra.clear();
  poison.data.clear();  // `to` is missing
  auto behind = world.random_event();
  behind.subject = opened.subject;
  behind.type = TypeId::kDealWon;
  behind.foreign_type.clear();
  behind.extra.clear();
  behind.data.clear();
  for (auto* event : {&opened, &poison, &behind}) {
    event->id = "fresh" + std::to_string(world.next_id++);
    event->time = world.clock.wall();
  }
  world.add(opened);
  const auto at = world.add(poison);
  world.add(behind);
  world.run();
  auto& state = world.partition->state();
  EXPECT_EQ(state.set_aside(at)->code, "bad_data");
  EXPECT_EQ(state.set_aside(at + 1)->code, "blocked");
  EXPECT_EQ(state.find(opened.subject)->life.status(), DealStatus::kOpen);

  Event order;
  order.source = "dealwright/operator";
  order.id = "drop-1";
  order.type = TypeId::kEventDropped;
  order.subject = {Kind::kEvent, "0:" + std::to_string(at)};
  order.data.set(Field::kPosition, Value{static_cast<std::int64_t>(at)});
  world.add(order);  // unsigned: anybody could have written it
  world.run();
  EXPECT_TRUE(state.set_aside(at));
  order.id = "drop-2";
  world.key.sign(order, 0);
  world.add(order);
  world.run();
  EXPECT_FALSE(state.set_aside(at));
  EXPECT_FALSE(state.set_aside(at + 1));
  EXPECT_EQ(state.find(opened.subject)->life.status(), DealStatus::kWon);
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

TEST(PartitionTest, ATimerFiresOnceNeverEarlyAndNotWhileTheClockIsDoubted) {
  World world{11};
  world.start();
  world.add(world.pipeline());
  auto event = world.random_event();
  event.type = TypeId::kDealOpened;
  event.extra.clear();
  event.data.clear();
  event.data.set(Field::kPipeline, Value{"p"});
  event.data.set(Field::kStage, Value{"offer"});
  event.time = world.clock.wall();
  world.add(event);
  world.run();
  EXPECT_EQ(world.partition->next_due(), *event.time + days(1));
  world.clock.advance(days(1) - milliseconds(1));
  world.run();
  EXPECT_EQ(world.partition->state().meta.timers_fired, 0U);
  world.clock.jump_wall(hours(3));  // the wall jumps, the steady clock does not
  world.run();
  EXPECT_TRUE(world.partition->status().clock_held);
  EXPECT_EQ(world.partition->state().meta.timers_fired, 0U);
  world.clock.jump_wall(hours(-3));
  world.clock.advance(milliseconds(1));
  world.run();
  EXPECT_EQ(world.partition->state().meta.timers_fired, 1U);
  world.clock.advance(days(2));
  world.run();
  EXPECT_EQ(world.partition->state().meta.timers_fired, 1U);
}

}  // namespace
}  // namespace dealwright::runtime
