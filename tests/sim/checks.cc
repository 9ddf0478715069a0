// World: the oracles of docs/simulation.md. O5 and parts of O1 and O6 are the chronicle's.
#include <algorithm>

#include "engine/codec/decision_codec.h"
#include "engine/ports/fake/fake_channel.h"
#include "engine/runtime/rebuild.h"
#include "engine/runtime/verify.h"
#include "projections/registry.h"
#include "tests/sim/world.h"

namespace dealwright::sim {
namespace {

constexpr std::size_t kStepsOfRestore = 4000;
constexpr std::size_t kLastGroupMax = 2600;  // bytes; one append is a group here

}  // namespace

// O4, O6: nothing passes its point of no return before the log says that it may.
void World::check_pass(std::uint32_t node, const Attempt& attempt) {
  const auto& id = attempt.effect.id;
  const auto passes = ++passes_[id];
  std::uint32_t starts = 0;
  for (const auto& chronicle : chronicles_) {
    const auto found = chronicle->effects().find(id);
    if (found != chronicle->effects().end()) starts += found->second.starts;
  }
  if (passes <= starts) return;
  story_.breaks("O4", "node " + std::to_string(node) + " lets attempt " +
                          std::to_string(attempt.number) + " of " + attempt.effect.channel + " " +
                          hex(id) + " pass, and the log has started " + std::to_string(starts));
}

// O2: everything that a node knows of a partition, against the naive fold of its log.
void World::check_state(Node& node, PartitionId id, bool views) {
  auto* partition = node.partition(id);
  auto& oracle = oracles_[id];
  if (partition == nullptr || !partition->drained() || partition->status().stopped) return;
  auto& state = partition->state();
  const auto& chronicle = *chronicles_[id];
  if (state.meta.decisions < oracle.decisions()) return;
  auto& [events_fed, decisions_fed] = fed_[id];
  for (; events_fed < chronicle.events().size(); ++events_fed) {
    const auto& event = chronicle.events()[events_fed];
    oracle.add_event(event.position, event.bytes);
  }
  for (; decisions_fed < chronicle.decisions().size(); ++decisions_fed) {
    const auto& record = chronicle.decisions()[decisions_fed];
    if (record.position >= state.meta.decisions) break;
    const auto wrong = oracle.add_decision(record.position, record.bytes);
    if (!wrong.empty()) {
      return story_.breaks("O2", "partition " + std::to_string(id) + ", decision record " +
                                     std::to_string(record.position) + ": " + wrong);
    }
  }
  story_.met("compared with the naive fold");
  auto different = oracle::difference(oracle.dump(), oracle::dump_of(state));
  if (different.empty() && views) {
    const std::vector<Instant> instants{oracle.now() - hours(3)};
    for (const auto& question : oracle::questions(oracle.now(), instants)) {
      const auto expected = oracle.ask(question);
      const auto got = oracle::ask(state, question);
      if (expected == got) continue;
      different = "view " + question.name() + "\nnaive:\n" + expected + "engine:\n" + got;
      break;
    }
  }
  if (!different.empty()) {
    story_.breaks("O2", "partition " + std::to_string(id) + " at decision record " +
                            std::to_string(state.meta.decisions) + "\n" + different);
  }
}

void World::check_anywhere() {
  auto& node = any_node();
  if (!node.up() || plan_.partitions > 1) return;
  ++compared_;
  check_state(node, any_partition(), false);
}

// O8: a copy that is restored sends nothing before a person says so.
void World::check_restore(PartitionId id) {
  const auto& chronicle = *chronicles_[id];
  if (chronicle.decisions().size() < 20 || chronicle.resumed_behind()) return;
  ++restores_;
  FakeLog log{plan_.partitions, plan_.seed};
  const auto copy = [&](Topic topic, const std::vector<Chronicle::Kept>& kept) {
    Position next = 0;
    for (const auto& record : kept) {
      log.skip_positions(topic, id, record.position - next);
      log.put(topic, id, record.bytes);
      next = record.position + 1;
    }
  };
  copy(Topic::kEvents, chronicle.events());
  copy(Topic::kDecisions, chronicle.decisions());
  FakeStore store;
  FakeFileSystem files;
  FakeClock clock{clock_.wall()};
  FakeRandom random{plan_.seed};
  InlineWorker worker;
  FakeChannel mail{"email", true}, hook{"webhook", false};
  Channel* channels[] = {&mail, &hook};
  const runtime::PartitionParts parts{log,    store,      files, clock,        random,
                                      worker, deciders(), key_,  place_.views, channels};
  runtime::PartitionOptions options;
  options.id = id;
  options.dedup_directory = "ids";
  options.effects_paused = true;
  options.clock_witness = true;
  auto opened = runtime::Partition::open(parts, std::move(options), [] {});
  if (!opened) return story_.breaks("O8", "a restored copy: " + opened.error().detail);
  for (std::size_t i = 0; i < kStepsOfRestore; ++i) {
    const auto stepped = opened.value()->step();
    if (!stepped) return story_.breaks("O8", "a restored copy: " + stepped.error().detail);
    if (!log.run_one(id) && !stepped.value()) {
      if (i > kStepsOfRestore / 2) break;
      i += kStepsOfRestore / 4;
      clock.advance(hours(2));
    }
  }
  story_.met("a copy was restored");
  if (mail.sent + hook.sent > 0) {
    story_.breaks("O8", "a restored copy sent " + std::to_string(mail.sent) + " mails and " +
                            std::to_string(hook.sent) + " calls before anybody let it");
  }
}

// As the daemon does it: folded beside, swapped while nothing is in flight.
void World::rebuild_a_view() {
  auto& node = any_node();
  const auto id = any_partition();
  auto* partition = node.partition(id);
  if (!node.up() || node.paused || partition == nullptr || !partition->drained()) return;
  auto& state = partition->state();
  if (state.failure() || state.meta.decisions < 5) return;
  const auto all = projections::all_views();
  const View* const views[] = {all[scheduler_.below(all.size())]};
  FakeStore scratch;
  FakeFileSystem files;
  auto rebuild = runtime::Rebuild::start(node.log(), id, views, scratch, files, "ids", {});
  if (!rebuild) return;
  if (const auto done = rebuild.value()->advance(state.meta.decisions); !done) return;
  auto cells = rebuild.value()->take_cells(*views[0]);
  if (!cells) return;
  if (const auto swapped = state.adopt_view(*views[0], cells.value()); !swapped) return;
  ++rebuilds_;
  story_.say("view {} was rebuilt", views[0]->name());
  story_.met("a view was rebuilt");
}

// ---- at the end

Log& World::the_log() {
  if (broker_) return broker_->log;
  return nodes_.front()->log();
}

void World::check_end() {
  for (const auto& one : posted_) {
    if (one.acknowledged && !one.fact.empty()) chronicles_[one.partition]->expect_once(one.fact);
  }
  for (PartitionId id = 0; id < plan_.partitions && !story_.broken(); ++id) {
    check_chain(id);
    check_state(*nodes_.front(), id, true);
    check_sends(id);
    // A clock that is not believed holds timers back, when an id is forgotten behind the window
    // depends on how runs of ids were cut, and the id of a send names where its record was to
    // stand: no record says any of it.
    const bool told = plan_.witness && !plan_.months && !plan_.retention && plan_.partitions == 1;
    if (told && plan_.seed % 2 == 0) check_decides_again(id);
    const auto first = nodes_.front()->partition(id)->state().fingerprint();
    for (auto& node : nodes_) {
      auto& state = node->partition(id)->state();
      const auto print = state.fingerprint();
      if (!print || !first || print.value() == first.value()) continue;
      story_.breaks("O2",
                    "nodes do not agree on partition " + std::to_string(id) + ", at " +
                        std::to_string(state.meta.decisions) + " and " +
                        std::to_string(nodes_.front()->partition(id)->state().meta.decisions));
    }
    for (const auto& [key, enrolment] : oracles_[id].enrolments()) {
      if (!enrolment.due || *enrolment.due > oracles_[id].now()) continue;
      story_.breaks("O5", "a timer of " + enrolment.rule + " was due at " +
                              to_text(*enrolment.due) + " and never fired");
    }
  }
  if (!story_.broken()) check_effects();
  for (const auto& [what, ids] : books_.mails_about) {
    if (ids.size() > 1) story_.breaks("O4", std::to_string(ids.size()) + " mails about " + what);
  }
}

// O7: what partitions told each other came, all of it.
void World::check_sends(PartitionId from) {
  const auto at = [](const std::vector<std::uint64_t>& of, PartitionId id) {
    return id < of.size() ? of[id] : 0;
  };
  const auto& sender = nodes_.front()->partition(from)->state().meta;
  for (PartitionId to = 0; to < plan_.partitions; ++to) {
    const auto& receiver = nodes_.front()->partition(to)->state().meta;
    const auto sent = at(sender.sent, to), acked = at(sender.acked, to);
    const auto received = at(receiver.received, from);
    if (sent == acked && sent == received) continue;
    story_.breaks("O7", "partition " + std::to_string(from) + " sent " + std::to_string(sent) +
                            " facts to partition " + std::to_string(to) + ", believes that " +
                            std::to_string(acked) + " are there, and " + std::to_string(received) +
                            " were taken");
  }
}

void World::check_chain(PartitionId id) {
  const auto end = the_log().end(Topic::kEvents, id);
  if (end && chronicles_[id]->covered() < chronicles_[id]->events().back().position) {
    story_.breaks("O7", "events are left that nobody decided on, from " +
                            std::to_string(chronicles_[id]->covered()));
  }
  const auto events = runtime::records_of(the_log(), Topic::kEvents, id);
  const auto decisions = runtime::records_of(the_log(), Topic::kDecisions, id);
  const auto report = runtime::verify_chain(events, decisions);
  if (!report) return story_.breaks("O6", report.error().detail);
  // What retention left may begin with a record that readers dropped: it is taken on trust.
  if (report.value().damage && !report.value().trusts_first)
    story_.breaks("O6", report.value().damage->detail);
}

void World::check_effects() {
  std::set<EffectId> known;
  for (const auto& oracle : oracles_) {
    for (const auto& [id, effect] : oracle.effects()) {
      known.insert(id);
      check_effect(id, effect);
    }
  }
  for (const auto* book : {&books_.mails, &books_.hooks}) {
    for (const auto& [id, entry] : *book) {
      if (!known.contains(id)) story_.breaks("O4", "no ledger knows " + hex(id));
    }
  }
}

// O4: a line of the ledger against the book of who took it.
void World::check_effect(const EffectId& id, const Effect& effect) {
  const bool mail = effect.channel == "email";
  if (!mail && effect.channel != "webhook") return;
  const auto& book = mail ? books_.mails : books_.hooks;
  static const Books::Entry kNone;
  const auto found = book.find(id);
  const auto& entry = found == book.end() ? kNone : found->second;
  const auto breaks = [&](const std::string& why) {
    story_.breaks("O4", effect.channel + " " + hex(id) + " of " + effect.rule + " is " +
                            std::string{effect_state_name(effect.state)} + " (" + effect.reason +
                            "), taken " + std::to_string(entry.taken) + " times: " + why);
  };
  story_.met("an effect ended " + std::string{effect_state_name(effect.state)});
  const bool waits = effect.state == EffectState::kRequested ||
                     effect.state == EffectState::kRetryAt ||
                     effect.state == EffectState::kAttemptStarted;
  if (waits) {
    return breaks("healed, and it still waits" +
                  (effect.next ? ", until " + to_text(*effect.next) : std::string{}));
  }
  if (effect.state == EffectState::kDelivered && entry.taken == 0) breaks("nobody got it");
  if (mail && entry.taken > 1) breaks("twice");
  if (effect.state == EffectState::kUnknown) {
    if (!mail) breaks("a call is tried until it is known");
    if (entry.off.empty()) breaks("no line was lost and no node died behind its dot");
    return;
  }
  if (mail && entry.taken == 1 && effect.state != EffectState::kDelivered) {
    breaks("the ledger does not know");
  }
}

// ---- damage

// O9: found by name, or harmless; never a wrong answer.
void World::check_damage() {
  dice_.heal();
  for (auto& node : nodes_) {
    node->paused = false;
    node->skew = {};
    node->start();
  }
  run_quiet(300);
  if (story_.broken()) return;
  for (PartitionId id = 0; id < plan_.partitions; ++id) {
    for (auto& node : nodes_) {
      auto* partition = node->up() ? node->partition(id) : nullptr;
      if (partition == nullptr || node->parked(id) || !partition->drained()) {
        story_.met("damage was found");
        continue;
      }
      oracle::Oracle fresh;
      fresh.partitions = plan_.partitions;
      auto& state = partition->state();
      auto& log = node->log();
      if (!log.read(Topic::kEvents, id, state.meta.events, 1) ||
          !log.read(Topic::kDecisions, id, state.meta.decisions, 1)) {
        story_.met("damage was found");
        continue;
      }
      for (const auto& event : records(Topic::kEvents, id)) {
        fresh.add_event(event.first, event.second);
      }
      for (const auto& record : records(Topic::kDecisions, id)) {
        if (record.first < state.meta.decisions) fresh.add_decision(record.first, record.second);
      }
      if (fresh.decisions() != state.meta.decisions) continue;
      const auto different = oracle::difference(fresh.dump(), oracle::dump_of(state));
      if (!different.empty()) story_.breaks("O9", "damage gave a wrong answer\n" + different);
      story_.met("damage was harmless");
    }
  }
}

std::vector<std::pair<Position, std::string>> World::records(Topic topic, PartitionId id) {
  std::vector<std::pair<Position, std::string>> out;
  for (Position from = 0;;) {
    const auto batch = the_log().read(topic, id, from, 1 << 20);
    if (!batch || batch.value().records.empty()) return out;
    for (const auto& record : batch.value().records) {
      out.emplace_back(record.position, std::string{record.bytes});
    }
    from = batch.value().next;
  }
}

// The last records of a partition are taken away, as an unclean election does.
void World::truncate_log() {
  const auto id = any_partition();
  const auto topic = scheduler_.chance(50) ? Topic::kEvents : Topic::kDecisions;
  broker_->log.truncate(topic, id, 1 + scheduler_.below(5));
  broker_->cut_off(topic, id);
  damaged_ = true;
  story_.damaged();
  story_.say("the last records of {} of partition {} are gone", topic_name(topic), id);
}

// A bit of a file of the log turns over while the machine is off.
void World::damage_a_disk() {
  auto& node = *nodes_.front();
  if (!node.up()) return;
  node.die(true);
  std::vector<std::string> segments;
  for (const auto& [path, bytes] : node.files().snapshot()) {
    if (path.ends_with(".seg") && bytes.size() > 200) segments.push_back(path);
  }
  if (segments.empty()) return;
  const auto& path = segments[scheduler_.below(segments.size())];
  const auto bytes = node.files().contents(path).value();
  const auto used = bytes.find_last_not_of('\0') + 1;
  if (used < 4500) return;
  // The last group of a log that was not closed cannot be told from an unfinished write.
  const auto at = scheduler_.below(used - kLastGroupMax);
  node.files().flip_bit(path, at, static_cast<int>(scheduler_.below(8)));
  damaged_ = true;
  story_.damaged();
  story_.say("a bit turns over in {}, byte {} of {}", path, at, used);
}

std::uint64_t World::facts_counted() const {
  std::uint64_t out = 0;
  for (const auto& chronicle : chronicles_) out += chronicle->events().size();
  return out;
}

std::string World::digest() const {
  Sha256Stream stream;
  for (const auto& chronicle : chronicles_) {
    for (const auto& event : chronicle->events()) stream.update(event.bytes);
    for (const auto& record : chronicle->decisions()) stream.update(record.bytes);
  }
  for (const auto* book : {&books_.mails, &books_.hooks}) {
    for (const auto& [id, entry] : *book) stream.update(hex(id) + std::to_string(entry.taken));
  }
  return hex(stream.finish()).substr(0, 16);
}

}  // namespace dealwright::sim
