#include "rules/testing/test_world.h"

#include <algorithm>

#include "engine/base/overloaded.h"

namespace dealwright::rules {
namespace {

constexpr std::uint32_t kDepthMax = 8;
constexpr std::uint32_t kFactsMax = 256;
constexpr int kTimersMax = 10'000;  // of one step of the clock

bool within(TypeId type, TypeId first, TypeId last) { return type >= first && type <= last; }

class WorldNeighbours : public Neighbours {
 public:
  explicit WorldNeighbours(std::map<RecordKey, Record>& records) : records_{records} {}
  const Record* find(const RecordKey& key) override {
    const auto it = records_.find(key);
    return it == records_.end() ? nullptr : &it->second;
  }
  // A test's world keeps records, not their histories.
  std::optional<TypeId> fact(const RecordKey&, std::string_view, std::string_view) override {
    return std::nullopt;
  }

 private:
  std::map<RecordKey, Record>& records_;
};

}  // namespace

// ---- what is given

Record& TestWorld::touch(const RecordKey& key) {
  auto& record = records_[key];
  record.key = key;
  return record;
}

void TestWorld::give_pipeline(const RecordKey& key, const Fields& fields) {
  auto pipeline = read_pipeline(key.id, fields);
  if (!pipeline) return;
  reference_.pipelines.put(std::move(pipeline.value()), {kBeforeAll, 0});
  has_pipelines_ = true;
}

void TestWorld::give(const std::vector<TestRecord>& records) {
  for (const auto& given : records) {
    if (given.key.kind == Kind::kPipeline) give_pipeline(given.key, given.fields);
  }
  for (const auto& given : records) {
    auto& record = give(given.key);
    for (const auto& [field, value] : given.fields) give_value(record, field, value);
    for (const auto& [name, value] : given.custom) record.custom.push_back({name, value, {}});
    for (const auto& [name, value] : given.extra) record.extra.push_back({name, value, {}});
    settle(record);
  }
}

void TestWorld::settle(Record& record) {
  auto& life = record.life;
  life.opened = true;
  if (record.key.kind == Kind::kDeal) {
    const auto* pipeline = reference_.pipelines.find(life.pipeline, now_);
    const auto* stage = pipeline == nullptr ? nullptr : pipeline->find(life.stage);
    const auto said = life.meaning.category;
    if (stage != nullptr) life.meaning = stage->meaning;
    if (said != DealStatus::kOpen) life.meaning.category = said;
  }
  if (record.key.kind == Kind::kTask) {
    if (!life.first_due) life.first_due = life.due;
    if (life.state.empty()) life.state = "open";
  }
  record.base = life;
}

// ---- time

void TestWorld::fire_due(Instant to) {
  for (int fired = 0; !timers_.empty() && fired < kTimersMax; ++fired) {
    const auto& [order, id] = *timers_.begin();
    const TimerKey timer{std::get<0>(order), std::get<1>(order), id, std::get<3>(order)};
    if (to < timer.due) break;
    timers_.erase(timers_.begin());
    now_ = std::max(now_, timer.due);
    facts_ = depth_ = 0;
    const auto it = enrolments_.find(timer.enrolment);
    if (it != enrolments_.end() && it->second.due == timer.due) it->second.due.reset();
    decider_.on_timer(timer, *this);
    run_queue();
  }
}

void TestWorld::advance(Instant to) {
  fire_due(to);
  now_ = std::max(now_, to);
}

bool TestWorld::accepted(const Event& event) {
  WorldNeighbours neighbours{records_};
  const auto* subject = neighbours.find(dealwright::standing_for(event, neighbours));
  const auto refusal = decide(subject, event, now_, reference_, neighbours);
  // A test that gives no pipelines does not care for them.
  const bool pipeline = refusal == Refusal::kUnknownPipeline || refusal == Refusal::kUnknownStage;
  return refusal == Refusal::kNone || (pipeline && !has_pipelines_);
}

std::string TestWorld::deliver(const Event& event, Instant at) {
  // As a partition does: only timers that were due by the event's own time go before it.
  if (event.time && *event.time < at) {
    now_ = std::max(now_, at);
    fire_due(*event.time);
  } else {
    advance(at);
  }
  facts_ = depth_ = 0;
  if (!accepted(event)) {
    WorldNeighbours neighbours{records_};
    const auto* subject = neighbours.find(dealwright::standing_for(event, neighbours));
    return std::string{refusal_name(decide(subject, event, now_, reference_, neighbours))};
  }
  auto frame = std::make_unique<Frame>();
  frame->event = event;
  fold(*frame, 0);
  decider_.on_fact(frame->fact, *this);
  run_queue();
  return {};
}

void TestWorld::run_queue() {
  while (!queue_.empty()) {
    const auto frame = std::move(queue_.front());
    queue_.pop_front();
    depth_ = frame->fact.depth;
    frame->fact.subject = &touch(standing_for(frame->event.subject));
    decider_.on_fact(frame->fact, *this);
  }
  depth_ = 0;
}

RecordKey TestWorld::standing_for(const RecordKey& key) const {
  RecordKey at = key;
  for (int hops = 0; hops < 64; ++hops) {
    const auto it = records_.find(at);
    if (it == records_.end() || it->second.merged_into.empty()) break;
    at.id = it->second.merged_into;
  }
  return at;
}

void TestWorld::fold(Frame& frame, std::uint32_t depth) {
  const auto& event = frame.event;
  Record& record = touch(standing_for(event.subject));
  const auto at = place(record, event, now_, ++order_);
  evolve(record, event, at, reference_, frame.folded);
  auto& fact = frame.fact;
  fact.event = &event;
  fact.occurred = at.undated ? now_ : at.stamp.occurred;
  fact.ingested = now_;
  fact.order = at.stamp.order;
  fact.late = frame.folded.late;
  fact.undated = at.undated;
  fact.policy = event.policy;
  fact.stale = event.time && event.import_batch.empty() && *event.time < now_ - kEventAgeMax;
  fact.depth = depth;
  fact.changes = frame.folded.changed;
  Folded implied;
  if (event.type == TypeId::kDealOpened || event.type == TypeId::kOfferRevised) {
    for (const auto& one : implied_by(event)) {
      Record& other = touch(standing_for(one.record));
      evolve_implied(other, one, place_implied(other, at), reference_.pipelines, implied);
    }
  }
  if (within(event.type, TypeId::kAccountMerged, TypeId::kSurveyMerged)) {
    const auto loser = touch(event.subject);
    merge_into(touch({event.subject.kind, loser.merged_into}), loser, at, implied);
  }
  if (event.type == TypeId::kPipelineUpdated) give_pipeline(event.subject, event.data);
  fact.subject = &touch(standing_for(event.subject));
}

// ---- what the decider reads

const Record* TestWorld::record(const RecordKey& key) {
  const auto it = records_.find(standing_for(key));
  return it == records_.end() ? nullptr : &it->second;
}
const Enrolment* TestWorld::enrolment(const EnrolmentId& id) {
  const auto it = enrolments_.find(id);
  return it == enrolments_.end() ? nullptr : &it->second;
}
std::optional<Entry> TestWorld::entry(std::string_view rule, std::string_view key) {
  const auto it = entries_.find({std::string{rule}, std::string{key}});
  return it == entries_.end() ? std::nullopt : std::optional{it->second};
}
std::optional<EffectState> TestWorld::effect_state(const EffectId& id) {
  const auto it = effects_.find(id);
  return it == effects_.end() ? std::nullopt : std::optional{it->second.state};
}
std::vector<EnrolmentId> TestWorld::watching(const RecordKey& key) {
  const auto it = records_.find(key);
  if (it == records_.end()) return {};
  auto out = it->second.watchers;
  std::sort(out.begin(), out.end(), [&](const EnrolmentId& a, const EnrolmentId& b) {
    const auto& x = enrolments_.at(a);
    const auto& y = enrolments_.at(b);
    return std::tie(x.rule, x.key, a) < std::tie(y.rule, y.key, b);
  });
  return out;
}

// ---- changes

bool TestWorld::decide_fact(const FactDecided& fact) {
  if (depth_ + 1 > kDepthMax || ++facts_ > kFactsMax || !accepted(fact.event)) {
    RuleFailed failed;
    failed.rule =
        fact.event.actor.starts_with("rule/") ? fact.event.actor.substr(5) : fact.event.actor;
    failed.subject = fact.event.subject;
    failed.where = fact.event.type_name();
    failed.code = depth_ + 1 > kDepthMax ? "loop" : facts_ > kFactsMax ? "budget" : "refused";
    if (watch_) watch_(now_, failed);
    return false;
  }
  if (watch_) watch_(now_, fact);
  auto frame = std::make_unique<Frame>();
  frame->event = fact.event;
  fold(*frame, depth_ + 1);
  queue_.push_back(std::move(frame));
  return true;
}

bool TestWorld::change(Change change) {
  if (const auto* fact = std::get_if<FactDecided>(&change)) return decide_fact(*fact);
  if (watch_) watch_(now_, change);
  apply(change);
  return true;
}

void TestWorld::watch(const Enrolment& enrolment, bool on) {
  for (const auto& key : enrolment.watched) {
    auto& watchers = touch(key).watchers;
    const auto at = std::lower_bound(watchers.begin(), watchers.end(), enrolment.id);
    const bool there = at != watchers.end() && *at == enrolment.id;
    if (on && !there) watchers.insert(at, enrolment.id);
    if (!on && there) watchers.erase(at);
  }
}

void TestWorld::move_effect(const EffectId& id, EffectState to, const std::string& reason) {
  const auto it = effects_.find(id);
  if (it == effects_.end() || is_final(it->second.state)) return;
  it->second.state = to;
  it->second.reason = reason;
  it->second.changed = now_;
  const auto owner = enrolments_.find(it->second.enrolment);
  if (is_final(to) && owner != enrolments_.end()) std::erase(owner->second.effects, id);
}

void TestWorld::give_turn(const Enrolment& enrolment) {
  for (const auto& queue : drip_queues(enrolment)) {
    auto& entry = entries_[{queue, std::string{kDrip}}];
    ++entry.count;
    entry.last = std::max(entry.last, *enrolment.due);
  }
}

void TestWorld::apply(const Change& change) {
  std::visit(overloaded{
                 [&](const EnrolmentStarted& c) {
                   const auto& e = c.enrolment;
                   enrolments_[e.id] = e;
                   watch(e, true);
                   if (e.due) timers_.insert({{*e.due, e.rule, e.key, e.step}, e.id});
                   give_turn(e);
                   if (!c.remember) return;
                   auto& entry = entries_[{e.rule, e.key}];
                   ++entry.count;
                   entry.last = entry.count == 1 ? e.base : std::max(entry.last, e.base);
                 },
                 [&](const EnrolmentMoved& c) {
                   const auto it = enrolments_.find(c.id);
                   if (it == enrolments_.end()) return;
                   auto& e = it->second;
                   if (e.due) timers_.erase({*e.due, e.rule, e.key, e.step});
                   watch(e, false);
                   e.watched = c.watched;
                   watch(e, true);
                   e.step = c.step;
                   e.round = c.round;
                   e.step_since = c.step_since;
                   e.due = c.due;
                   e.waits_for_event = c.waits_for_event;
                   e.held = c.held;
                   if (c.due) timers_.insert({{*c.due, e.rule, e.key, c.step}, e.id});
                   give_turn(e);
                 },
                 [&](const EnrolmentEnded& c) {
                   const auto it = enrolments_.find(c.id);
                   if (it == enrolments_.end()) return;
                   auto& e = it->second;
                   if (e.due) timers_.erase({*e.due, e.rule, e.key, e.step});
                   watch(e, false);
                   const auto effects = e.effects;
                   if (c.cancel_effects) {
                     for (const auto& id : effects)
                       move_effect(id, EffectState::kCancelled, c.reason);
                   }
                   enrolments_.erase(c.id);
                 },
                 [&](const EffectRequested& c) {
                   if (!effects_.emplace(c.effect.id, c.effect).second) return;
                   const auto it = enrolments_.find(c.effect.enrolment);
                   if (it != enrolments_.end() && !is_final(c.effect.state)) {
                     it->second.effects.push_back(c.effect.id);
                   }
                 },
                 [&](const EffectMoved& c) { move_effect(c.id, c.state, c.reason); },
                 [](const EntryRefused&) {},
                 [](const FactDecided&) {},
                 [](const RuleFailed&) {},
                 [](const EventRedriven&) {},
             },
             change);
}

}  // namespace dealwright::rules
