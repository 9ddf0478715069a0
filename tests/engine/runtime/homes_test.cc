// Homes of subjects: where facts without a key are folded, what partitions learn of each other, and
// that nothing is lost or counted twice on the way. Over three partitions these texts fall:
//   0: deal/d, account/g, offer/o, task/t   1: deal/e, account/b, lead/l, lead/n
//   2: deal/f, account/a, account/c, lead/m, offer/q, task/v
#include "engine/runtime/homes.h"

#include <set>

#include "engine/codec/event_codec.h"
#include "engine/domain/united.h"
#include "engine/runtime/fate.h"
#include "tests/engine/runtime/town.h"
#include "tests/seeds.h"
#include "tests/table.h"

namespace dealwright::runtime {
namespace {

Event pipeline(const Town& town) {
  Event event;
  event.source = "ops";
  event.id = "pipeline";
  event.type = TypeId::kPipelineUpdated;
  event.subject = {Kind::kPipeline, "p"};
  event.time = town.clock.wall() - days(60);
  List stages;
  for (const auto& [id, category] : {std::pair{"lead", "open"}, std::pair{"offer", "open"},
                                     std::pair{"won", "won"}, std::pair{"lost", "lost"}}) {
    stages.emplace_back(Map{{"id", Value{id}}, {"category", Value{category}}});
  }
  event.data.set(Field::kStages, Value{std::move(stages)});
  return event;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(';', at), text.size());
    const auto first = text.find_first_not_of(' ', at);
    if (first < end) out.push_back(text.substr(first, end - first));
    at = end + 1;
  }
  return out;
}

// Facts one after the other, each decided on before the next; then where the subject is folded:
// partition:facts, ! if it is marked as standing under two keys.
TEST(HomesTest, AFactIsFoldedWhereItsCustomerIs) {
  expect_table(R"(
    facts                                                                                                   | subject   | then
    lead.captured lead/l                                                                                    | lead/l    | 1:1
    lead.captured lead/l account=a                                                                          | lead/l    | 2:1
    lead.captured lead/l account=a ; lead.qualified lead/l                                                  | lead/l    | 2:2
    deal.opened deal/d pipeline=p account=a                                                                 | deal/d    | 2:1
    deal.opened deal/d pipeline=p account=a ; deal.stage_changed deal/d to=offer                            | deal/d    | 2:2
    deal.opened deal/d pipeline=p key=account/b ; deal.stage_changed deal/d to=offer                        | deal/d    | 1:2
    deal.opened deal/d pipeline=p key=a-key-of-theirs ; deal.stage_changed deal/d to=offer                  | deal/d    | 1:2
    deal.opened deal/d pipeline=p                                                                           | deal/d    | 0:1
    deal.opened deal/d pipeline=p ; deal.stage_changed deal/d to=offer                                      | deal/d    | 0:2
    lead.captured lead/m ; deal.opened deal/d pipeline=p lead=m                                             | deal/d    | 2:1
    lead.captured lead/m account=b ; deal.opened deal/d pipeline=p lead=m                                   | deal/d    | 1:1
    account.updated account/a key=lead/n ; deal.opened deal/d pipeline=p account=a                          | deal/d    | 1:1
    account.updated account/b key=lead/m ; deal.opened deal/f pipeline=p account=b ; note.added deal/f text=x | deal/f  | 2:2
    deal.opened deal/d pipeline=p account=b ; offer.sent offer/o deal=d ; offer.viewed offer/o              | offer/o   | 1:2
    deal.opened deal/d pipeline=p account=b ; task.created task/v kind=call title=x about=deal/d            | task/v    | 1:1
    offer.sent offer/q deal=d ; deal.opened deal/d pipeline=p account=b ; offer.viewed offer/q              | offer/q   | 0:2
    account.merged account/b into=a ; deal.opened deal/d pipeline=p account=b                               | deal/d    | 2:1
    account.updated account/a key=lead/n ; lead.captured lead/n account=a ; lead.qualified lead/n           | lead/n    | 1:2
    lead.captured lead/n account=a ; account.updated account/a key=lead/n ; deal.opened deal/d pipeline=p account=a | deal/d | 2:1
    lead.captured lead/n account=a ; account.updated account/a key=lead/n ; lead.qualified lead/n           | lead/n    | 2:2
  )",
               [](const Row& row) {
                 std::string out;
                 for (const auto seed : seeds(1, 3)) {
                   Town town{3, seed};
                   town.add(pipeline(town));
                   town.run();
                   for (const auto& fact : split(row["facts"])) {
                     town.say(fact);
                     town.run();
                   }
                   out = town.where(row["subject"]);
                   town.expect_replays_agree();
                   if (out != row["then"]) break;
                 }
                 return out;
               });
}

// Deals that come under account/a are at home in 2; of those whose own place is 0, 0 is told.
class AcksTest : public testing::Test {
 protected:
  AcksTest() {
    town.acks_wait = milliseconds(20);
    town.add(pipeline(town));
    town.run();
    for (int i = 0; deals.size() < 4; ++i) {
      const auto deal = "deal/c" + std::to_string(i);
      if (partition_of(deal, 3) == 0) deals.push_back(deal);
    }
  }
  void open(const std::string& deal) {
    town.say("deal.opened " + deal + " pipeline=p key=account/a");
    town.settle();
  }
  // Sent to 0 and not known to be there.
  std::uint64_t on_way() {
    const auto& meta = town.state(2).meta;
    const auto of_0 = [](const auto& numbers) { return numbers.empty() ? 0 : numbers.front(); };
    return of_0(meta.sent) - of_0(meta.acked);
  }
  Partition& teller() { return *town.seats[2].partition; }

  Town town{3, 7};
  std::vector<std::string> deals;
};

TEST_F(AcksTest, AreNotedWithTheNextDecisionOrInTime) {
  const auto& meta = town.state(2).meta;
  const auto decisions = meta.decisions;
  for (const auto& deal : deals) {
    open(deal);
    EXPECT_EQ(on_way(), 1U) << deal;
    EXPECT_FALSE(teller().idle());
  }
  EXPECT_EQ(meta.decisions, decisions + 4) << "one for each deal, with what was known of the last";
  ASSERT_TRUE(teller().next_due());
  EXPECT_EQ(*teller().next_due(), town.clock.wall() + milliseconds(20));
  town.clock.advance(milliseconds(19));
  town.settle();
  EXPECT_EQ(on_way(), 1U);
  EXPECT_EQ(*teller().next_due(), town.clock.wall() + milliseconds(1));
  town.clock.advance(milliseconds(1));
  town.settle();
  EXPECT_EQ(on_way(), 0U);
  EXPECT_EQ(meta.decisions, decisions + 5);
  EXPECT_TRUE(teller().idle());
  EXPECT_FALSE(teller().next_due());
  town.expect_replays_agree();
}

// What only tells of homes is appended soon; a fact that goes on, and all when somebody waits, at
// once.
TEST_F(AcksTest, OnlyWhatTellsOfHomesMayWait) {
  const auto soon = [&] { return town.log.appended_soon(0); };
  const auto before = soon();
  open(deals[0]);
  EXPECT_EQ(soon(), before + 1);
  town.say("deal.opened deal/f pipeline=p account=g");  // comes in at 2 and belongs to 0
  town.settle();
  EXPECT_EQ(town.where("deal/f"), "0:1");
  EXPECT_EQ(soon(), before + 1);
  teller().hurry(true);
  open(deals[1]);
  EXPECT_EQ(soon(), before + 1);
  EXPECT_EQ(on_way(), 0U) << "and is noted while no time passes";
  EXPECT_TRUE(teller().idle());
  teller().hurry(false);
  open(deals[2]);
  EXPECT_EQ(soon(), before + 2);
  EXPECT_EQ(on_way(), 1U);
}

// Who may not decide asks for no turn at a time: it would get them one after the other.
TEST_F(AcksTest, WakeNobodyWhoMayNotDecide) {
  open(deals[0]);
  town.clock.advance(seconds(1));
  teller().hold(true);
  EXPECT_FALSE(teller().next_due());
  town.settle();
  EXPECT_TRUE(teller().may_settle()) << "it is sent again at the next start";
  EXPECT_EQ(on_way(), 1U);
  town.crash();
  town.run();
  EXPECT_EQ(on_way(), 0U);
  town.expect_replays_agree();
}

TEST(HomesTest, TwoKeysAreMarkedAndTheFirstHomeStays) {
  expect_table(R"(
    facts                                                                                                           | then
    deal.opened deal/d pipeline=p key=account/a ; note.added deal/d text=x key=account/b ; note.added deal/d text=y  | 1:1! 2:2!
    note.added deal/d text=x ; deal.opened deal/d pipeline=p key=account/a ; note.added deal/d text=y                | 0:2! 2:1!
    deal.opened deal/d pipeline=p account=a ; note.added deal/d text=x key=account/b ; note.added deal/d text=y      | 1:1! 2:2!
    deal.opened deal/d pipeline=p key=account/a ; note.added deal/d text=x key=account/g ; note.added deal/d text=y  | 0:1! 2:2!
    deal.opened deal/d pipeline=p key=account/a ; note.added deal/d text=x key=account/c                             | 2:2!
    deal.opened deal/d pipeline=p key=account/a ; note.added deal/d text=x key=account/a                             | 2:2
    deal.opened deal/d pipeline=p ; note.added deal/d text=x key=deal/d                                              | 0:2
    deal.opened deal/d pipeline=p account=g ; note.added deal/d text=x key=account/g                                 | 0:2
    deal.opened deal/d pipeline=p account=a ; note.added deal/d text=x key=account/a                                 | 2:2
  )",
               [](const Row& row) {
                 Town town{3, 5};
                 town.add(pipeline(town));
                 town.run();
                 for (const auto& fact : split(row["facts"])) {
                   town.say(fact);
                   town.run();
                 }
                 town.expect_replays_agree();
                 return town.where("deal/d");
               });
}

// With one partition nothing travels; what is marked is the same.
TEST(HomesTest, OnePartitionKnowsTwoKeysToo) {
  Town town{1, 1};
  town.add(pipeline(town));
  town.say("deal.opened deal/d pipeline=p account=a");
  town.say("note.added deal/d text=x key=account/a");
  town.run();
  EXPECT_EQ(town.where("deal/d"), "0:2");
  town.say("note.added deal/d text=x key=account/b");
  town.run();
  EXPECT_EQ(town.where("deal/d"), "0:3!");
  town.expect_replays_agree();
}

TEST(HomesTest, AFactCountsOnceHoweverItComes) {
  Town town{3, 7};
  town.add(pipeline(town));
  town.say("deal.opened deal/d pipeline=p key=account/a");
  town.run();
  town.say("note.added deal/d text=x key=account/a id=twice");
  town.run();
  town.say("note.added deal/d text=x id=twice");  // is sent on, and found there
  town.run();
  EXPECT_EQ(town.where("deal/d"), "2:2");
  town.say("note.added deal/d text=x id=twice");  // is found where it came in
  town.run();
  EXPECT_EQ(town.state(0).meta.duplicates, 1U);
  EXPECT_EQ(town.state(2).meta.duplicates, 1U);
  town.say("note.added deal/d text=z");  // the duplicate took its number
  town.run();
  EXPECT_EQ(town.where("deal/d"), "2:3");
  town.expect_replays_agree();
}

TEST(HomesTest, ARefusalShowsWhereTheFactIsJudged) {
  Town town{3, 8};
  town.add(pipeline(town));
  town.say("deal.opened deal/d pipeline=p account=a");
  town.run();
  const auto at = town.say("deal.stage_changed deal/d to=nowhere");
  town.run();
  EXPECT_EQ(town.state(0).meta.refused, 0U);
  EXPECT_EQ(town.state(2).meta.refused, 1U);
  auto fate = fate_of(town.log, 0, at);
  ASSERT_TRUE(fate);
  EXPECT_EQ(fate.value().code, kForwarded);
  EXPECT_EQ(fate.value().detail, "account/a");
  EXPECT_EQ(fate.value().to, 2U);
  const auto there = find_send(town.log, 2, 0, fate.value().number, 0);
  ASSERT_TRUE(there && there.value());
  fate = fate_of(town.log, 2, *there.value());
  ASSERT_TRUE(fate);
  EXPECT_EQ(fate.value().verdict, Verdict::kRefused);
  EXPECT_EQ(fate.value().code, "unknown_stage");
}

// Facts of a deal that came before any pipeline wait where they came in last, in order.
TEST(HomesTest, WhatWaitsForThePipelineIsNotOvertaken) {
  Town town{3, 9};
  town.say("deal.opened deal/d pipeline=p");
  town.run();
  town.say("note.added deal/d text=x");
  town.run();
  EXPECT_EQ(town.where("deal/d"), "");
  town.add(pipeline(town));
  town.run();
  EXPECT_EQ(town.where("deal/d"), "0:2");
  town.say("deal.opened deal/e pipeline=q account=a");
  town.run();
  EXPECT_EQ(town.state(2).meta.refused, 1U);
  town.expect_replays_agree();
}

TEST(HomesTest, ATaskThatARuleMadeIsFoundByItsId) {
  for (const auto seed : seeds(1, 6)) {
    Town town{3, seed};
    town.add(pipeline(town));
    town.say("deal.opened deal/d pipeline=p account=a");
    town.run();
    const auto won = "w" + std::to_string(seed);
    town.say("deal.won deal/d id=" + won);
    town.run();
    ASSERT_EQ(town.where("task/t-" + won), "2:1");
    town.say("task.completed task/t-" + won);
    town.run();
    EXPECT_EQ(town.where("task/t-" + won), "2:2") << won;
    town.expect_replays_agree();
  }
}

// An event that looks like a send, from somebody without the key, does not use up a number.
TEST(HomesTest, AForgedSendTakesNoNumber) {
  Town town{3, 10};
  town.add(pipeline(town));
  auto forged = town.fact("note.added deal/f text=x key=account/c");
  mark_send(forged, {0, 1000});
  town.add(forged);
  mark_send(forged, {4'000'000'000U, 1});
  forged.id = "forged-2";
  town.add(forged);
  town.run();
  town.say("deal.opened deal/d pipeline=p account=a");
  town.run();
  EXPECT_EQ(town.where("deal/d"), "2:1");
  EXPECT_EQ(town.state(2).meta.set_aside, 2U);
  town.expect_replays_agree();
}

// A partition whose log is damaged takes no sends: those who have some for it go on, and it gets
// them when it is whole again.
TEST(HomesTest, ADamagedPartitionStopsAlone) {
  Town town{3, 11};
  town.add(pipeline(town));
  town.run();
  town.log.stop(2, "a bad block");
  town.say("deal.opened deal/d pipeline=p account=a");  // 0, for 2
  town.say("deal.opened deal/e pipeline=p");            // 1
  for (int i = 0; i < 200; ++i) {
    for (const PartitionId id : {0U, 1U}) {
      auto stepped = town.seats[id].partition->step();
      ASSERT_TRUE(stepped) << stepped.error().detail;
    }
    for (const PartitionId id : {0U, 1U, 2U}) town.log.run_one(id);
  }
  EXPECT_EQ(town.where("deal/e"), "1:1");
  EXPECT_TRUE(town.seats[0].partition->idle());
  EXPECT_EQ(town.state(0).meta.sent[2], town.state(0).meta.acked[2] + 1);
}

std::string random_fact(Town& town, bool keyed) {
  const auto pick = [&](std::uint64_t of) { return std::to_string(town.random.below(of)); };
  const auto deal = pick(8);
  std::string out;
  switch (town.random.below(6)) {
    case 0:
      out = "deal.opened deal/" + deal + " pipeline=p";
      if (town.random.chance(60)) out += " account=" + pick(5);
      break;
    case 1:
      out = "deal.stage_changed deal/" + deal + (town.random.chance(50) ? " to=offer" : " to=lead");
      break;
    case 2:
      out = "lead.captured lead/" + pick(5) + " company=c" + pick(9);
      if (town.random.chance(40)) out += " account=" + pick(5);
      break;
    case 3:
      out = "account.updated account/" + pick(5);
      break;
    case 4:
      out = "offer.sent offer/" + pick(5) + " deal=" + deal;
      break;
    default:
      out = "note.added deal/" + deal + " text=" + pick(9);
  }
  if (keyed && town.random.chance(40)) {
    out += (town.random.chance(50) ? " key=account/" : " key=lead/") + pick(5);
  }
  return out;
}

std::uint64_t facts_folded(Town& town) {
  std::uint64_t out = 0;
  for (PartitionId id = 0; id < town.seats.size(); ++id) {
    out += town.state(id).meta.accepted;
    for (const auto& kept : town.log.records(Topic::kEvents, id)) {
      Event event;
      if (codec::decode(kept.bytes, event) && tells_of_homes(event.type)) --out;
    }
  }
  return out;
}

TEST(HomesTest, NothingIsLostOrFoldedTwiceWithoutCrashes) {
  for (const auto seed : seeds(1, 15)) {
    Town town{3, seed};
    if (seed % 2 == 1) town.acks_wait = milliseconds(20);
    town.add(pipeline(town));
    town.run();
    std::uint64_t said = 3;  // the pipeline, in each
    for (int i = 0; i < 120; ++i, ++said) {
      town.say(random_fact(town, true));
      town.clock.advance(milliseconds(static_cast<std::int64_t>(town.random.below(15))));
      for (auto steps = town.random.below(8); steps > 0; --steps) town.step();
    }
    town.run();
    EXPECT_EQ(facts_folded(town), said) << "seed " << seed;
    town.expect_replays_agree();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

TEST(HomesTest, ACrashBetweenAnyTwoStepsChangesNothing) {
  for (const auto seed : seeds(100, 30)) {
    Town town{3, seed};
    if (seed % 2 == 1) town.acks_wait = milliseconds(20);
    town.add(pipeline(town));
    town.run();
    std::set<std::string> ids;
    for (int i = 0; i < 80; ++i) {
      const auto fact = town.fact(random_fact(town, true));
      ids.insert(fact.id);
      town.add(fact);
      town.clock.advance(milliseconds(static_cast<std::int64_t>(town.random.below(15))));
      for (auto steps = town.random.below(10); steps > 0; --steps) town.step();
      if (town.random.chance(15)) town.crash();
    }
    town.run();
    town.expect_replays_agree();
    std::uint64_t facts = 0;
    for (PartitionId id = 0; id < 3; ++id) {
      for (const auto& kind : {"deal", "lead", "account", "offer"}) {
        for (int i = 0; i < 8; ++i) {
          const auto* record =
              town.state(id).find(parse_record_key(std::string{kind} + "/" + std::to_string(i)));
          if (record == nullptr) continue;
          for (const auto& count : record->counts) facts += count.second;
        }
      }
    }
    EXPECT_EQ(facts, ids.size()) << "seed " << seed;
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

std::string text_of(const Record& record) {
  std::string out;
  for (const auto& [field, value] : current_values(record)) {
    out += std::string{field_name(field)} + "=" + to_json(value) + " ";
  }
  for (const auto& [type, count] : record.counts) {
    out += std::string{spec_of(type).name} + ":" + std::to_string(count) + " ";
  }
  const auto& life = record.life;
  return out + (life.opened ? "opened " : "stub ") + life.stage + life.state + " since " +
         to_text(life.entered_at) + ", newest " + to_text(record.newest.occurred);
}

// However many partitions there are and whatever keys facts came under: read as one, a record is
// what it is where one partition has all.
TEST(HomesTest, ReadAsOneItIsWhatOnePartitionMakesOfIt) {
  for (const auto seed : seeds(200, 30)) {
    Town many{3, seed};
    Town one{1, seed};
    for (auto* town : {&many, &one}) {
      town->add(pipeline(*town));
      town->run();
    }
    const bool keyed = seed % 2 == 0;
    for (int i = 0; i < 60; ++i) {
      auto fact = many.fact(random_fact(many, keyed));
      fact.time = many.clock.wall() - minutes(i % 7 == 0 ? 90 : 0);
      many.add(fact);
      one.add(fact);
      many.run();
      one.run();
      many.clock.advance(minutes(11));
      one.clock.advance(minutes(11));
    }
    int split = 0;
    for (const auto& kind : {"deal", "lead", "account", "offer"}) {
      for (int i = 0; i < 8; ++i) {
        const auto key = parse_record_key(std::string{kind} + "/" + std::to_string(i));
        std::vector<const Record*> parts;
        for (PartitionId id = 0; id < 3; ++id) {
          const auto* record = many.state(id).find(key);
          if (record != nullptr && (!record->counts.empty() || !record->facts.empty())) {
            parts.push_back(record);
          }
        }
        const auto* whole = one.state(0).find(key);
        ASSERT_EQ(parts.empty(), whole == nullptr) << to_text(key);
        if (parts.empty()) continue;
        split += parts.size() > 1 ? 1 : 0;
        EXPECT_EQ(text_of(unite(parts, many.state(0).reference.pipelines)), text_of(*whole))
            << to_text(key) << " in " << many.where(to_text(key)) << ", seed " << seed;
        EXPECT_TRUE(keyed || parts.size() == 1);
      }
    }
    EXPECT_TRUE(!keyed || split > 0);
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace dealwright::runtime
