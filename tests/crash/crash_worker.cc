// A process made to be killed. Publishes rules, appends facts, imports rows, acknowledges on
// standard output what is durable, and kills itself (SIGKILL) when it comes to a named point for
// the n-th time. Its own points: publish.{begin,durable}, import.{added,durable}; the others are
// the log's, the partition's and the workspace's.
//   crash_worker DIR run SEED FIRST POINT HIT    600 facts from number FIRST on; POINT "none":
//   lives on crash_worker DIR check                       acknowledged ids on standard input
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <iostream>
#include <map>
#include <set>
#include <string>

#include "connectors/daemon/appender.h"
#include "connectors/daemon/backup/backup.h"
#include "connectors/daemon/workspace.h"
#include "engine/codec/decision_codec.h"
#include "engine/codec/event_codec.h"
#include "engine/codec/state_codec.h"
#include "engine/ports/fake/fake_clock.h"
#include "engine/runtime/keys.h"
#include "projections/registry.h"

namespace dealwright {
namespace {

constexpr std::uint64_t kFacts = 600;  // that one run appends
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

Event rule_event(const std::string& id, const std::string& text, std::int64_t version = 1) {
  Event event;
  event.source = "ops";
  event.id = "rule-" + id + "-" + std::to_string(version);
  event.type = TypeId::kRulePublished;
  event.subject = {Kind::kRule, id};
  event.time = Instant{1'772'442'000'000};  // ids are known for 30 days of the log's own time
  event.data.set(Field::kText, Value{text});
  event.data.set(Field::kVersion, Value{version});
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
  const auto deal = random.below(40);
  event.subject = {Kind::kDeal, "d" + std::to_string(deal)};
  if (deal % 4 == 1) event.partition_key = "account/a" + std::to_string(deal % 7);
  event.time = Instant{1'772'442'000'000} + minutes(static_cast<std::int64_t>(number * 7));
  switch (random.below(7)) {
    case 0:
    case 1:
      event.type = TypeId::kDealOpened;
      event.data.set(Field::kPipeline, Value{"p"});
      event.data.set(Field::kAmount, Value{Money{static_cast<std::int64_t>(random.below(100'000)),
                                                 Currency::unchecked('E', 'U', 'R')}});
      if (deal % 4 == 0) event.data.set(Field::kAccount, Value{"a" + std::to_string(deal % 7)});
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

// Counts how often a point was reached; at the n-th time the process is gone.
class Killer {
 public:
  Killer(std::string point, int hit) : point_{std::move(point)}, hit_{hit} {}
  void at(std::string_view point) {
    if (point == point_ && ++hits_ == hit_) ::kill(::getpid(), SIGKILL);
  }
  bool wants(std::string_view prefix) const { return point_.starts_with(prefix); }

 private:
  const std::string point_;
  const int hit_;
  std::atomic<int> hits_{0};
};

void acknowledge(const std::string& text) {
  if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) std::perror("standard output");
}

Result<void> publish(daemon::Workspace& w, Killer& killer, const Event& reference) {
  killer.at("publish.begin");
  DW_TRY(w.append({reference}));
  killer.at("publish.durable");
  acknowledge(reference.id + "\n");
  return ok();
}

// Facts as a CRM sends them, ten at a time, and a new version of a rule between them.
Result<void> append_facts(daemon::Workspace& w, Killer& killer, std::uint64_t seed,
                          std::uint64_t first) {
  for (auto at = first; at < first + kFacts; at += 10) {
    std::vector<Event> batch;
    for (auto i = at; i < at + 10; ++i) batch.push_back(event_of(seed, i));
    DW_TRY(w.append(batch));
    std::string text;
    for (const auto& event : batch) text += event.id + "\n";
    acknowledge(text);
    if (at % 50 == 40) {
      const auto version = static_cast<std::int64_t>(2 + at / 50);
      DW_TRY(publish(w, killer, rule_event("follow-up", kFollowUp, version)));
    }
  }
  return ok();
}

// Rows of a table, from the first one again after each kill, as `import run` reads its file.
Result<void> import_rows(daemon::Workspace& w, Killer& killer, std::uint64_t seed,
                         std::uint64_t rows) {
  daemon::Appender appender{w};
  std::string text;
  for (std::uint64_t row = 1; row <= rows; ++row) {
    auto event = event_of(seed, 1'000'000 + row);
    event.time = Instant{1'772'442'000'000} + minutes(static_cast<std::int64_t>(row * 11));
    event.id = "i" + std::to_string(row);
    event.import_batch = "table";
    event.import_row = row;
    DW_TRY(appender.add(event));
    killer.at("import.added");
    text += event.id + "\n";
    if (row % 25 != 0) continue;
    DW_TRY(appender.flush());
    killer.at("import.durable");
    acknowledge(std::exchange(text, {}));
  }
  return appender.flush();
}

// While what was appended is still being decided.
Result<void> back_up(daemon::Workspace& w, Killer& killer) {
  daemon::BackupOptions options;
  options.at_point = [&killer](std::string_view at) { killer.at(at); };
  const auto to = daemon::backups_folder(w.path()) + "/" + daemon::backup_name(w.clock().wall());
  DW_TRY(daemon::create_backup({w.files(), w.clock(), w.path(), *w.embedded_log()}, to, options));
  return ok();
}

Result<void> work(daemon::Workspace& w, Killer& killer, std::uint64_t seed, std::uint64_t first) {
  for (const auto& reference :
       {pipeline_event(), rule_event("follow-up", kFollowUp), rule_event("hand-over", kHandOver)}) {
    DW_TRY(publish(w, killer, reference));
  }
  DW_TRY(w.engine().wait_idle());
  DW_TRY(append_facts(w, killer, seed, first));
  if (killer.wants("backup.")) {
    DW_TRY(back_up(w, killer));
  }
  DW_TRY(import_rows(w, killer, seed, first / 2 + kFacts / 2));
  DW_TRY(w.engine().wait_idle());
  if (killer.wants("view.")) {
    DW_TRY(w.rebuild_view("board", [](std::uint64_t) {}));
  }
  return w.stop();
}

int run(const std::string& path, std::uint64_t seed, std::uint64_t first, const std::string& point,
        int hit) {
  auto killer = std::make_shared<Killer>(point, hit);
  auto workspace = open(path, [killer](std::string_view at) { killer->at(at); });
  if (!workspace) return fail(workspace.error());
  auto done = work(*workspace.value(), *killer, seed, first);
  return done ? 0 : fail(done.error());
}

// ---- afterwards

Error wrong(PartitionId id, const std::string& what) {
  return Error{Code::kDamaged, "partition " + std::to_string(id) + ": " + what};
}

// What a partition's logs say, read record by record with no help from the engine's fold.
struct Said {
  std::set<std::string> facts;      // source/id
  std::set<std::string> reference;  // ids
  std::set<std::string> homes;      // source/id of what partitions tell each other
  std::set<EffectId> effects;       // requested by accepted decisions
  std::uint64_t timers = 0;
  std::vector<std::uint64_t> sent;  // per target: the last number, dense from 1
};

Result<void> read_facts(Log& log, PartitionId id, Said& said) {
  DW_TRY(auto end, log.end(Topic::kEvents, id));
  for (Position at = 0; at < end;) {
    DW_TRY(auto batch, log.read(Topic::kEvents, id, at, 1 << 20));
    for (const auto& record : batch.records) {
      Event event;
      DW_TRY(codec::decode(record.bytes, event));
      if (event.source == "crash") said.facts.insert(event.id);
      if (event.source == "ops") said.reference.insert(event.id);
      if (runtime::tells_of_homes(event.type)) said.homes.insert(event.source + event.id);
    }
    at = batch.next;
  }
  return ok();
}

Result<void> hear(PartitionId id, const TurnRecord& turn, Said& said) {
  if (turn.timer) ++said.timers;
  for (const auto& change : turn.changes) {
    const auto* effect = std::get_if<EffectRequested>(&change);
    if (effect != nullptr && !said.effects.insert(effect->effect.id).second)
      return wrong(id, "an effect was decided twice");
  }
  for (const auto& send : turn.sends) {
    said.sent.resize(std::max<std::size_t>(said.sent.size(), send.to + 1));
    if (send.number != ++said.sent[send.to]) return wrong(id, "a send's number is not the next");
  }
  return ok();
}

Result<void> read_decisions(Log& log, PartitionId id, Said& said) {
  DW_TRY(auto end, log.end(Topic::kDecisions, id));
  runtime::Meta at_record;
  for (Position at = 0; at < end;) {
    DW_TRY(auto batch, log.read(Topic::kDecisions, id, at, 1 << 20));
    for (const auto& bytes : batch.records) {
      DecisionRecord record;
      DW_TRY(codec::decode(bytes.bytes, record));
      const bool claim = std::holds_alternative<LeaderClaim>(record.body);
      if (accept(at_record, record.header, claim) == runtime::Acceptance::kIgnored) continue;
      at_record.term = record.header.term;
      at_record.claim = record.header.claim;
      at_record.sequence = record.header.sequence + 1;
      at_record.events = record.header.through;
      at_record.chain = sha256(bytes.bytes);
      const auto* turns = std::get_if<Batch>(&record.body);
      for (std::size_t i = 0; turns != nullptr && i < turns->turns.size(); ++i) {
        DW_TRY(hear(id, turns->turns[i], said));
      }
    }
    at = batch.next;
  }
  return ok();
}

// What a partition came to.
struct Found {
  Result<Sha256> live = Error{Code::kClosed, ""};
  runtime::Meta meta;
  std::set<EffectId> ledger;
  std::map<std::string, std::string> rules;
};

Result<Found> look(daemon::Workspace& w, PartitionId id) {
  Found found;
  Result<void> scanned = ok();
  DW_TRY(w.engine().ask(id, [&](runtime::Partition& partition) {
    auto& state = partition.state();
    found.live = state.fingerprint();
    found.meta = state.meta;
    scanned = state.scan(runtime::keys::kEffect, [&](std::string_view, std::string_view value) {
      Effect effect;
      if (codec::decode(value, effect)) found.ledger.insert(effect.id);
      return true;
    });
    if (!scanned) return;
    scanned = state.scan(runtime::keys::kPublished, [&](std::string_view key, std::string_view v) {
      found.rules.emplace(key, v);
      return true;
    });
  }));
  DW_TRY(std::move(scanned));
  return found;
}

Result<void> compare(daemon::Workspace& w, PartitionId id, const Said& said, const Found& found) {
  Result<Sha256> replayed = Error{Code::kClosed, ""};
  DW_TRY(w.with_replay(id, [&](runtime::State& state) { replayed = state.fingerprint(); }));
  if (!found.live || !replayed || found.live.value() != replayed.value())
    return wrong(id, "state and views differ from a fold of the logs");
  if (found.ledger != said.effects)
    return wrong(id, "the ledger has " + std::to_string(found.ledger.size()) +
                         " effects, the decisions " + std::to_string(said.effects.size()));
  if (found.meta.timers_fired != said.timers)
    return wrong(id, "timers fired " + std::to_string(found.meta.timers_fired) + ", recorded " +
                         std::to_string(said.timers));
  return ok();
}

// Each send was taken once, by each partition, and nothing is on the way any more.
Result<void> compare_sends(const std::vector<Said>& said, const std::vector<Found>& found) {
  for (PartitionId from = 0; from < said.size(); ++from) {
    for (PartitionId to = 0; to < said[from].sent.size(); ++to) {
      const auto& meta = found[to].meta;
      const auto taken = from < meta.received.size() ? meta.received[from] : 0;
      if (said[from].sent[to] != taken)
        return wrong(to, "took send " + std::to_string(taken) + " of " +
                             std::to_string(said[from].sent[to]));
    }
    if (found[from].meta.acked != found[from].meta.sent) return wrong(from, "a send waits");
    if (found[from].rules != found[0].rules) return wrong(from, "it has other rules");
    if (found[from].meta.reference != found[0].meta.reference)
      return wrong(from, "it has another revision");
  }
  return ok();
}

Result<std::size_t> check_all(daemon::Workspace& w, const std::set<std::string>& acknowledged) {
  DW_TRY(w.engine().wait_idle());
  std::vector<Said> said(w.partitions());
  std::vector<Found> found;
  std::set<std::string> facts, reference;
  std::uint64_t judged = 0;
  for (PartitionId id = 0; id < w.partitions(); ++id) {
    DW_TRY(auto looked, look(w, id));
    found.push_back(std::move(looked));
    DW_TRY(read_facts(w.log(), id, said[id]));
    DW_TRY(read_decisions(w.log(), id, said[id]));
    DW_TRY(compare(w, id, said[id], found[id]));
    const auto& meta = found[id].meta;
    judged += meta.accepted + meta.refused + meta.set_aside - said[id].homes.size();
    facts.insert(said[id].facts.begin(), said[id].facts.end());
    reference.insert(said[id].reference.begin(), said[id].reference.end());
  }
  DW_TRY(compare_sends(said, found));
  for (const auto& id : acknowledged) {
    if (facts.count(id) + reference.count(id) == 0)
      return Error{Code::kDamaged, "acknowledged and lost: " + id};
  }
  // Reference facts are judged once in each partition, others once.
  const auto expected = facts.size() + reference.size() * w.partitions();
  if (judged != expected)
    return Error{Code::kDamaged,
                 "judged " + std::to_string(judged) + " facts of " + std::to_string(expected)};
  return facts.size();
}

// Each is whole, or has no manifest.
Result<void> check_backups(daemon::Workspace& w) {
  DW_TRY(const auto all, daemon::list_backups(w.files(), daemon::backups_folder(w.path())));
  for (const auto& one : all) {
    const auto checked = daemon::verify_backup(w.files(), one.path);
    if (!checked && checked.error().code != Code::kNotFound) return checked.error();
  }
  return ok();
}

int check(const std::string& path) {
  std::set<std::string> acknowledged;
  for (std::string id; std::getline(std::cin, id);) {
    if (!id.empty()) acknowledged.insert(id);
  }
  auto workspace = open(path, {});
  if (!workspace) return fail(workspace.error());
  const auto facts = check_all(*workspace.value(), acknowledged);
  if (!facts) return fail(facts.error());
  if (auto backups = check_backups(*workspace.value()); !backups) return fail(backups.error());
  if (auto stopped = workspace.value()->stop(); !stopped) return fail(stopped.error());
  std::printf("ok %zu facts\n", facts.value());
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
