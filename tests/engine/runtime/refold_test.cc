// Facts that are taken back and merges that are undone: a world in which they happened comes to the
// same records and figures as one in which neither they nor what they undo ever did.
#include "engine/runtime/refold.h"

#include <gtest/gtest.h>

#include "projections/views.h"
#include "tests/engine/runtime/world.h"
#include "tests/seeds.h"

namespace dealwright::runtime {
namespace {

Value eur(std::int64_t minor) { return Value{Money{minor, Currency::unchecked('E', 'U', 'R')}}; }

Event fact(std::string id, TypeId type, RecordKey subject, std::optional<Instant> time) {
  Event event;
  event.source = "crm";
  event.id = std::move(id);
  event.type = type;
  event.subject = std::move(subject);
  event.time = time;
  return event;
}

// What a step of the story is in the world that never had it.
struct Step {
  Event event;
  bool twin = true;  // the other world has it too
};

// Leads and deals, facts late and undated, fields of every sort; never refused by state.
class Story {
 public:
  Story(std::uint64_t seed, std::size_t deals, bool leads)
      : random_{seed}, deals_{deals}, types_{leads ? 11U : 5U} {}

  Event next(Instant now) {
    const auto id = "s" + std::to_string(count_++);
    const auto n = static_cast<std::int64_t>(random_.below(5000));
    const RecordKey deal{Kind::kDeal, "d" + std::to_string(random_.below(deals_))};
    const RecordKey lead{Kind::kLead, "l" + std::to_string(random_.below(4))};
    const bool late = types_ > 5 || random_.chance(4);  // long histories are slow to run again
    auto event = fact(id, TypeId::kNoteAdded, deal, now - minutes(late ? n : 0));
    if (random_.chance(8)) {
      event.time.reset();
      event.import_batch = "batch";
    }
    auto& data = event.data;
    static constexpr const char* kStages[] = {"lead", "demo", "offer", "won", "lost"};
    switch (random_.below(types_)) {
      case 0:
      case 1:
        event.type = TypeId::kDealOpened;
        data.set(Field::kPipeline, Value{"p"});
        data.set(Field::kAmount, eur(n));
        data.set(Field::kLead, Value{lead.id});
        break;
      case 2:
      case 3:
        event.type = TypeId::kDealStageChanged;
        data.set(Field::kTo, Value{kStages[random_.below(5)]});
        break;
      case 4:
        event.type = TypeId::kDealAmountChanged;
        data.set(Field::kAmount, eur(n));
        break;
      case 5:
        event.type = TypeId::kDealUpdated;
        data.set(Field::kSet,
                 Value{Map{{"name", Value{"n" + std::to_string(n % 4)}}, {"colour", Value{n}}}});
        break;
      case 6:
        event.type = TypeId::kDealCloseDateMoved;
        data.set(Field::kTo, Value{utc_date(now)});
        break;
      case 7:
        event.subject = lead;
        event.type = TypeId::kLeadCaptured;
        data.set(Field::kSource, Value{"web" + std::to_string(n % 3)});
        data.set(Field::kCompany, Value{"c" + std::to_string(n % 5)});
        break;
      case 8:
        event.subject = lead;
        event.type = TypeId::kConsentGranted;
        data.set(Field::kPurpose, Value{"marketing"});
        data.set(Field::kChannel, Value{"email"});
        data.set(Field::kSource, Value{"form"});
        break;
      case 9:
        event.subject = lead;
        event.type = TypeId::kContactAttempted;
        data.set(Field::kChannel, Value{"call"});
        break;
      default:
        data.set(Field::kText, Value{"hello"});
    }
    return event;
  }

 private:
  FakeRandom random_;
  std::size_t deals_;
  std::uint64_t types_;
  std::uint64_t count_ = 0;
};

// Current values, life, counts and consents, without what must differ: orders, and facts that only
// one of the worlds has.
std::string shown(const Record* record) {
  if (record == nullptr) return "unknown\n";
  std::string out = to_text(record->key) + '\n';
  const auto add = [&](std::string_view name, const Value& value, Stamp stamp) {
    if (value.absent()) return;
    out += "  " + std::string{name} + " = " + to_json(value) + " @" +
           std::to_string(stamp.occurred.ms) + '\n';
  };
  for (const auto& [field, value] : current_values(*record)) add(field_name(field), value, {});
  for (const auto& r : record->fields) add(field_name(r.field), r.value, r.stamp);
  for (const auto& r : record->custom) add(r.name, r.value, r.stamp);
  for (const auto& r : record->extra) add(r.name, r.value, r.stamp);
  for (const auto& row : record->consents) {
    out += "  consent " + row.purpose + ' ' + std::to_string(row.granted) + " @" +
           std::to_string(row.stamp.occurred.ms) + '\n';
  }
  for (const auto& [type, count] : record->counts) {
    const bool undoes =
        needs_history(type) || (type >= TypeId::kAccountMerged && type <= TypeId::kSurveyMerged);
    if (undoes) continue;
    out += "  " + std::to_string(count) + " x " + std::to_string(static_cast<int>(type)) + '\n';
  }
  const auto& life = record->life;
  out += "  life " + std::to_string(life.opened) + std::to_string(life.deleted) +
         std::to_string(life.merged) + std::to_string(life.undated) + ' ' + life.state + ' ' +
         life.stage + ' ' + std::string{status_name(life.status())} + ' ' +
         (life.amount ? std::to_string(life.amount->minor) : "-") + ' ' +
         std::to_string(life.opened_at.ms) + ' ' + std::to_string(life.entered_at.ms) + ' ' +
         std::to_string(life.closed_at.ms) + '\n';
  out += "  newest " + std::to_string(record->newest.occurred.ms) + " activity " +
         std::to_string(record->last_activity.occurred.ms) + " into " + record->merged_into + '\n';
  return out;
}

std::string records_of(World& world, std::size_t deals) {
  auto& state = world.partition->state();
  std::string out;
  for (std::size_t i = 0; i < deals; ++i) {
    out += shown(state.find({Kind::kDeal, "d" + std::to_string(i)}));
  }
  for (int i = 0; i < 4; ++i) out += shown(state.find({Kind::kLead, "l" + std::to_string(i)}));
  return out;
}

std::string rows_of(World& world, const View& view, Instant as_of, Instant known_by) {
  auto& state = world.partition->state();
  state.write_back();
  ViewQuery query;
  query.as_of = as_of;
  query.known_by = known_by;
  query.now = world.clock.wall();
  const auto part = state.view_fold(view.name())->query(query);
  EXPECT_TRUE(part);
  const std::string parts[] = {part.value()};
  const auto rows = view.merge(query, parts);
  EXPECT_TRUE(rows) << rows.error().detail;
  std::string out;
  for (const auto& row : rows.value().rows) {
    for (const auto& value : row) out += to_json(value) + ' ';
    out += '\n';
  }
  return out;
}

void start(World& world) {
  world.views = {&projections::board_view(), &projections::deals_view(),
                 &projections::cycle_view()};
  world.start();
  world.add(world.pipeline());
  world.run();
}

// Runs a story in which about one fact in `undo` is retracted later, and leads are merged and
// unmerged; beside it a world that never heard of any of that.
void run_pair(std::uint64_t seed, std::size_t deals, int facts, std::uint64_t undo, bool leads) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  World world{seed};
  World twin{seed + 1000};
  start(world);
  start(twin);
  Story story{seed, deals, leads};
  FakeRandom dice{seed + 7};
  std::vector<Event> waiting;  // to be undone
  struct Known {
    Instant now;
    std::string board, won;
  };
  std::vector<Known> known;
  const auto step = [&](const Event& event, bool both) {
    for (auto* w : {&world, &twin}) {
      w->clock.advance(seconds(61));
      if (w == &twin && !both) continue;
      w->add(event);
      w->run();
    }
    if (dice.chance(leads ? 20 : 1)) {
      world.crash();
      world.start();
      world.run();
    }
  };
  for (int i = 0; i < facts; ++i) {
    auto event = story.next(world.clock.wall());
    const bool taken_back = dice.chance(undo);
    step(event, !taken_back);
    if (taken_back) waiting.push_back(world.retraction_of(event));
    if (leads && dice.chance(10)) {
      const auto loser = "l" + std::to_string(dice.below(4));
      auto merge = fact("m" + std::to_string(i), TypeId::kLeadMerged, {Kind::kLead, loser},
                        world.clock.wall());
      merge.data.set(Field::kInto, Value{"l" + std::to_string(dice.below(4))});
      const bool merged = world.partition->state().find(merge.subject) != nullptr &&
                          world.partition->state().find(merge.subject)->merged_into.empty();
      if (merged && merge.data.text(Field::kInto) != loser) {
        step(merge, false);
        waiting.push_back(fact("u" + std::to_string(i), TypeId::kLeadUnmerged, {Kind::kLead, loser},
                               world.clock.wall()));
      }
    }
    if (!waiting.empty() && (dice.chance(15) || i + 1 == facts)) {
      const auto now = world.clock.wall();
      if (known.size() < 8) {
        known.push_back({now, rows_of(world, projections::board_view(), kAfterAll, now),
                         rows_of(world, projections::deals_view(), kAfterAll, now)});
      }
      const auto which = static_cast<std::ptrdiff_t>(dice.below(waiting.size()));
      auto undoing = waiting[static_cast<std::size_t>(which)];
      waiting.erase(waiting.begin() + which);
      undoing.time = now;
      step(undoing, false);
    }
  }
  while (!waiting.empty()) {
    auto undoing = waiting.back();
    waiting.pop_back();
    undoing.time = world.clock.wall();
    step(undoing, false);
  }
  const auto& meta = world.partition->state().meta;
  EXPECT_EQ(meta.set_aside + meta.duplicates, 0U);  // merges in a circle are refused
  EXPECT_EQ(records_of(world, deals), records_of(twin, deals));
  const auto now = world.clock.wall();
  for (const auto* view : {&projections::board_view(), &projections::deals_view()}) {
    for (const auto as_of : {kAfterAll, now - hours(30), now - hours(80)}) {
      EXPECT_EQ(rows_of(world, *view, as_of, kAfterAll), rows_of(twin, *view, as_of, kAfterAll));
    }
  }
  EXPECT_EQ(rows_of(world, projections::cycle_view(), kAfterAll, kAfterAll),
            rows_of(twin, projections::cycle_view(), kAfterAll, kAfterAll));
  for (const auto& then : known) {
    EXPECT_EQ(rows_of(world, projections::board_view(), kAfterAll, then.now), then.board);
    EXPECT_EQ(rows_of(world, projections::deals_view(), kAfterAll, then.now), then.won);
  }
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

TEST(RefoldTest, AWorldThatTakesBackEqualsOneThatNeverHadIt) {
  for (const auto seed : seeds(1, 12)) run_pair(seed, 3, 90, 20, true);
}

TEST(RefoldTest, AlsoAcrossFullChunksOfHistoryAndMeltedLives) { run_pair(77, 1, 1300, 1, false); }

class RefoldCaseTest : public testing::Test {
 protected:
  RefoldCaseTest() : world{5} { start(world); }
  void add(const Event& event) {
    world.clock.advance(minutes(1));
    world.add(event);
    world.run();
  }
  Event opened(std::string id, std::string stage) {
    auto event = fact(std::move(id), TypeId::kDealOpened, deal, world.clock.wall());
    event.data.set(Field::kPipeline, Value{"p"});
    event.data.set(Field::kStage, Value{std::move(stage)});
    return event;
  }
  std::string refusal_of(const Event& event) {
    world.clock.advance(minutes(1));
    const auto at = world.add(event);
    world.run();
    const auto entry = world.partition->state().set_aside(at);
    return entry ? entry->code : "";
  }
  std::vector<Effect> effects() {
    std::vector<Effect> out;
    auto& state = world.partition->state();
    EXPECT_TRUE(state.scan('F', [&](std::string_view key, std::string_view) {
      Sha256 id{};
      std::copy(key.begin() + 1, key.end(), id.begin());
      out.push_back(*state.effect(id));
      return true;
    }));
    return out;
  }
  const RecordKey deal{Kind::kDeal, "d1"};
  World world;
};

TEST_F(RefoldCaseTest, WhatFollowsAndWasNotSentIsCancelled) {
  const auto event = opened("o", "offer");
  add(event);
  auto note = fact("n", TypeId::kNoteAdded, deal, world.clock.wall());
  note.data.set(Field::kText, Value{"a note"});
  add(note);
  EXPECT_EQ(world.partition->state().timers().pending(), 1U);
  ASSERT_EQ(effects().size(), 2U);
  for (const auto& effect : effects()) EXPECT_EQ(effect.state, EffectState::kRequested);
  // The rule that answered the note is done with it: its effect waits to be sent all the same.
  add(world.retraction_of(note));
  for (const auto& effect : effects()) {
    EXPECT_EQ(effect.state,
              effect.rule == "note" ? EffectState::kCancelled : EffectState::kRequested);
  }
  add(world.retraction_of(event));
  for (const auto& effect : effects()) {
    EXPECT_EQ(effect.state, EffectState::kCancelled);
    EXPECT_EQ(effect.reason, "retracted");
  }
  EXPECT_EQ(world.partition->state().timers().pending(), 0U);
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

TEST_F(RefoldCaseTest, OnlyWhatStandsAndMayBeTakenBackIs) {
  const auto event = opened("o", "demo");
  add(event);
  auto nothing = world.retraction_of(event);
  nothing.data.set(Field::kId, Value{"nobody said this"});
  EXPECT_EQ(refusal_of(nothing), "unknown_event");
  auto elsewhere = world.retraction_of(event);
  elsewhere.subject = {Kind::kDeal, "d9"};
  EXPECT_EQ(refusal_of(elsewhere), "unknown_event");
  EXPECT_EQ(refusal_of(world.retraction_of(world.pipeline())), "not_retractable");
  EXPECT_EQ(refusal_of(world.retraction_of(event)), "");
  EXPECT_EQ(refusal_of(world.retraction_of(event)), "unknown_event");  // it is taken back already
  EXPECT_FALSE(world.partition->state().find(deal)->life.opened);
}

TEST_F(RefoldCaseTest, ARetractionThatIsRetractedLeavesTheFact) {
  const auto event = opened("o", "demo");
  add(event);
  const auto before = shown(world.partition->state().find(deal));
  const auto slip = world.retraction_of(event);
  add(slip);
  EXPECT_FALSE(world.partition->state().find(deal)->life.opened);
  add(world.retraction_of(slip));
  EXPECT_EQ(shown(world.partition->state().find(deal)), before);
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

TEST_F(RefoldCaseTest, AFactThatARuleMadeCanBeTakenBackToo) {
  add(opened("o", "demo"));
  add(fact("w", TypeId::kDealWon, deal, world.clock.wall()));
  const RecordKey task{Kind::kTask, "t-w"};
  ASSERT_TRUE(world.partition->state().find(task)->life.opened);
  auto made = fact("t-w", TypeId::kTaskCreated, task, {});
  made.source = "dealwright/rule/hand-over";
  add(world.retraction_of(made));
  EXPECT_FALSE(world.partition->state().find(task)->life.opened);
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

TEST_F(RefoldCaseTest, WhatTheLogLetGoOfIsNotKnownAnyMore) {
  const auto event = opened("o", "demo");
  add(event);
  world.log.cut_before(Topic::kEvents, 0, 2);
  EXPECT_EQ(refusal_of(world.retraction_of(event)), "unknown_event");
}

}  // namespace
}  // namespace dealwright::runtime
