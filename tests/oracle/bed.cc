#include "tests/oracle/bed.h"

#include <fstream>
#include <sstream>

#include "engine/codec/cloudevents_json.h"
#include "engine/codec/event_codec.h"
#include "projections/registry.h"
#include "rules/decide/factory.h"

namespace dealwright::oracle {

Bed::Bed(std::uint64_t seed, bool event_clock)
    : random{seed}, log{1, seed}, deciders{rules::make_decider_factory()} {
  const auto all = projections::all_views();
  views.assign(all.begin(), all.end());
  options.dedup_directory = "/state/0/ids";
  options.event_clock = event_clock;
  options.events_per_record = 7;
  options.limits.generation_events = 23;
  options.limits.timers_in_memory = 4;
  options.limits.record_cache_bytes = 16'000;
  options.clock_witness = true;
}

void Bed::start() {
  runtime::PartitionParts parts{log,    store,     files, clock, random,
                                worker, *deciders, key,   views, channels};
  auto opened = runtime::Partition::open(parts, options, [] {});
  ASSERT_TRUE(opened) << opened.error().detail;
  partition = std::move(opened.value());
}

void Bed::crash() {
  partition.reset();
  log.crash();
  store.crash(random.below(3));
  mail.crash(random.chance(50));
  hook.crash(random.chance(50));
}

void Bed::receive() {
  for (auto* channel : {&mail, &hook}) {
    while (channel->waiting() > 0 && random.chance(70)) {
      channel->go_on(static_cast<FakeChannel::Fate>(random.below(6)));
      run();
    }
  }
}

bool Bed::step() {
  auto stepped = partition->step();
  EXPECT_TRUE(stepped) << stepped.error().detail;
  if (!stepped) return false;
  return log.run_one(0) || stepped.value();
}

void Bed::run() {
  while (step()) {
  }
}

std::uint64_t Bed::add(const Event& event) {
  std::string bytes;
  codec::encode(event, bytes);
  return add_bytes(std::move(bytes));
}
std::uint64_t Bed::add_bytes(std::string bytes) {
  return log.put(Topic::kEvents, 0, std::move(bytes));
}

void Bed::publish(const std::string& path) {
  Event event;
  const auto name = path.substr(path.rfind('/') + 1);
  const auto rule = name.substr(0, name.find('.'));
  event.source = "ops";
  event.id = "publish-" + rule;
  event.type = TypeId::kRulePublished;
  event.subject = {Kind::kRule, rule};
  event.time = clock.wall();
  event.data.set(Field::kText, Value{read_file(path)});
  add(event);
}

std::string Bed::describe(std::uint64_t position) const {
  for (const auto& kept : log.records(Topic::kEvents, 0)) {
    if (kept.position != position) continue;
    Event event;
    if (!codec::decode(kept.bytes, event)) return "(unreadable)";
    return codec::to_cloudevent(event);
  }
  return "(none)";
}

testing::AssertionResult Bed::compare_with(const Oracle& with, runtime::State& state,
                                           bool ask_views) {
  ++compared;
  auto mine = with.dump();
  auto theirs = dump_of(state);
  for (auto* dump : {&mine, &theirs}) {
    std::erase_if(*dump, [&](const auto& entry) {
      return !histories && entry.first.starts_with("history ");
    });
  }
  auto different = difference(mine, theirs);
  if (different.empty() && ask_views) {
    for (const auto& question : questions(with.now(), instants)) {
      const auto expected = with.ask(question);
      const auto got = oracle::ask(state, question);
      if (expected == got) continue;
      different = "== view " + question.name() + "\noracle:\n" + expected + "engine:\n" + got;
      break;
    }
  }
  if (different.empty()) return testing::AssertionSuccess();
  const auto last = with.events() > 0 ? with.events() - 1 : 0;
  return testing::AssertionFailure() << "behind event " << last << ": " << describe(last) << '\n'
                                     << different;
}

testing::AssertionResult Bed::compare(bool ask_views) {
  auto& state = partition->state();
  if (!partition->drained() || state.meta.decisions < oracle.decisions()) {
    return testing::AssertionSuccess();
  }
  const auto events = log.records(Topic::kEvents, 0);
  for (; events_fed_ < events.size(); ++events_fed_) {
    oracle.add_event(events[events_fed_].position, events[events_fed_].bytes);
  }
  const auto decisions = log.records(Topic::kDecisions, 0);
  for (; decisions_fed_ < decisions.size(); ++decisions_fed_) {
    const auto& record = decisions[decisions_fed_];
    if (record.position >= state.meta.decisions) break;
    const auto wrong = oracle.add_decision(record.position, record.bytes);
    if (!wrong.empty()) return testing::AssertionFailure() << wrong;
  }
  return compare_with(oracle, state, ask_views);
}

testing::AssertionResult Bed::compare_replay(std::size_t stride) {
  FakeStore empty;
  FakeFileSystem disk;
  auto state = runtime::State::open(empty, disk, "/ids", views, options.limits);
  if (!state) return testing::AssertionFailure() << state.error().detail;
  runtime::Folder folder{*state.value(), runtime::LogFacts{log, 0}};
  runtime::Replay replay{log, 0, *state.value(), folder};
  Oracle fresh;
  for (const auto& event : log.records(Topic::kEvents, 0)) {
    fresh.add_event(event.position, event.bytes);
  }
  std::size_t folded = 0;
  const auto decisions = log.records(Topic::kDecisions, 0);
  for (const auto& record : decisions) {
    auto stepped = replay.step();
    if (!stepped) return testing::AssertionFailure() << stepped.error().detail;
    const auto wrong = fresh.add_decision(record.position, record.bytes);
    if (!wrong.empty()) return testing::AssertionFailure() << wrong;
    if (++folded % stride != 0 && folded != decisions.size()) continue;
    if (auto same = compare_with(fresh, *state.value(), true); !same) return same;
  }
  return testing::AssertionSuccess();
}

std::string read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

}  // namespace dealwright::oracle
