#include "tests/engine/runtime/world.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/codec/decision_codec.h"
#include "engine/codec/event_codec.h"
#include "engine/runtime/keys.h"

namespace dealwright::runtime {
namespace {

EnrolmentId enrolment_of(std::string_view rule, std::string_view key) { return hash128(rule, key); }

EnrolmentStarted started(const FoldedFact& fact, std::string rule, std::string key) {
  EnrolmentStarted out;
  out.enrolment.id = enrolment_of(rule, key);
  out.enrolment.rule = std::move(rule);
  out.enrolment.version = 1;
  out.enrolment.key = std::move(key);
  out.enrolment.subject = fact.event->subject;
  out.enrolment.started = fact.ingested;
  out.enrolment.base = fact.occurred;
  out.enrolment.watched = {fact.event->subject};
  out.used = {{"deal.stage", Value{"offer"}}};
  return out;
}

Effect effect_of(const EnrolmentStarted& start, std::string step, std::string channel,
                 Instant now) {
  Effect effect;
  effect.id =
      effect_id("default", start.enrolment.rule, start.enrolment.key, step, "", channel, "");
  effect.rule = start.enrolment.rule;
  effect.version = 1;
  effect.enrolment = start.enrolment.id;
  effect.step = std::move(step);
  effect.channel = std::move(channel);
  effect.subject = start.enrolment.subject;
  effect.requested = effect.changed = now;
  effect.payload = {{"text", Value{"hello"}}};
  return effect;
}

}  // namespace

void TestDecider::on_fact(const FoldedFact& fact, Turn& turn) {
  const auto& event = *fact.event;
  if (event.type == TypeId::kContentViewed) {
    auto start = started(fact, "letter", enrolment_key({event.source, event.id}));
    turn.change(start);
    auto mail = effect_of(start, "mail", "email", turn.now());
    mail.recipient = to_text(event.subject);
    mail.payload = {{"address", Value{"ann@example.org"}}, {"purpose", Value{"newsletter"}}};
    turn.change(EffectRequested{std::move(mail)});
    turn.change(EnrolmentEnded{start.enrolment.id, "done", false});
    return;
  }
  if (event.subject.kind != Kind::kDeal || fact.subject == nullptr) return;
  const auto& life = fact.subject->life;
  for (const auto& id : turn.watching(event.subject)) {
    const auto* enrolment = turn.enrolment(id);
    if (enrolment != nullptr && life.stage != "offer") {
      turn.change(EnrolmentEnded{id, "left", true});
    }
  }
  for (const auto& change : fact.changes) {
    if (change.field != Field::kStage || life.stage != "offer") continue;
    auto start = started(fact, "follow-up", enrolment_key({event.source, event.id}));
    start.enrolment.due = fact.occurred + days(1);
    turn.change(start);
    auto mail = effect_of(start, "mail", "email", turn.now());
    mail.recipient = to_text(event.subject);
    mail.payload = {{"address", Value{"ann@example.org"}}, {"purpose", Value{"service"}}};
    turn.change(EffectRequested{std::move(mail)});
  }
  if (event.type == TypeId::kNoteAdded) {
    auto start = started(fact, "note", enrolment_key({event.id}));
    const auto entry = turn.entry("note", start.enrolment.key);
    if (entry) {
      turn.change(EntryRefused{"note", 1, event.subject, "once"});
      return;
    }
    turn.change(start);
    turn.change(EffectRequested{effect_of(start, "hook", "webhook", turn.now())});
    turn.change(EnrolmentEnded{start.enrolment.id, "done", false});
  }
  if (event.type == TypeId::kDealWon) {
    Event task;
    task.source = "dealwright/rule/hand-over";
    task.id = "t-" + event.id;
    task.type = TypeId::kTaskCreated;
    task.subject = {Kind::kTask, "t-" + event.id};
    task.time = turn.now();
    task.actor = "rule/hand-over";
    task.data.set(Field::kKind, Value{"call"});
    task.data.set(Field::kTitle, Value{"Hand over"});
    turn.change(FactDecided{task});
  }
}

void TestDecider::on_timer(const TimerKey& timer, Turn& turn) {
  const auto* enrolment = turn.enrolment(timer.enrolment);
  if (enrolment == nullptr) return;
  EnrolmentStarted start;
  start.enrolment = *enrolment;
  turn.change(EffectRequested{effect_of(start, "call", "notify", turn.now())});
  turn.change(EnrolmentEnded{timer.enrolment, "done", false});
}

World::World(std::uint64_t seed, bool on_event_clock, std::uint32_t partitions)
    : random{seed}, log{partitions, seed}, event_clock{on_event_clock} {
  limits.generation_events = 23;  // so that generations close in the middle of things
  limits.timers_in_memory = 4;
  limits.record_cache_bytes = 16'000;  // a few unpacked, some packed, the others in the store
}

void World::start() {
  DeciderFactory& decide = other_deciders != nullptr ? *other_deciders : deciders;
  PartitionParts parts{log, store, files, clock, random, worker, decide, key, views, channels};
  PartitionOptions options;
  options.dedup_directory = "/state/0/ids";
  options.event_clock = event_clock;
  options.clock_witness = clock_witness;
  options.limits = limits;
  options.events_per_record = events_per_record;
  options.effects_paused = effects_paused;
  parts.attempts = attempts;
  parts.hosts = &hosts;
  parts.meter = &meter;
  options.notify = [this](const Notice& notice) { notices.push_back(notice); };
  if (retention) {
    options.on_snapshot = [this](PartitionId id, Position events, Position decisions) {
      return log.release_before(id, events, decisions);
    };
  }
  auto opened = Partition::open(parts, options, [this] { ++wakes; });
  ASSERT_TRUE(opened) << opened.error().detail;
  partition = std::move(opened.value());
}

void World::crash() {
  partition.reset();
  attempts = std::make_shared<Attempts>();
  log.crash();
  store.crash(random.below(3));
}

bool World::step() {
  auto stepped = partition->step();
  EXPECT_TRUE(stepped) << stepped.error().detail;
  if (!stepped) return false;
  return log.run_one(0) || stepped.value();
}

void World::run() {
  while (step()) {
  }
}

Position World::add(const Event& event) {
  std::string bytes;
  codec::encode(event, bytes);
  return log.put(Topic::kEvents, 0, bytes);
}

Event World::pipeline() {
  Event event;
  event.source = "ops";
  event.id = "pipeline-1";
  event.type = TypeId::kPipelineUpdated;
  event.subject = {Kind::kPipeline, "p"};
  event.time = clock.wall() - days(60);
  List stages;
  for (const auto& [id, category, bp] :
       {std::tuple{"lead", "open", 10}, std::tuple{"demo", "open", 30},
        std::tuple{"offer", "open", 60}, std::tuple{"won", "won", 100},
        std::tuple{"lost", "lost", 0}}) {
    stages.emplace_back(
        Map{{"id", Value{id}}, {"category", Value{category}}, {"probability", Value{bp * 100}}});
  }
  event.data.set(Field::kStages, Value{std::move(stages)});
  return event;
}

Event World::random_event() {
  Event event;
  event.source = "crm";
  event.id =
      "e" + std::to_string(random.chance(4) && next_id > 0 ? random.below(next_id) : next_id);
  ++next_id;
  event.subject = {Kind::kDeal, "d" + std::to_string(random.below(6))};
  if (random.chance(12) && !past.empty()) return retraction_of(past[random.below(past.size())]);
  auto time = clock.wall() - minutes(static_cast<std::int64_t>(random.below(2000)));
  if (!random.chance(5)) event.time = time;
  static constexpr const char* kStages[] = {"lead", "demo", "offer", "offer", "nowhere"};
  switch (random.below(12)) {
    case 0:
    case 1:
      event.type = TypeId::kDealOpened;
      event.data.set(Field::kPipeline, Value{random.chance(5) ? "q" : "p"});
      event.data.set(Field::kAmount, Value{Money{static_cast<std::int64_t>(random.below(9999)),
                                                 Currency::unchecked('E', 'U', 'R')}});
      event.data.set(Field::kOwner, Value{"u" + std::to_string(random.below(3))});
      break;
    case 2:
    case 3:
    case 4:
      event.type = TypeId::kDealStageChanged;
      event.data.set(Field::kTo, Value{kStages[random.below(5)]});
      break;
    case 5:
      event.type = TypeId::kDealAmountChanged;
      event.data.set(Field::kAmount,
                     Value{Money{static_cast<std::int64_t>(random.below(9999)),
                                 random.chance(10) ? Currency::unchecked('U', 'S', 'D')
                                                   : Currency::unchecked('E', 'U', 'R')}});
      break;
    case 6:
      event.type = TypeId::kDealWon;
      break;
    case 7:
      event.type = TypeId::kDealLost;
      event.data.set(Field::kReason, Value{"price"});
      break;
    case 8:
      event.type = TypeId::kDealReopened;
      event.data.set(Field::kTo, Value{"demo"});
      break;
    case 9:
      event.type = TypeId::kForeignType;
      event.foreign_type = "com.example.cart_left";
      event.extra = {{"cart", Value{7}}};
      break;
    case 10:
      event.type = TypeId::kDealUpdated;
      event.data.set(Field::kSet, Value{Map{{"name", Value{"n" + std::to_string(random.below(9))}},
                                            {"colour", Value{"red"}}}});
      break;
    default:
      event.type = TypeId::kNoteAdded;
      event.data.set(Field::kText, Value{"a note"});
  }
  past.push_back(event);
  return event;
}

Event World::retraction_of(const Event& fact) {
  Event event;
  event.source = "ops";
  event.id = "r" + std::to_string(next_id++);
  event.type = TypeId::kEventRetracted;
  event.subject = fact.subject;
  event.time = clock.wall();
  event.data.set(Field::kSource, Value{fact.source});
  event.data.set(Field::kId, Value{fact.id});
  event.data.set(Field::kReason, Value{"a slip"});
  return event;
}

std::string claim_behind(const Meta& meta) {
  DecisionRecord claim;
  claim.header.state_version = kStateVersion;
  claim.header.term = meta.term + 1;
  claim.header.claim[0] = 9;
  claim.header.from = claim.header.through = meta.events;
  claim.header.now = meta.now;
  claim.header.workspace = "default";
  claim.header.chain = sha256(bytes_of(meta.chain));
  claim.body = LeaderClaim{"other"};
  std::string bytes;
  codec::encode(claim, bytes);
  return bytes;
}

std::string dump_of(State& state) {
  state.write_back();
  std::string out;
  const auto visit = [&](std::string_view key, std::string_view value) {
    if (key.front() == keys::kDedup) return true;  // how runs are cut is no state
    for (const auto text : {key, value}) {
      for (const char c : text) {
        out += c >= ' ' && c < 127 && c != '\\'
                   ? std::string(1, c)
                   : "\\" + std::to_string(static_cast<unsigned char>(c));
      }
      out += text.data() == key.data() ? " = " : "\n";
    }
    return true;
  };
  for (char letter = 'A'; letter <= 'Z'; ++letter) {
    auto scanned = state.scan(letter, visit);
    EXPECT_TRUE(scanned);
  }
  return out;
}

testing::AssertionResult same_dump(const std::string& a, const std::string& b) {
  if (a == b) return testing::AssertionSuccess();
  const auto at = static_cast<std::size_t>(
      std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  const auto line = a.rfind('\n', at) + 1;
  const auto show = [&](const std::string& text) {
    return text.substr(line, std::min<std::size_t>(text.find('\n', line) - line, 900));
  };
  return testing::AssertionFailure()
         << "they part at byte " << at << "\n1: " << show(a) << "\n2: " << show(b);
}

std::string World::dump() { return dump_of(partition->state()); }

std::string World::dump_of_replay() {
  FakeStore empty;
  FakeFileSystem disk;
  auto state = State::open(empty, disk, "/ids", views, limits);
  EXPECT_TRUE(state);
  Folder folder{*state.value(), LogFacts{log, 0}};
  Replay replay{log, 0, *state.value(), folder};
  for (;;) {
    auto folded = replay.step();
    EXPECT_TRUE(folded) << folded.error().detail;
    if (!folded || !folded.value()) break;
  }
  return dump_of(*state.value());
}

}  // namespace dealwright::runtime
