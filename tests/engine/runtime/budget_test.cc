// However much an event leads to, a decision record is never too large for the log: past a limit
// rules are told so, releases go on in the next record, reference data is refused.
#include <gtest/gtest.h>

#include "engine/codec/decision_codec.h"
#include "engine/codec/event_codec.h"
#include "engine/runtime/keys.h"
#include "tests/engine/runtime/world.h"

namespace dealwright::runtime {
namespace {

// Each fact about a deal starts an enrolment, which asks for as many effects, of as many bytes, as
// its text says: "3x1000".
class Greedy : public Decider {
 public:
  explicit Greedy(bool& stopped) : stopped_{stopped} {}
  std::string_view rule_set_id() const override { return "greedy"; }
  void on_fact(const FoldedFact& fact, Turn& turn) override {
    const auto& event = *fact.event;
    if (event.subject.kind != Kind::kDeal) return;
    const std::string wanted{event.data.text(Field::kName)};
    const auto times = wanted.find('x');
    if (times == std::string::npos) return;
    EnrolmentStarted start;
    start.enrolment.rule = "greedy";
    start.enrolment.version = 1;
    start.enrolment.key = event.id;
    start.enrolment.id = hash128("greedy", event.id);
    start.enrolment.subject = event.subject;
    start.enrolment.watched = {event.subject};
    turn.change(start);
    const auto payload = std::string(std::stoul(wanted.substr(times + 1)), 'x');
    for (auto i = std::stoul(wanted.substr(0, times)); i > 0 && !turn.budget_spent(); --i) {
      Effect effect;
      effect.id = effect_id("default", "greedy", event.id, std::to_string(i), "", "notify", "");
      effect.rule = "greedy";
      effect.version = 1;
      effect.enrolment = start.enrolment.id;
      effect.step = "notify";
      effect.channel = "notify";
      effect.subject = event.subject;
      effect.payload = {{"text", Value{payload}}};
      turn.change(EffectRequested{effect});
    }
    stopped_ = stopped_ || turn.budget_spent();
    turn.change(EnrolmentEnded{start.enrolment.id, turn.budget_spent() ? "error" : "done", false});
  }
  void on_timer(const TimerKey&, Turn&) override {}

 private:
  bool& stopped_;
};

class GreedyDeciders : public DeciderFactory {
 public:
  Result<std::shared_ptr<Decider>> make(std::span<const PublishedRule>) override {
    return std::shared_ptr<Decider>{std::make_shared<Greedy>(stopped)};
  }
  bool stopped = false;
};

class BudgetTest : public testing::Test {
 protected:
  explicit BudgetTest(std::uint32_t partitions = 1) : world{1, false, partitions} {
    world.other_deciders = &deciders;
    world.events_per_record = 100'000;
    world.limits.generation_events = 1000;
    world.start();
  }
  Event opened(std::string wants) {
    Event event;
    event.source = "crm";
    event.id = "e" + std::to_string(next_++);
    event.type = TypeId::kDealOpened;
    event.subject = {Kind::kDeal, "d" + std::to_string(next_ % 700)};
    event.time = world.clock.wall();
    event.data.set(Field::kPipeline, Value{"p"});
    event.data.set(Field::kName, Value{std::move(wants)});
    return event;
  }
  struct Report {
    std::size_t records = 0, largest = 0, effects = 0, spent = 0, redriven = 0, sends = 0;
  };
  Report report() {
    Report out;
    const auto end = world.log.end(Topic::kDecisions, 0).value();
    for (Position at = 0; at < end;) {
      const auto batch = world.log.read(Topic::kDecisions, 0, at, 1 << 20);
      EXPECT_TRUE(batch);
      at = batch.value().next;
      for (const auto& bytes : batch.value().records) {
        ++out.records;
        out.largest = std::max(out.largest, bytes.bytes.size());
        DecisionRecord record;
        EXPECT_TRUE(codec::decode(bytes.bytes, record));
        const auto* body = std::get_if<Batch>(&record.body);
        for (const auto& turn : body == nullptr ? std::vector<TurnRecord>{} : body->turns) {
          out.sends += turn.sends.size();
          for (const auto& change : turn.changes) {
            const auto* failed = std::get_if<RuleFailed>(&change);
            out.effects += std::holds_alternative<EffectRequested>(change) ? 1 : 0;
            out.redriven += std::holds_alternative<EventRedriven>(change) ? 1 : 0;
            out.spent += failed != nullptr && failed->code == "budget" ? 1 : 0;
          }
        }
      }
    }
    return out;
  }

  GreedyDeciders deciders;
  World world;

 private:
  int next_ = 0;
};

TEST_F(BudgetTest, OneEventLeadsToHalfAMebibyteAtMost) {
  world.add(world.pipeline());
  for (const auto* wants : {"3x1000", "100x60000", "1x700000", "1500x10"}) {
    world.add(opened(wants));
  }
  world.run();
  const auto out = report();
  EXPECT_TRUE(deciders.stopped);
  EXPECT_EQ(out.spent, 2U);
  EXPECT_EQ(out.effects, 3U + 8U + 0U + 1500U);
  EXPECT_LT(out.largest, kBatchBytesMax + kDecisionBytesMax);
  EXPECT_EQ(world.partition->state().meta.accepted, 5U);
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

TEST_F(BudgetTest, ARecordIsFullLongBeforeTheLogSaysNo) {
  world.add(world.pipeline());
  for (int i = 0; i < 40; ++i) world.add(opened("5x80000"));
  world.run();
  const auto out = report();
  EXPECT_EQ(out.effects, 200U);
  EXPECT_EQ(out.spent, 0U);
  EXPECT_LT(out.largest, kBatchBytesMax + kDecisionBytesMax);
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

// Thousands wait for the first pipeline, some of one deal behind each other: each is judged, in
// order, with all that it leads to, over as many records as that takes. A crash in between changes
// nothing.
TEST_F(BudgetTest, AReleaseOfVeryManyGoesOnInTheNextRecord) {
  constexpr std::size_t kWaiting = 3000;
  for (std::size_t i = 0; i < kWaiting; ++i) world.add(opened("2x1000"));
  world.run();
  auto meta = world.partition->state().meta;
  EXPECT_EQ(meta.aside, kWaiting);
  EXPECT_GT(meta.aside_bytes, kWaiting * 20);
  EXPECT_EQ(report().effects, 0U);
  world.add(world.pipeline());
  for (int i = 0; i < 3; ++i) {
    for (int steps = 0; steps < 5 + 3 * i; ++steps) world.step();
    world.crash();
    world.start();
  }
  world.add(opened("1x1"));  // behind them
  world.run();
  const auto out = report();
  EXPECT_GE(out.redriven, kWaiting);
  EXPECT_GT(out.sends, 2U);
  EXPECT_LT(out.largest, kBatchBytesMax + kDecisionBytesMax);
  EXPECT_EQ(out.spent, 0U);
  auto& state = world.partition->state();
  EXPECT_EQ(state.meta.aside, 0U);
  EXPECT_EQ(state.meta.aside_bytes, 0U);
  EXPECT_EQ(state.find({Kind::kDeal, "d1"})->count(TypeId::kDealOpened), 5U);
  std::size_t effects = 0;
  state.write_back();
  ASSERT_TRUE(state.scan(keys::kEffect, [&](std::string_view, std::string_view) {
    ++effects;
    return true;
  }));
  EXPECT_EQ(effects, 2 * kWaiting + 1);
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

TEST_F(BudgetTest, WhatWaitsHasALimitInBytes) {
  auto event = opened("0x0");
  event.extra = {{"note", Value{std::string(4'000'000, 'n')}}};
  for (int i = 0; i < 20; ++i) {
    event.id = "big" + std::to_string(i);
    event.subject.id = event.id;
    world.add(event);
    world.run();
  }
  auto& meta = world.partition->state().meta;
  EXPECT_EQ(meta.aside, 17U);  // the one that passes 64 MiB is the last
  EXPECT_EQ(meta.refused, 3U);
  const auto refused = world.partition->state().set_aside(19);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, "unknown_pipeline");
  EXPECT_NE(refused->detail.find("64 MiB"), std::string::npos) << refused->detail;
  world.add(world.pipeline());
  world.run();
  EXPECT_EQ(meta.aside, 0U);
  EXPECT_EQ(meta.refused, 3U);
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

TEST_F(BudgetTest, ALongReasonIsCut) {
  Event event;
  event.source = "crm";
  event.id = "e";
  event.type = TypeId::kForeignType;
  event.foreign_type = "com.example.left";
  event.subject = {Kind::kDeal, "d"};
  event.extra = {{std::string(5000, 'k'), Value{List{Value{"\xff"}}}}};
  const auto at = world.add(event);
  world.run();
  const auto aside = world.partition->state().set_aside(at);
  ASSERT_TRUE(aside);
  EXPECT_EQ(aside->code, "bad_envelope");
  EXPECT_TRUE(aside->detail.starts_with("/data/kkk")) << aside->detail.substr(0, 50);
  EXPECT_EQ(aside->detail.size(), kDetailBytesMax);
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

class SendsBudgetTest : public BudgetTest {
 protected:
  SendsBudgetTest() : BudgetTest{5} {}
};

TEST_F(SendsBudgetTest, ReferenceDataIsAsLargeAsItsCopiesMayBe) {
  auto event = world.pipeline();
  event.id = "fits";
  event.extra = {{"note", Value{std::string(500'000, 'n')}}};
  world.add(event);
  world.run();
  EXPECT_EQ(report().sends, 4U);
  EXPECT_LT(report().largest, kSendsBytesMax + 1000);
  event.id = "too large";
  event.extra = {{"note", Value{std::string(530'000, 'n')}}};
  const auto at = world.add(event);
  world.run();
  const auto aside = world.partition->state().set_aside(at);
  ASSERT_TRUE(aside);
  EXPECT_EQ(aside->code, "bad_data");
  EXPECT_NE(aside->detail.find("at most 524032 bytes"), std::string::npos) << aside->detail;
  EXPECT_EQ(report().sends, 4U);
}

// Texts have to be UTF-8 wherever they stand; what is not text is not looked at.
TEST_F(BudgetTest, TextsAreUtf8) {
  const auto bad = std::string{"a\xc3"};
  const auto with = [&](const std::function<void(Event&)>& edit) {
    auto event = opened("0x0");
    event.type = TypeId::kNoteAdded;
    event.data.clear();
    event.data.set(Field::kText, Value{"gr\xc3\xbc\xc3\x9f"});
    edit(event);
    const auto at = world.add(event);
    world.run();
    const auto aside = world.partition->state().set_aside(at);
    return aside ? aside->code + " " + aside->detail : std::string{};
  };
  const auto why = [](const char* where) {
    return "bad_envelope " + std::string{where} + ": the bytes are no UTF-8";
  };
  EXPECT_EQ(with([](Event&) {}), "");
  EXPECT_EQ(with([&](Event& e) { e.opaque = bad; }), "");
  EXPECT_EQ(with([&](Event& e) { e.source = bad; }), why("/source"));
  EXPECT_EQ(with([&](Event& e) { e.subject.id = bad; }), why("/subject"));
  EXPECT_EQ(with([&](Event& e) { e.partition_key = bad; }), why("/partitionkey"));
  EXPECT_EQ(with([&](Event& e) { e.data.set(Field::kText, Value{bad}); }), why("/data/text"));
  EXPECT_EQ(with([&](Event& e) {
              e.extra = {{"list", Value{List{Value{"good"}, Value{Map{{"name", Value{bad}}}}}}}};
            }),
            why("/data/list/1/name"));
  EXPECT_EQ(with([&](Event& e) { e.extra = {{bad, Value{1}}}; }), why("/data/(a name)"));
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

}  // namespace
}  // namespace dealwright::runtime
