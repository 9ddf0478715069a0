// A process made to be killed. Appends facts, acknowledges on standard output what is durable, and
// kills itself (SIGKILL) when it comes to a named point for the n-th time.
//   crash_worker DIR run SEED EVENTS POINT HIT    POINT "none": lives on
//   crash_worker DIR check                        acknowledged ids on standard input
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <iostream>
#include <map>
#include <set>
#include <string>

#include "connectors/daemon/workspace.h"
#include "engine/codec/event_codec.h"
#include "engine/codec/state_codec.h"
#include "engine/ports/fake/fake_clock.h"
#include "engine/runtime/keys.h"
#include "projections/registry.h"

namespace dealwright {
namespace {

constexpr const char* kFollowUp = R"rule(rule: follow-up
name: Call after a silent day
owner: u1
trigger: { changed: deal.stage, to: offer }
entry: { once_per: event.id }
exit:
  - { when: 'deal.stage != "offer"', reason: left }
steps:
  - send_webhook: { endpoint: crm, data: { deal: "= deal.stage" } }
  - wait: 1d
  - create_task: { kind: call, title: "Call", due: 1d }
)rule";
constexpr const char* kHandOver = R"rule(rule: hand-over
name: Hand over what was won
owner: u1
trigger: deal.won
entry: each_time
steps:
  - create_task: { kind: delivery, title: "Hand over", due: 3d }
)rule";

Event rule_event(const std::string& id, const std::string& text) {
  Event event;
  event.source = "ops";
  event.id = "rule-" + id;
  event.type = TypeId::kRulePublished;
  event.subject = {Kind::kRule, id};
  event.time = Instant{1'772'442'000'000};  // ids are known for 30 days of the log's own time
  event.data.set(Field::kText, Value{text});
  event.data.set(Field::kVersion, Value{1});
  return event;
}

Event pipeline_event() {
  Event event;
  event.source = "ops";
  event.id = "pipeline";
  event.type = TypeId::kPipelineUpdated;
  event.subject = {Kind::kPipeline, "p"};
  event.time = Instant{1'772'442'000'000};
  List stages;
  for (const auto& [id, category] : {std::pair{"lead", "open"}, std::pair{"offer", "open"},
                                     std::pair{"won", "won"}, std::pair{"lost", "lost"}}) {
    stages.emplace_back(Map{{"id", Value{id}}, {"category", Value{category}}});
  }
  event.data.set(Field::kStages, Value{std::move(stages)});
  return event;
}

// The same event for the same seed and number, whatever was killed in between.
Event event_of(std::uint64_t seed, std::uint64_t number) {
  FakeRandom random{seed * 1'000'003 + number};
  Event event;
  event.source = "crash";
  event.id = "e" + std::to_string(number);
  event.subject = {Kind::kDeal, "d" + std::to_string(random.below(40))};
  event.time = Instant{1'772'442'000'000} + minutes(static_cast<std::int64_t>(number * 7));
  switch (random.below(7)) {
    case 0:
    case 1:
      event.type = TypeId::kDealOpened;
      event.data.set(Field::kPipeline, Value{"p"});
      event.data.set(Field::kAmount, Value{Money{static_cast<std::int64_t>(random.below(100'000)),
                                                 Currency::unchecked('E', 'U', 'R')}});
      break;
    case 2:
    case 3:
      event.type = TypeId::kDealStageChanged;
      event.data.set(Field::kTo, Value{random.chance(60) ? "offer" : "lead"});
      break;
    case 4:
      event.type = TypeId::kDealWon;
      break;
    case 5:
      event.type = TypeId::kDealLost;
      break;
    default:
      event.type = TypeId::kNoteAdded;
      event.data.set(Field::kText, Value{"note " + std::to_string(number)});
  }
  return event;
}

int fail(const Error& error) {
  std::fprintf(stderr, "%s: %s\n", std::string{code_name(error.code)}.c_str(),
               error.detail.c_str());
  return 1;
}

Result<std::unique_ptr<daemon::Workspace>> open(const std::string& path,
                                                std::function<void(std::string_view)> at_point) {
  daemon::WorkspaceOptions options;
  options.path = path;
  options.create = true;
  options.partitions = 2;
  options.event_clock = true;
  options.segment_bytes = 64 << 10;  // so that the log rotates
  options.generation_events = 40;    // and generations close
  options.at_point = std::move(at_point);
  return daemon::Workspace::open(std::move(options));
}

int run(const std::string& path, std::uint64_t seed, std::uint64_t events, const std::string& point,
        int hit) {
  auto hits = std::make_shared<std::atomic<int>>(0);
  auto workspace = open(path, [point, hit, hits](std::string_view at) {
    if (at == point && ++*hits == hit) ::kill(::getpid(), SIGKILL);
  });
  if (!workspace) return fail(workspace.error());
  auto& w = *workspace.value();
  for (const auto& reference :
       {pipeline_event(), rule_event("follow-up", kFollowUp), rule_event("hand-over", kHandOver)}) {
    auto placed = w.append({reference});
    if (!placed) return fail(placed.error());
  }
  if (auto idle = w.engine().wait_idle(); !idle) return fail(idle.error());
  for (std::uint64_t at = 0; at < events; at += 10) {
    std::vector<Event> batch;
    for (auto i = at; i < std::min(at + 10, events); ++i) batch.push_back(event_of(seed, i));
    auto placed = w.append(batch);
    if (!placed) return fail(placed.error());
    std::string text;
    for (const auto& event : batch) text += event.id + "\n";
    if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) return 1;
  }
  if (auto idle = w.engine().wait_idle(); !idle) return fail(idle.error());
  if (point == "view.swap") {
    if (auto rebuilt = w.rebuild_view("board", [](std::uint64_t) {}); !rebuilt)
      return fail(rebuilt.error());
  }
  if (auto stopped = w.stop(); !stopped) return fail(stopped.error());
  return 0;
}

// Acknowledged facts are there; each counts once; state and views equal a fold of the logs from 0;
// no effect stands in the ledger twice, and each that a decision requested stands there.
int check(const std::string& path) {
  std::set<std::string> acknowledged;
  for (std::string id; std::getline(std::cin, id);) acknowledged.insert(id);
  auto workspace = open(path, {});
  if (!workspace) return fail(workspace.error());
  auto& w = *workspace.value();
  if (auto idle = w.engine().wait_idle(); !idle) return fail(idle.error());
  std::uint64_t distinct = 0, accepted = 0;
  std::set<std::string> there, reference;
  for (PartitionId id = 0; id < w.partitions(); ++id) {
    auto end = w.log().end(Topic::kEvents, id);
    if (!end) return fail(end.error());
    for (Position at = 0; at < end.value();) {
      auto batch = w.log().read(Topic::kEvents, id, at, 1 << 20);
      if (!batch) return fail(batch.error());
      for (const auto& record : batch.value().records) {
        Event event;
        if (!codec::decode(record.bytes, event))
          return fail({Code::kDamaged, "an unreadable event"});
        if (event.source == "crash" && there.insert(event.id).second) ++distinct;
        if (event.source == "ops") reference.insert(event.id);
      }
      at = batch.value().next;
    }
    Result<Sha256> live = Error{Code::kClosed, ""}, replayed = Error{Code::kClosed, ""};
    std::uint64_t counted = 0;
    auto asked = w.engine().ask(id, [&](runtime::Partition& partition) {
      live = partition.state().fingerprint();
      const auto& meta = partition.state().meta;
      counted = meta.accepted + meta.refused + meta.set_aside;
    });
    if (!asked) return fail(asked.error());
    accepted += counted;
    if (auto folded =
            w.with_replay(id, [&](runtime::State& state) { replayed = state.fingerprint(); });
        !folded)
      return fail(folded.error());
    if (!live || !replayed || live.value() != replayed.value())
      return fail({Code::kDamaged,
                   "partition " + std::to_string(id) + ": state differs from a fold of its logs"});
  }
  for (const auto& id : acknowledged) {
    if (there.count(id) == 0) return fail({Code::kDamaged, "acknowledged and lost: " + id});
  }
  // Reference facts are judged once in each partition.
  const auto expected = distinct + reference.size() * w.partitions();
  if (accepted != expected)
    return fail({Code::kDamaged,
                 "judged " + std::to_string(accepted) + " facts of " + std::to_string(expected)});
  if (auto stopped = w.stop(); !stopped) return fail(stopped.error());
  std::printf("ok %llu events\n", static_cast<unsigned long long>(distinct));
  return 0;
}

}  // namespace
}  // namespace dealwright

int main(int argc, char** argv) {
  if (argc == 3 && std::string{argv[2]} == "check") return dealwright::check(argv[1]);
  if (argc != 7) return 2;
  return dealwright::run(argv[1], std::stoull(argv[3]), std::stoull(argv[4]), argv[5],
                         std::stoi(argv[6]));
}
