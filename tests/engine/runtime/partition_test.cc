// The loop of one partition over fakes: what is decided live, folded again after a crash, and
// replayed from nothing comes to the same state, byte for byte.
#include "engine/runtime/partition.h"

#include <gtest/gtest.h>

#include "engine/codec/decision_codec.h"
#include "engine/runtime/keys.h"
#include "tests/engine/runtime/world.h"
#include "tests/seeds.h"

namespace dealwright::runtime {
namespace {

TEST(PartitionTest, LiveStateEqualsReplayFromNothing) {
  for (const auto seed : seeds(1, 20)) {
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
  for (const auto seed : seeds(100, 20)) {
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
  for (const auto seed : seeds(200, 20)) {
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

// Facts that are retracted apart: a log that let go of them cannot take them back.
TEST(PartitionTest, ALogThatLetsGoOfWhatASnapshotCoversComesToTheSameState) {
  for (const auto seed : seeds(200, 10)) {
    World whole{seed};
    World cut{seed};
    cut.retention = true;
    for (auto* world : {&whole, &cut}) {
      world->start();
      world->add(world->pipeline());
      for (int i = 0; i < 150; ++i) {
        auto event = world->random_event();
        if (event.type == TypeId::kEventRetracted) continue;
        world->add(event);
        if (i % 5 == 0) world->run();
        if (i % 40 == 39) {
          world->run();
          world->clock.advance(hours(9));
        }
      }
      world->run();
    }
    EXPECT_GT(cut.log.begin(Topic::kEvents, 0).value(), 20U);
    EXPECT_GT(cut.log.begin(Topic::kDecisions, 0).value(), 5U);
    ASSERT_TRUE(same_dump(cut.dump(), whole.dump())) << "seed " << seed;
    cut.crash();
    cut.start();
    cut.run();
    const auto after = cut.dump();
    const auto before = whole.dump();  // only who leads may differ
    ASSERT_TRUE(
        same_dump(before.substr(0, before.find("\nM = ")), after.substr(0, after.find("\nM = "))));
  }
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

// Whoever would be woken may be gone with the partition.
TEST(PartitionTest, AnAnswerThatComesBehindItsEndWakesNobody) {
  World world{15};
  world.start();
  while (world.log.waiting(0) == 0) ASSERT_TRUE(world.try_step());
  world.partition.reset();
  const auto before = world.wakes;
  EXPECT_TRUE(world.log.run_one(0));
  EXPECT_EQ(world.wakes, before);
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
  const auto claim = claim_behind(world.partition->state().meta);
  world.add(world.random_event());
  world.log.put(Topic::kDecisions, 0, claim);
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

TEST(PartitionTest, WhatComesBeforeItsPipelineWaitsForIt) {
  World world{12};
  world.start();
  Event opened;
  opened.source = "crm";
  opened.id = "o";
  opened.type = TypeId::kDealOpened;
  opened.subject = {Kind::kDeal, "d1"};
  opened.time = world.clock.wall();
  opened.data.set(Field::kPipeline, Value{"p"});
  Event won = opened;
  won.id = "w";
  won.type = TypeId::kDealWon;
  won.data.clear();
  const auto at = world.add(opened);
  world.add(won);
  world.run();
  auto& state = world.partition->state();
  EXPECT_EQ(state.set_aside(at)->code, "no_pipeline_yet");
  EXPECT_EQ(state.set_aside(at + 1)->code, "blocked");
  EXPECT_EQ(world.partition->status().waiting, 2U);
  EXPECT_EQ(state.meta.refused, 0U);
  world.add(world.pipeline());
  world.run();
  EXPECT_EQ(world.partition->status().waiting, 0U);
  EXPECT_FALSE(state.set_aside(at));
  EXPECT_FALSE(state.set_aside(at + 1));
  EXPECT_EQ(state.find(opened.subject)->life.status(), DealStatus::kWon);
  // Now that there are pipelines, one that is not known is an error.
  opened.id = "q";
  opened.data.set(Field::kPipeline, Value{"q"});
  const auto later = world.add(opened);
  world.run();
  EXPECT_EQ(state.set_aside(later)->code, "unknown_pipeline");
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

TEST(PartitionTest, OnlyAnOperatorSetsTimeBack) {
  World world{13};
  world.start();
  world.add(world.pipeline());
  world.run();
  world.clock.advance(days(3));  // a clock that ran ahead
  world.add(world.random_event());
  world.run();
  const auto ahead = world.partition->state().meta.now;
  world.crash();
  world.clock.jump_wall(days(-3));
  world.start();
  world.run();
  world.add(world.random_event());
  world.run();
  EXPECT_GE(world.partition->state().meta.now, ahead);  // it never goes back by itself
  const auto right = world.clock.wall();
  const auto forward = world.partition->reset_clock(ahead + days(1), "user/ann");
  ASSERT_FALSE(forward);
  EXPECT_EQ(forward.error().code, Code::kInvalid);
  ASSERT_TRUE(world.partition->reset_clock(right, "user/ann"));
  world.run();
  EXPECT_EQ(world.partition->state().meta.now, right);
  EXPECT_EQ(world.partition->state().meta.clock_epoch, 1U);
  world.clock.advance(minutes(1));
  world.add(world.random_event());
  world.run();
  EXPECT_EQ(world.partition->state().meta.now, world.clock.wall());
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
  world.crash();
  world.start();
  world.run();
  EXPECT_EQ(world.partition->state().meta.clock_epoch, 1U);
}

TEST(PartitionTest, ALogOnTheClockOfItsEventsGoesOnByTheWall) {
  World world{14, true};
  world.start();
  world.add(world.pipeline());
  world.run();
  EXPECT_EQ(world.partition->state().meta.now, world.clock.wall() - days(60));
  ASSERT_TRUE(world.partition->switch_to_wall("user/ann"));
  world.run();
  auto event = world.random_event();
  event.time.reset();
  world.add(event);
  world.run();
  EXPECT_EQ(world.partition->state().meta.now, world.clock.wall());
  EXPECT_FALSE(world.partition->switch_to_wall("user/ann"));
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

// A record as the leader of `world` would write it next.
DecisionRecord next_record(World& world) {
  const auto& meta = world.partition->state().meta;
  DecisionRecord record;
  auto& header = record.header;
  header.state_version = kStateVersion;
  header.term = meta.term;
  header.claim = meta.claim;
  header.sequence = meta.sequence;
  header.from = header.through = meta.events;
  header.now = meta.now;
  header.clock_epoch = meta.clock_epoch;
  header.workspace = "default";
  Sha256Stream chain;
  chain.update(bytes_of(meta.chain));
  header.chain = chain.finish();
  return record;
}

std::optional<Error> stop_of_a_reader(const World& world, const DecisionRecord& record) {
  FakeLog log{1};
  for (const auto topic : {Topic::kEvents, Topic::kDecisions}) {
    for (const auto& kept : world.log.records(topic, 0)) log.put(topic, 0, kept.bytes);
  }
  std::string bytes;
  codec::encode(record, bytes);
  log.put(Topic::kDecisions, 0, bytes);
  FakeStore empty;
  FakeFileSystem disk;
  auto state = State::open(empty, disk, "/ids", {}, world.limits);
  Folder folder{*state.value(), LogFacts{log, 0}};
  Replay replay{log, 0, *state.value(), folder};
  for (;;) {
    auto folded = replay.step();
    if (!folded) return folded.error();
    if (!folded.value()) return std::nullopt;
  }
}

TEST(PartitionTest, ABarrierThatIsNotKnownStopsAReaderByName) {
  World world{15};
  world.start();
  world.add(world.pipeline());
  world.run();
  auto record = next_record(world);
  record.body = Barrier{Barrier::What::kStateVersion, kStateVersion, "user/ann"};
  EXPECT_FALSE(stop_of_a_reader(world, record));
  record.body = Barrier{Barrier::What::kStateVersion, kStateVersion + 1, "user/ann"};
  const auto stopped = stop_of_a_reader(world, record);
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->code, Code::kUnsupported);
  EXPECT_NE(stopped->detail.find("switches to state version 2"), std::string::npos)
      << stopped->detail;
  // Time that is set back without a barrier is damage, also under an epoch of its own.
  record.body = Batch{};
  record.header.now = record.header.now - days(1);
  EXPECT_EQ(stop_of_a_reader(world, record)->code, Code::kDamaged);
  record.header.clock_epoch += 1;
  EXPECT_EQ(stop_of_a_reader(world, record)->code, Code::kDamaged);
  record.body = Barrier{Barrier::What::kClockReset, 0, "user/ann"};
  EXPECT_FALSE(stop_of_a_reader(world, record));
}

}  // namespace
}  // namespace dealwright::runtime
