// What a partition tells of its work, and to whom it matters: as leader, once a record; never of
// history that it folds again.
#include <algorithm>
#include <functional>
#include <mutex>

#include "engine/ports/fake/fake_channel.h"
#include "tests/engine/runtime/machine.h"
#include "tests/engine/runtime/world.h"

namespace dealwright::runtime {
namespace {

using Fate = FakeChannel::Fate;
using What = Notice::What;

Event deal_event(TypeId type, const std::string& id) {
  Event out;
  out.source = "crm";
  out.id = id;
  out.type = type;
  out.subject = {Kind::kDeal, "d1"};
  out.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  out.data.set(Field::kPipeline, Value{"p"});
  out.data.set(Field::kTo, Value{"offer"});
  out.data.set(Field::kText, Value{"call"});
  out.data.set(Field::kOwner, Value{"u1"});
  return out;
}

std::vector<What> told(const std::vector<Notice>& notices) {
  std::vector<What> out;
  for (const auto& notice : notices) out.push_back(notice.what);
  return out;
}

struct Told {
  explicit Told(std::uint64_t seed) : world{seed} {
    world.channels = {&mail, &hook};
    world.start();
    world.add(world.pipeline());
    world.add(deal_event(TypeId::kDealOpened, "open"));
    world.run();
  }
  int moves(const char* channel, EffectState to) { return world.meter.effects[{channel, to}]; }

  World world;
  FakeChannel mail{"email", true};
  FakeChannel hook{"webhook", false};
};

TEST(MeterTest, DecisionsAreTimedByRecordAndFoldsOnlyAtAStart) {
  Told told{1};
  auto& meter = told.world.meter;
  const auto before = meter.decisions.size();
  EXPECT_TRUE(meter.folds.empty());
  for (int i = 0; i < 5; ++i) {  // fewer than a record holds
    told.world.add(deal_event(TypeId::kDealAssigned, "a" + std::to_string(i)));
  }
  told.world.run();
  EXPECT_EQ(meter.decisions.size(), before + 1);
  told.world.crash();
  told.world.start();
  told.world.run();
  EXPECT_GE(meter.folds.size(), before + 1);
  EXPECT_EQ(meter.decisions.size(), before + 1);
}

TEST(MeterTest, EffectsAreCountedWhenTheyMoveAndNotWhenTheyAreFoldedAgain) {
  Told told{2};
  told.world.add(deal_event(TypeId::kNoteAdded, "note"));
  told.world.run();
  EXPECT_EQ(told.moves("webhook", EffectState::kRequested), 1);
  EXPECT_EQ(told.moves("webhook", EffectState::kAttemptStarted), 1);
  EXPECT_EQ(told.moves("webhook", EffectState::kDelivered), 0);
  ASSERT_TRUE(told.hook.go_on(Fate::kTaken));
  told.world.run();
  EXPECT_EQ(told.moves("webhook", EffectState::kDelivered), 1);
  const auto all = told.world.meter.effects;
  told.world.crash();
  told.world.start();
  told.world.run();
  EXPECT_EQ(told.world.meter.effects, all);
}

TEST(MeterTest, AnUnknownEffectIsToldByItsIdAndTraceAlone) {
  Told office{3};
  office.world.add(deal_event(TypeId::kDealStageChanged, "offer"));
  office.world.run();
  ASSERT_TRUE(office.mail.go_on(Fate::kAnswerLost));  // to its gate
  office.world.run();
  ASSERT_TRUE(office.mail.go_on(Fate::kAnswerLost));
  office.world.run();
  EXPECT_EQ(office.moves("email", EffectState::kUnknown), 1);
  ASSERT_EQ(told(office.world.notices), (std::vector{What::kLeads, What::kEffectUnknown}));
  const auto& notice = office.world.notices.back();
  ASSERT_EQ(office.mail.book.size(), 1U);
  EXPECT_EQ(notice.detail, "email " + hex(office.mail.book.begin()->first));
  EXPECT_EQ(notice.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(notice.position + 1,
            office.world.partition->state().meta.events);  // the fact that says so
}

TEST(MeterTest, AClockThatJumpsIsToldOnceAndAgainWhenItIsBelieved) {
  Told office{4};
  office.world.clock.jump_wall(hours(2));
  for (const auto* id : {"x", "y"}) {
    office.world.add(deal_event(TypeId::kDealAssigned, id));
    office.world.run();
  }
  EXPECT_EQ(told(office.world.notices), (std::vector{What::kLeads, What::kClockHeld}));
  EXPECT_TRUE(office.world.partition->gauges().clock_held);
  office.world.clock.jump_wall(hours(-2));
  office.world.add(deal_event(TypeId::kDealAssigned, "z"));
  office.world.run();
  EXPECT_EQ(told(office.world.notices),
            (std::vector{What::kLeads, What::kClockHeld, What::kClockBelieved}));
  EXPECT_FALSE(office.world.partition->gauges().clock_held);
}

TEST(MeterTest, GaugesTellOfTimersAndMemory) {
  Told office{5};
  auto gauges = office.world.partition->gauges();
  EXPECT_TRUE(gauges.leading);
  EXPECT_EQ(gauges.timers, 0U);
  EXPECT_FALSE(gauges.next_due);
  const auto hits = gauges.record_hits;
  office.world.add(deal_event(TypeId::kDealStageChanged, "offer"));  // followed up after a day
  office.world.run();
  gauges = office.world.partition->gauges();
  EXPECT_EQ(gauges.timers, 1U);
  ASSERT_TRUE(gauges.next_due);
  EXPECT_EQ(*gauges.next_due, office.world.clock.wall() + days(1));
  EXPECT_GT(gauges.record_hits + gauges.record_misses, hits);
  office.world.clock.advance(days(1) + seconds(30));
  office.world.run();
  gauges = office.world.partition->gauges();
  EXPECT_EQ(gauges.late_ms, 30'000);
  EXPECT_EQ(gauges.late[4], 1U);  // up to a minute
  EXPECT_EQ(std::count(gauges.late.begin(), gauges.late.end(), 0U), 7);
}

// Of threads: takes attempts, and nothing ever comes of them.
class SilentChannel final : public Channel {
 public:
  std::string_view name() const override { return "webhook"; }
  bool waits_at_gate() const override { return false; }
  void send(Attempt, std::function<void(Gate)>, std::function<void(AttemptResult)> done) override {
    const std::lock_guard lock{mutex};
    waiting.push_back(std::move(done));
  }
  std::mutex mutex;
  std::vector<std::function<void(AttemptResult)>> waiting;
};

// What follows from what was decided takes further records.
bool comes_to(Machine& machine, const std::function<bool()>& holds) {
  for (int i = 0; i < 100'000; ++i) {
    if (holds()) return true;
    if (!machine.settle()) return false;
  }
  return false;
}

TEST(MeterTest, AStopWaitsForAttemptsAsLongAsItIsToldTo) {
  Machine machine;
  SilentChannel channel;
  machine.channels = {&channel};
  ASSERT_TRUE(machine.start());
  ASSERT_TRUE(machine.append(0, {machine.pipeline()}));
  ASSERT_TRUE(machine.settle());
  ASSERT_TRUE(machine.append(
      0, {deal_event(TypeId::kDealOpened, "open"), deal_event(TypeId::kNoteAdded, "note")}));
  ASSERT_TRUE(machine.settle());
  ASSERT_TRUE(comes_to(machine, [&] {
    const std::lock_guard lock{channel.mutex};
    return channel.waiting.size() == 1;
  }));
  ASSERT_TRUE(machine.engine->stop(milliseconds(0)));
  machine.stop();
  channel.waiting.front()({AttemptResult::What::kDelivered, "too late", {}});  // nobody hears it
  channel.waiting.clear();
  ASSERT_TRUE(machine.start());
  ASSERT_TRUE(machine.settle());
  EXPECT_EQ((machine.meter.effects[{"webhook", EffectState::kAttemptStarted}]), 1);
  EXPECT_EQ((machine.meter.effects[{"webhook", EffectState::kDelivered}]), 0);
  machine.expect_replay_agrees(0);
  // An attempt whose time is over comes again.
  machine.clock.advance(kAttemptSpan + kAttemptSpan + seconds(1));
  ASSERT_TRUE(machine.append(0, {deal_event(TypeId::kDealAssigned, "a")}));
  EXPECT_TRUE(comes_to(machine, [&] {
    const std::lock_guard lock{machine.meter.mutex};
    return machine.meter.effects[{"webhook", EffectState::kAttemptStarted}] == 2;
  }));
  ASSERT_TRUE(machine.engine->stop(milliseconds(0)));
  const auto notices = machine.notices();
  EXPECT_EQ(std::count_if(notices.begin(), notices.end(),
                          [](const Notice& n) { return n.what == What::kLeads; }),
            4);
  EXPECT_GT(machine.meter.syncs[0], 2);
  EXPECT_EQ(machine.meter.ends[0], machine.log->end(Topic::kEvents, 0).value());
}

TEST(MeterTest, APartitionThatStopsAndComesBackIsToldOnceEach) {
  Machine machine;
  ASSERT_TRUE(machine.start());
  ASSERT_TRUE(machine.append(0, {machine.pipeline()}));
  ASSERT_TRUE(machine.settle());
  const auto stops = [&] {
    const auto all = machine.notices();
    return std::count_if(all.begin(), all.end(),
                         [](const Notice& n) { return n.what == What::kStopped; });
  };
  // Until what fills the disk to the last byte is an event, and its decision finds no room.
  for (int round = 0; round < 50 && stops() == 0; ++round) {
    machine.files.set_capacity(1);
    while (machine.append(0, {machine.next_event()})) {
    }
    machine.files.set_capacity(std::uint64_t{1} << 40);
    ASSERT_TRUE(machine.append(0, {machine.next_event()}));
    ASSERT_TRUE(machine.settle());
  }
  EXPECT_GT(stops(), 0);
  int open = 0;
  for (const auto& notice : machine.notices()) {
    if (notice.what == What::kStopped) ++open;
    if (notice.what == What::kBack) --open;
    EXPECT_GE(open, 0);
    if (notice.what == What::kStopped) {
      EXPECT_FALSE(notice.detail.empty());
    }
  }
  EXPECT_EQ(open, 0) << "what stopped is back";
}

}  // namespace
}  // namespace dealwright::runtime
