// The index finds the rules that asking every rule would find: random rules, random events.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "rules/compile.h"
#include "rules/decide/calendars.h"
#include "rules/match/index.h"

namespace dealwright::rules {
namespace {

class Records : public Turn {
 public:
  std::map<RecordKey, dealwright::Record> all;
  Instant now() const override { return Instant{1'770'000'000'000}; }
  const dealwright::Record* record(const RecordKey& key) override {
    const auto it = all.find(key);
    return it == all.end() ? nullptr : &it->second;
  }
  const Enrolment* enrolment(const EnrolmentId&) override { return nullptr; }
  std::optional<Entry> entry(std::string_view, std::string_view) override { return std::nullopt; }
  std::optional<EffectState> effect_state(const EffectId&) override { return std::nullopt; }
  std::vector<EnrolmentId> watching(const RecordKey&) override { return {}; }
  bool change(Change) override { return true; }
};

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_{seed} {}
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
  bool chance(std::size_t percent) { return below(100) < percent; }
  template <std::size_t N>
  const char* of(const char* const (&list)[N]) {
    return list[below(N)];
  }

 private:
  std::mt19937_64 engine_;
};

std::string condition(Dice& dice) {
  static constexpr const char* kTerms[] = {"deal.stage == \"s{}\"",
                                           "deal.stage != \"s{}\"",
                                           "\"s{}\" == deal.stage",
                                           "deal.stage in [\"s{}\", \"s1\"]",
                                           "deal.amount > money(\"{} EUR\")",
                                           "deal.amount <= money(\"{} USD\")",
                                           "deal.probability >= {}",
                                           "deal.status == \"open\"",
                                           "deal.no_decision",
                                           "!deal.no_decision",
                                           "deal.extra.n == {}",
                                           "deal.extra.n > {}",
                                           "deal.custom.tier == \"t{}\"",
                                           "deal.close_date < date(\"2026-01-0{}\")",
                                           "has(deal.name)",
                                           "event.amount > money(\"{} EUR\")",
                                           "event.to == \"s{}\"",
                                           "event.late == false",
                                           "account.country == \"c{}\"",
                                           "deal.account == \"a{}\"",
                                           "contact.language == \"l{}\"",
                                           "(deal.stage == \"s{}\" || deal.no_decision)",
                                           "deal.probability == {}",
                                           "account.region.size() > {}",
                                           "deal.name.startsWith(\"n{}\")",
                                           "event.data.x == {}"};
  std::string out;
  for (auto terms = 1 + dice.below(4); terms > 0; --terms) {
    if (!out.empty()) out += dice.chance(85) ? " && " : " || ";
    out += fmt::format(fmt::runtime(dice.of(kTerms)), 1 + dice.below(3));
  }
  return out;
}

std::string rule_text(Dice& dice, std::size_t n) {
  static constexpr const char* kTriggers[] = {"deal.stage_changed",
                                              "deal.amount_changed",
                                              "deal.*",
                                              "[deal.won, note.added]",
                                              "deal.updated",
                                              "{ changed: deal.stage }",
                                              "{ changed: deal.stage, to: s1 }",
                                              "{ changed: deal.stage, from: s2 }",
                                              "{ changed: deal.amount }",
                                              "{ changed: deal.stage, to: [s2, s3] }",
                                              "[{ changed: deal.status, to: won }, deal.opened]",
                                              "[deal.won, com.example.x]"};
  return fmt::format("rule: r{}\nname: R\nowner: o\ntrigger: {}\n{}steps: [{{ end: x }}]\n", n,
                     dice.of(kTriggers),
                     dice.chance(90) ? fmt::format("when: '{}'\n", condition(dice)) : "");
}

Value amount(Dice& dice) {
  const auto eur = Currency::unchecked('E', 'U', 'R');
  const auto usd = Currency::unchecked('U', 'S', 'D');
  return Value{Money{static_cast<std::int64_t>(dice.below(5) * 100), dice.chance(80) ? eur : usd}};
}

void fill(Dice& dice, dealwright::Record& deal) {
  deal.key = {Kind::kDeal, "d1"};
  const auto maybe = [&](Field field, Value value) {
    if (dice.chance(75)) give_value(deal, field, value);
  };
  const auto word = [&](const char* prefix) {
    return Value{prefix + std::to_string(dice.below(4))};
  };
  maybe(Field::kName, word("n"));
  maybe(Field::kAccount, word("a"));
  maybe(Field::kAmount, amount(dice));
  maybe(Field::kStage, word("s"));
  maybe(Field::kStatus, Value{dice.chance(50) ? "open" : dice.chance(50) ? "won" : "lost"});
  maybe(Field::kCloseDate,
        Value{date_of({2026, 1, static_cast<std::uint32_t>(1 + dice.below(4))})});
  maybe(Field::kProbability, Value{static_cast<std::int64_t>(dice.below(4))});
  maybe(Field::kContacts, Value{List{Value{Map{{"contact", word("c")}}}}});
  maybe(Field::kNoDecision, Value{dice.chance(50)});
  static const Value kFree[] = {Value{1},    Value{1.0},  Value{2},
                                Value{"t1"}, Value{true}, Value{Null{}}};
  if (dice.chance(60)) deal.extra.push_back({"n", kFree[dice.below(6)], {}});
  if (dice.chance(60)) deal.custom.push_back({"tier", word("t"), {}});
}

Event random_event(Dice& dice) {
  static constexpr TypeId kTypes[] = {
      TypeId::kDealStageChanged, TypeId::kDealAmountChanged, TypeId::kDealUpdated, TypeId::kDealWon,
      TypeId::kNoteAdded,        TypeId::kDealOpened,        TypeId::kForeignType};
  Event event;
  event.source = "crm";
  event.id = "e";
  event.subject = {Kind::kDeal, "d1"};
  event.type = kTypes[dice.below(std::size(kTypes))];
  if (event.type == TypeId::kForeignType)
    event.foreign_type = dice.chance(50) ? "com.example.x" : "com.example.y";
  if (dice.chance(50)) event.data.set(Field::kAmount, amount(dice));
  if (dice.chance(50)) event.data.set(Field::kTo, Value{"s" + std::to_string(dice.below(4))});
  if (dice.chance(50)) event.extra = {{"x", Value{static_cast<std::int64_t>(dice.below(3))}}};
  return event;
}

bool asked(const TriggerPlan& trigger, const FoldedFact& fact) {
  if (trigger.events) return trigger.events->contains(*fact.event);
  for (const auto& change : fact.changes) {
    if (change.field != trigger.field) continue;
    Value scratch;
    const auto* now = fact.subject->value(trigger.field, scratch);
    const auto in = [](const std::vector<Value>& set, const Value* v) {
      return set.empty() || (v != nullptr && std::find(set.begin(), set.end(), *v) != set.end());
    };
    return in(trigger.to, now) &&
           in(trigger.from, change.before.absent() ? nullptr : &change.before);
  }
  return false;
}

TEST(MatchTest, TheIndexFindsWhatAskingAllFinds) {
  std::size_t found = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Dice dice{seed};
    std::vector<CompiledRule> compiled;
    std::vector<const RulePlan*> plans;
    for (std::size_t n = 0; n < 120; ++n) {
      const auto text = rule_text(dice, n);
      compiled.push_back(compile(text));
      // Some mixes name what is not at hand: those are no rules.
      if (compiled.back().plan != nullptr) plans.push_back(compiled.back().plan.get());
    }
    ASSERT_GT(plans.size(), 60U);
    const Index index{plans};
    Calendars calendars{{}, {}};
    const Workspace workspace;
    for (int round = 0; round < 250; ++round) {
      Records turn;
      auto& deal = turn.all[{Kind::kDeal, "d1"}];
      fill(dice, deal);
      for (int i = 0; i < 4; ++i) {
        const auto id = std::to_string(i);
        turn.all[{Kind::kAccount, "a" + id}] = {};
        auto& account = turn.all[{Kind::kAccount, "a" + id}];
        account.key = {Kind::kAccount, "a" + id};
        account.fields = {{Field::kCountry, Value{"c" + id}, {}},
                          {Field::kRegion, Value{"rr"}, {}}};
        auto& contact = turn.all[{Kind::kContact, "c" + id}];
        contact.key = {Kind::kContact, "c" + id};
        contact.fields = {{Field::kLanguage, Value{"l" + id}, {}}};
      }
      const auto event = random_event(dice);
      std::vector<FieldChange> changes;
      if (dice.chance(60))
        changes.push_back({Field::kStage, dice.chance(70) ? Value{"s2"} : Value{}});
      if (dice.chance(30)) changes.push_back({Field::kAmount, Value{}});
      if (dice.chance(30)) changes.push_back({Field::kStatus, Value{"open"}});
      FoldedFact fact;
      fact.event = &event;
      fact.subject = &deal;
      fact.changes = changes;
      Reader reader{turn, workspace};
      reader.fact = &fact;
      reader.subject = deal.key;
      reader.event_record = true;
      std::vector<std::uint32_t> fired;
      std::vector<std::pair<std::uint32_t, Outcome>> failed;
      index.match(reader, calendars, fired, failed);
      std::vector<std::uint32_t> expected;
      for (std::uint32_t r = 0; r < plans.size(); ++r) {
        const auto& plan = *plans[r];
        const bool may = std::any_of(plan.triggers.begin(), plan.triggers.end(),
                                     [&](const TriggerPlan& t) { return asked(t, fact); });
        if (may && (!plan.when || plan.when->test(reader, calendars).is_true()))
          expected.push_back(r);
      }
      ASSERT_EQ(fired, expected) << "seed " << seed << ", round " << round;
      found += fired.size();
      for (const auto& [rule, outcome] : failed) {
        EXPECT_FALSE(outcome.absent);
        EXPECT_TRUE(plans[rule]->when->test(reader, calendars).failed);
      }
    }
  }
  EXPECT_GT(found, 5'000U);  // it was asked something
}

TEST(MatchTest, AnEqualityKeepsARuleOutOfTheUnindexed) {
  const auto text = [](const char* when) {
    return fmt::format(
        "rule: r\nname: R\nowner: o\ntrigger: deal.won\nwhen: '{}'\nsteps: [{{ end: x }}]\n", when);
  };
  const std::pair<const char*, std::size_t> rows[] = {
      {"deal.stage == \"a\"", 0},
      {"deal.amount > money(\"1 EUR\") && deal.stage == \"a\"", 0},
      {"deal.stage in [\"a\", \"b\"]", 0},
      {"deal.no_decision", 0},
      {"deal.stage != \"a\"", 1},
      {"deal.stage == \"a\" || deal.stage == \"b\"", 1},
      {"deal.extra.n == 1", 1},  // 1 and 1.0 are equal there
  };
  for (const auto& [when, unindexed] : rows) {
    const auto compiled = compile(text(when));
    ASSERT_NE(compiled.plan, nullptr) << when;
    const std::vector<const RulePlan*> plans{compiled.plan.get()};
    const Index index{plans};
    EXPECT_EQ(index.unindexed(TypeId::kDealWon), unindexed) << when;
  }
}

}  // namespace
}  // namespace dealwright::rules
