// Many timers due at once: fired in order and once each, with what they need read ahead, whatever
// generation it lies in; and effects that the ledger is not asked about.
#include <tuple>

#include "engine/codec/state_codec.h"
#include "engine/domain/enrolment.h"
#include "engine/runtime/keys.h"
#include "tests/engine/runtime/world.h"
#include "tests/table.h"

namespace dealwright::runtime {
namespace {

Event about(std::size_t deal, TypeId type, const World& world, std::string id) {
  Event event;
  event.source = "crm";
  event.id = std::move(id);
  event.type = type;
  event.subject = {Kind::kDeal, "d" + std::to_string(deal)};
  event.time = world.clock.wall();
  return event;
}

Event opened(std::size_t deal, const World& world) {
  auto event = about(deal, TypeId::kDealOpened, world, "o" + std::to_string(deal));
  event.data.set(Field::kPipeline, Value{"p"});
  event.data.set(Field::kStage, Value{"offer"});
  return event;
}

Event won(std::size_t deal, const World& world) {
  return about(deal, TypeId::kDealWon, world, "w" + std::to_string(deal));
}

// Writes down which timers fired, in turn.
class Watching : public TestDecider {
 public:
  using Fired = std::tuple<std::int64_t, std::string, std::string>;  // due, rule, enrolment key
  explicit Watching(std::vector<Fired>& fired) : fired_{fired} {}
  void on_timer(const TimerKey& timer, Turn& turn) override {
    const auto* enrolment = turn.enrolment(timer.enrolment);
    ASSERT_NE(enrolment, nullptr);
    fired_.emplace_back(timer.due.ms, timer.rule, enrolment->key);
    TestDecider::on_timer(timer, turn);
  }

 private:
  std::vector<Fired>& fired_;
};

template <class D, class... Args>
class Makes : public DeciderFactory {
 public:
  explicit Makes(Args&... args) : args_{args...} {}
  Result<std::shared_ptr<Decider>> make(std::span<const PublishedRule>) override {
    return std::apply(
        [](auto&... args) { return std::shared_ptr<Decider>{std::make_shared<D>(args...)}; },
        args_);
  }

 private:
  std::tuple<Args&...> args_;
};

// Beside each timer of an enrolment that is the first of its id stands that, as it is written down
// itself.
void expect_copies(State& state) {
  state.write_back();
  std::map<EnrolmentId, std::string> enrolments;
  std::size_t first = 0;
  ASSERT_TRUE(state.scan(keys::kEnrolment, [&](std::string_view, std::string_view value) {
    Enrolment enrolment;
    EXPECT_TRUE(codec::decode(value, enrolment));
    enrolments[enrolment.id] = enrolment.first ? value : "";
    first += enrolment.first ? 1U : 0U;
    return true;
  }));
  ASSERT_TRUE(state.scan(keys::kTimer, [&](std::string_view key, std::string_view value) {
    EXPECT_EQ(value, enrolments[keys::enrolment_of_timer(key)]);
    EXPECT_EQ(keys::due_of(key), keys::read_timer(key).due);
    return true;
  }));
  EXPECT_GT(first, 0U);
}

TEST(TimersTest, ManyDueAtOnceFireInOrderAndOnceWhateverIsReadAhead) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::vector<Watching::Fired> fired;
    Makes<Watching, std::vector<Watching::Fired>> deciders{fired};
    World world{seed};
    world.other_deciders = &deciders;
    world.clock_witness = true;
    world.limits.generation_events = 300;
    world.limits.generation_bytes = 400'000;  // closes in the middle of firing
    world.limits.timers_in_memory = seed % 2 == 0 ? 4 : 5000;
    world.start();
    world.add(world.pipeline());
    constexpr std::size_t kDeals = 3000;
    for (std::size_t i = 0; i < kDeals; ++i) {
      world.add(opened(i, world));
      if (i % 500 == 0) world.clock.advance(milliseconds(1));
    }
    world.run();
    expect_copies(world.partition->state());
    // Some leave before, some when others have fired already.
    std::size_t left = 0;
    for (std::size_t i = 0; i < kDeals; i += 7, ++left) world.add(won(i, world));
    world.run();
    expect_copies(world.partition->state());
    EXPECT_EQ(world.partition->state().timers().pending(), kDeals - left);
    world.clock.advance(days(2));
    for (std::size_t i = 1; i < kDeals; i += 7) world.add(won(i, world));
    world.run();
    EXPECT_EQ(world.partition->state().meta.timers_fired, kDeals - left);
    EXPECT_EQ(fired.size(), kDeals - left);
    EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
    EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
  }
}

TEST(TimersTest, ACrashWhileTheyFireLosesNoneAndFiresNoneTwice) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world{seed};
    world.clock_witness = true;
    world.limits.generation_events = 100;
    world.limits.generation_bytes = 150'000;
    world.start();
    world.add(world.pipeline());
    constexpr std::size_t kDeals = 1500;
    for (std::size_t i = 0; i < kDeals; ++i) world.add(opened(i, world));
    world.run();
    world.clock.advance(days(2));
    for (int crashes = 0; crashes < 6; ++crashes) {
      for (auto steps = world.random.below(12); steps > 0; --steps) world.step();
      world.crash();
      world.start();
    }
    world.run();
    EXPECT_EQ(world.partition->state().meta.timers_fired, kDeals);
    EXPECT_EQ(world.partition->state().timers().pending(), 0U);
    EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
  }
}

// Each note starts and ends an enrolment of one rule and key that asks for the same effect. Notes
// with an even number have their start remembered.
class Again : public TestDecider {
 public:
  explicit Again(const std::vector<std::string>& parts) : parts_{parts} {}
  void on_fact(const FoldedFact& fact, Turn& turn) override {
    if (fact.event->type != TypeId::kNoteAdded) return;
    EnrolmentStarted start;
    auto& enrolment = start.enrolment;
    enrolment.rule = "again";
    enrolment.key = enrolment_key(parts_);
    enrolment.id = hash128(enrolment.rule, enrolment.key);
    enrolment.subject = fact.event->subject;
    start.remember = fact.event->id.back() % 2 == 0;
    turn.change(start);
    Effect effect;
    effect.id = effect_id("default", "again", enrolment.key, "s", "", "webhook", "");
    effect.rule = "again";
    effect.enrolment = enrolment.id;
    effect.step = fact.event->id;  // shows whose it is
    effect.channel = "webhook";
    effect.subject = enrolment.subject;
    turn.change(EffectRequested{effect});
    turn.change(EffectRequested{effect});  // a step that is taken twice
    turn.change(EnrolmentEnded{enrolment.id, "done", false});
  }

 private:
  const std::vector<std::string>& parts_;
};

// Parts of the key; then the notes in turn. What comes: the effects that the ledger took.
TEST(TimersTest, AnEffectIsRequestedOnceWhoeverAsks) {
  expect_table(
      R"(
    parts | notes | then
    d     | 2     | 2
    d     | 2 4   | 2
    d e   | 2 4 6 | 2
    # the policy of a rule that changed: its keys have three parts, the first start is not remembered
    d s i | 1 2   | 1
    d s i | 1 3 2 | 1
    d s i | 2 1   | 2
  )",
      [](const Row& row) {
        std::stringstream words{row["parts"]};
        const std::vector<std::string> parts{std::istream_iterator<std::string>{words}, {}};
        Makes<Again, const std::vector<std::string>> deciders{parts};
        World world{1};
        world.other_deciders = &deciders;
        world.start();
        std::stringstream notes{row["notes"]};
        for (std::string id; notes >> id;) {
          auto event = about(1, TypeId::kNoteAdded, world, id);
          event.data.set(Field::kText, Value{"again"});
          world.add(event);
        }
        world.run();
        EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
        std::string out;
        auto& state = world.partition->state();
        EXPECT_TRUE(state.scan(keys::kEffect, [&](std::string_view, std::string_view value) {
          Effect effect;
          EXPECT_TRUE(codec::decode(value, effect));
          out += effect.step;
          return true;
        }));
        return out;
      });
}

TEST(TimersTest, FirstOfItsIdOnlyIfNobodyCanHaveUsedIt) {
  expect_table(R"(
    # id: of the key, or of key and cause (cooldown)
    parts     | id    | remembered | entry | then
    deal/d    | key   | yes        | no    | first
    deal/d    | key   | yes        | yes   | ask
    deal/d    | key   | no         | no    | ask
    deal/d    | cause | yes        | no    | ask
    deal/d v  | key   | yes        | no    | first
    deal/d s i | key  | yes        | no    | ask
  )",
               [](const Row& row) {
                 std::stringstream words{row["parts"]};
                 Enrolment enrolment;
                 enrolment.rule = "r";
                 enrolment.key = enrolment_key({std::istream_iterator<std::string>{words}, {}});
                 const auto cause = row["id"] == "key" ? "" : enrolment_key({"s", "i"});
                 enrolment.id = hash128(enrolment.rule, enrolment.key + cause);
                 return first_of_id(enrolment, row["remembered"] == "yes", row["entry"] == "yes")
                            ? "first"
                            : "ask";
               });
}

}  // namespace
}  // namespace dealwright::runtime
