// What an event costs the matcher and the decider: 100 and 10,000 rules `type == T && stage == S &&
// amount > X`, against asking every rule in turn.
#include <benchmark/benchmark.h>
#include <fmt/core.h>

#include <algorithm>

#include "engine/base/assert.h"
#include "rules/compile.h"
#include "rules/decide/rules_decider.h"

namespace dealwright::rules {
namespace {

constexpr TypeId kTypes[] = {TypeId::kDealStageChanged, TypeId::kDealAmountChanged,
                             TypeId::kDealUpdated,      TypeId::kNoteAdded,
                             TypeId::kMeetingHeld,      TypeId::kDealAssigned,
                             TypeId::kObjectionRaised,  TypeId::kCompetitorNoted,
                             TypeId::kNeedsCaptured,    TypeId::kDealNextStepSet};

// One deal; changes are counted and forgotten.
class BenchTurn : public Turn {
 public:
  explicit BenchTurn(const Record& record) : record_{record} {}
  Instant now() const override { return Instant{1'770'000'000'000}; }
  const Record* record(const RecordKey& key) override {
    return key == record_.key ? &record_ : nullptr;
  }
  const Enrolment* enrolment(const EnrolmentId&) override { return nullptr; }
  std::optional<Entry> entry(std::string_view, std::string_view) override { return std::nullopt; }
  std::optional<EffectState> effect_state(const EffectId&) override { return std::nullopt; }
  std::vector<EnrolmentId> watching(const RecordKey&) override { return {}; }
  bool change(Change change) override {
    benchmark::DoNotOptimize(change);
    ++changes;
    return true;
  }
  std::size_t changes = 0;

 private:
  const Record& record_;
};

std::string rule_text(std::size_t n, std::size_t stages) {
  return fmt::format(
      "rule: r{}\nname: R\nowner: o\ntrigger: {}\n"
      "when: deal.stage == \"s{}\" && deal.amount > money(\"{} EUR\")\n"
      "entry: each_time\nsteps:\n  - notify: {{ to: owner, text: \"{{{{ deal.name }}}} moved\" "
      "}}\n",
      n, spec_of(kTypes[n % std::size(kTypes)]).name, n / std::size(kTypes) % stages, 1000 + n);
}

// Its exit is a state, so every event may end one of its enrolments.
constexpr const char* kFollowUp =
    "rule: follow-up\nname: R\nowner: o\ntrigger: { changed: deal.stage, to: offer }\n"
    "entry: { once_per: event.id }\nexit:\n  - { when: 'deal.stage != \"offer\"', reason: left }\n"
    "steps:\n  - wait: 3d\n  - send_webhook: { endpoint: crm }\n";

std::unique_ptr<RuleSet> rule_set(std::size_t count, std::size_t stages, bool follow_up = false) {
  std::vector<std::shared_ptr<const RulePlan>> plans;
  for (std::size_t i = 0; i < count; ++i) {
    auto compiled = compile(rule_text(i, stages));
    DW_ASSERT(compiled.plan != nullptr);
    plans.push_back(std::move(compiled.plan));
  }
  if (follow_up) plans.push_back(compile(kFollowUp).plan);
  return RuleSet::of(std::move(plans));
}

Record deal(std::int64_t amount) {
  Record record;
  record.key = {Kind::kDeal, "d1"};
  give_value(record, Field::kName, Value{"Acme"});
  give_value(record, Field::kAmount, Value{Money{amount, Currency::unchecked('E', 'U', 'R')}});
  give_value(record, Field::kStage, Value{"s3"});
  return record;
}

struct Facts {
  explicit Facts(const Record& record) {
    for (const auto type : kTypes) {
      auto& event = events.emplace_back();
      event.source = "crm";
      event.id = "e" + std::to_string(events.size());
      event.type = type;
      event.subject = record.key;
    }
    for (auto& event : events) {
      auto& fact = facts.emplace_back();
      fact.event = &event;
      fact.subject = &record;
      fact.occurred = fact.ingested = Instant{1'770'000'000'000};
    }
  }
  std::vector<Event> events;
  std::vector<FoldedFact> facts;
};

void events_that_match_nothing(benchmark::State& state) {
  const auto record = deal(100);  // every condition fails at the amount
  const Facts facts{record};
  BenchTurn turn{record};
  RulesDecider decider{
      rule_set(static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1))),
      {},
      {}};
  std::size_t i = 0;
  for (auto _ : state) {
    decider.on_fact(facts.facts[i], turn);
    i = i + 1 == facts.facts.size() ? 0 : i + 1;
  }
  DW_ASSERT(turn.changes == 0);
}
BENCHMARK(events_that_match_nothing)->Args({100, 10})->Args({10'000, 10})->Args({10'000, 1000});

void events_that_match_nothing_beside_a_state_exit(benchmark::State& state) {
  const auto record = deal(100);
  const Facts facts{record};
  BenchTurn turn{record};
  RulesDecider decider{rule_set(100, 10, true), {}, {}};
  std::size_t i = 0;
  for (auto _ : state) {
    decider.on_fact(facts.facts[i], turn);
    i = i + 1 == facts.facts.size() ? 0 : i + 1;
  }
  DW_ASSERT(turn.changes == 0);
}
BENCHMARK(events_that_match_nothing_beside_a_state_exit);

void events_that_match_nothing_by_asking_all(benchmark::State& state) {
  const auto record = deal(100);
  const Facts facts{record};
  BenchTurn turn{record};
  std::vector<CompiledRule> rules;
  for (std::size_t n = 0; n < static_cast<std::size_t>(state.range(0)); ++n)
    rules.push_back(compile(rule_text(n, 10)));
  Calendars calendars{{}, {}};
  const Workspace workspace;
  std::size_t i = 0;
  for (auto _ : state) {
    Reader reader{turn, workspace};
    reader.fact = &facts.facts[i];
    reader.subject = record.key;
    for (const auto& rule : rules) {
      if (!rule.plan->triggers[0].events->contains(*reader.fact->event)) continue;
      benchmark::DoNotOptimize(rule.plan->when->test(reader, calendars));
    }
    i = i + 1 == facts.facts.size() ? 0 : i + 1;
  }
}
BENCHMARK(events_that_match_nothing_by_asking_all)->Arg(100);

void events_with_one_effect_each(benchmark::State& state) {
  const auto record = deal(100'000'000);
  const Facts facts{record};
  BenchTurn turn{record};
  RulesDecider decider{rule_set(static_cast<std::size_t>(state.range(0)),
                                static_cast<std::size_t>(state.range(0)) / 10),
                       {},
                       {}};
  std::size_t i = 0;
  for (auto _ : state) {
    decider.on_fact(facts.facts[i], turn);
    i = i + 1 == facts.facts.size() ? 0 : i + 1;
  }
  state.counters["changes"] =
      benchmark::Counter(static_cast<double>(turn.changes), benchmark::Counter::kAvgIterations);
}
BENCHMARK(events_with_one_effect_each)->Arg(100)->Arg(10'000);

void compile_from_text(benchmark::State& state) {
  const auto text = rule_text(7, 10);
  for (auto _ : state) benchmark::DoNotOptimize(compile(text));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(compile_from_text);

}  // namespace
}  // namespace dealwright::rules

BENCHMARK_MAIN();
