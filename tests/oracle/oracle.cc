#include "tests/oracle/oracle.h"

#include <algorithm>

#include "engine/base/overloaded.h"
#include "engine/codec/decision_codec.h"
#include "engine/codec/event_codec.h"

namespace dealwright::oracle {
namespace {

bool within(TypeId type, TypeId first, TypeId last) { return type >= first && type <= last; }

HistoryEntry entry_of(Instant occurred, std::uint64_t position, std::uint32_t index, bool decided) {
  HistoryEntry out;
  out.occurred = occurred;
  out.position = position;
  out.index = index;
  out.decision = decided;
  return out;
}

}  // namespace

std::string Oracle::add_decision(std::uint64_t position, const std::string& bytes) {
  DecisionRecord record;
  if (auto decoded = codec::decode(bytes, record); !decoded) return decoded.error().detail;
  const auto& header = record.header;
  decisions_ = position + 1;
  // design.md 7.5: a claim counts if its term is above the leading one, all else if it is the next
  // of the leading term; both if they begin where the last one ended, a claim behind that record.
  if (std::holds_alternative<LeaderClaim>(record.body)) {
    const bool read_all = header.from == events_ && header.chain == sha256(bytes_of(chain_));
    if (header.term <= term_ || !read_all) return {};
    term_ = header.term;
    claim_ = header.claim;
    sequence_ = header.sequence;
    if (decisions_fold_ == 0) event_clock_ = header.event_clock;  // the first record fixes it
  } else if (header.term != term_ || header.claim != claim_ || header.sequence != sequence_ ||
             header.from != events_) {
    return {};
  }
  ++decisions_fold_;
  chain_ = sha256(bytes);
  if (header.now < now_) return "time goes back";
  if (!event_clock_) now_ = header.now;
  fold_batch(record, position);
  now_ = header.now;
  ++sequence_;
  events_ = std::max(events_, header.through);
  return std::exchange(wrong_, {});
}

void Oracle::fold_batch(const DecisionRecord& record, std::uint64_t position) {
  const auto* batch = std::get_if<Batch>(&record.body);
  if (batch == nullptr) return;
  index_ = 0;
  auto turn = batch->turns.begin();
  const auto fire_before = [&](std::uint64_t at) {
    for (; turn != batch->turns.end() && turn->timer && turn->position <= at; ++turn) {
      fold_turn(*turn, position);
    }
  };
  for (auto it = log_.lower_bound(record.header.from);
       it != log_.end() && it->first < record.header.through; ++it) {
    fire_before(it->first);
    const bool has = turn != batch->turns.end() && turn->position == it->first;
    fold_event(it->first, has ? &*turn : nullptr, position);
    if (has) ++turn;
  }
  fire_before(record.header.through);
  for (const auto& moved : batch->effects) move_effect(moved);
  if (turn != batch->turns.end()) wrong_ = "a turn that belongs to no event";
}

void Oracle::fold_event(std::uint64_t position, const TurnRecord* turn, std::uint64_t decision) {
  Event event;
  const bool readable = static_cast<bool>(codec::decode(log_.at(position), event));
  const auto verdict = turn == nullptr ? Verdict::kAccepted : turn->verdict;
  if (readable && event.time && event_clock_) now_ = std::max(now_, *event.time);
  if (readable) {
    const auto fresh = is_new(event, verdict != Verdict::kDuplicate);
    if (fresh && *fresh == (verdict == Verdict::kDuplicate)) {
      wrong_ = "event " + std::to_string(position) + (*fresh ? " is no" : " is") + " repeat, yet " +
               std::string{verdict_name(verdict)};
    }
  }
  switch (verdict) {
    case Verdict::kDuplicate:
      ++meta_["duplicates"];
      return;
    case Verdict::kRefused:
    case Verdict::kSetAside:
      ++meta_[verdict == Verdict::kRefused ? "refused" : "set_aside"];
      set_aside(position, *turn, readable ? &event : nullptr);
      return;
    case Verdict::kAccepted:
      break;
  }
  if (turn != nullptr && turn->code == "forwarded") return;  // another partition folds it
  ++meta_["accepted"];
  if (within(event.type, TypeId::kSubjectHomed, TypeId::kSubjectKeyConflict)) return;
  fold_fact(event, {position, decision, 0, false});
  if (turn == nullptr) return;
  for (const auto& change : turn->changes) apply(change, *turn, decision);
}

void Oracle::fold_turn(const TurnRecord& turn, std::uint64_t decision) {
  const auto& timer = *turn.timer;
  if (event_clock_) now_ = std::max(now_, timer.due);
  if (timer.due > now_) wrong_ = "a timer fired early";
  const auto it = enrolments_.find(timer.enrolment);
  if (it == enrolments_.end() || it->second.due != timer.due) {
    wrong_ = "a timer of " + timer.rule + " fired that was not set";
  } else {
    it->second.due.reset();
  }
  ++meta_["timers_fired"];
  count(timer.rule, "timers_fired", 1);
  const auto late = (now_ - timer.due).ms;
  count(timer.rule,
        late <= 10       ? "late_10ms"
        : late <= 100    ? "late_100ms"
        : late <= 1'000  ? "late_1s"
        : late <= 10'000 ? "late_10s"
        : late <= 60'000 ? "late_1min"
                         : "late_more",
        1);
  for (const auto& change : turn.changes) apply(change, turn, decision);
}

// ---- facts

RecordKey Oracle::winner_of(RecordKey key) const {
  for (int hops = 0; hops < 64; ++hops) {
    const auto it = merged_into_.find(key);
    if (it == merged_into_.end()) break;
    key.id = it->second;
  }
  return key;
}

Values Oracle::values(const RecordKey& key) const {
  const auto it = facts_.find(key);
  return values_of(key, it == facts_.end() ? Facts{} : it->second, pipelines_);
}

Instant Oracle::newest_of(const RecordKey& key) const {
  Instant newest = kBeforeAll;
  const auto it = facts_.find(key);
  if (it == facts_.end()) return newest;
  for (const auto& fact : it->second) {
    if (fact.why != Fact::Why::kMerge && !takes_back(fact)) {
      newest = std::max(newest, fact.stamp.occurred);
    }
  }
  return newest;
}

void Oracle::fold_fact(const Event& event, const Place& place) {
  Told told;
  told.event = event;
  told.place = place;
  told.ingested = now_;
  told.order = ++order_;
  if (event.type == TypeId::kEventRetracted) retract(told);
  if (within(event.type, TypeId::kAccountUnmerged, TypeId::kSurveyUnmerged)) unmerge(event.subject);
  tell(told, true);
  told_.push_back(std::move(told));
  take_of_effects(event);
}

// Takes a fact of the subject, or of what it was merged into, back; a retraction's own retraction
// gives back what that one took.
void Oracle::retract(Told& told) {
  const auto& data = told.event.data;
  auto key = told.event.subject;
  for (int hops = 0; hops < 64; ++hops) {
    for (auto i = told_.size(); i-- > 0;) {
      auto& other = told_[i];
      if (other.out || other.holder != key || other.event.source != data.text(Field::kSource) ||
          other.event.id != data.text(Field::kId)) {
        continue;
      }
      other.out = true;
      told.took = i;
      if (other.took) told_[*other.took].out = false;
      return tell_anew();
    }
    const auto merged = merged_into_.find(key);
    if (merged == merged_into_.end()) break;
    key.id = merged->second;
  }
  wrong_ = "a retraction of a fact that is not there";
}

void Oracle::unmerge(const RecordKey& loser) {
  for (auto i = told_.size(); i-- > 0;) {
    auto& other = told_[i];
    if (other.out || other.holder != loser ||
        !within(other.event.type, TypeId::kAccountMerged, TypeId::kSurveyMerged) ||
        other.event.data.text(Field::kInto) == loser.id) {
      continue;
    }
    other.out = true;
    return tell_anew();
  }
  wrong_ = "an unmerge of what was not merged";
}

// As if what was taken back had never been. What was known before stays askable.
void Oracle::tell_anew() {
  former_.emplace_back(now_, std::move(facts_));
  facts_.clear();
  merged_into_.clear();
  for (auto& told : told_) {
    if (!told.out) tell(told, false);
  }
}

const std::map<RecordKey, Facts>& Oracle::facts_known_by(Instant known_by) const {
  for (const auto& [until, facts] : former_) {
    if (known_by < until) return facts;
  }
  return facts_;
}

// `first`: it came in just now, else it is told anew.
void Oracle::tell(Told& told, bool first) {
  const auto& event = told.event;
  const bool merges = within(event.type, TypeId::kAccountMerged, TypeId::kSurveyMerged);
  const bool unmerges = within(event.type, TypeId::kAccountUnmerged, TypeId::kSurveyUnmerged);
  const auto key = unmerges ? event.subject : winner_of(event.subject);
  told.holder = key;
  auto& facts = facts_[key];
  Fact fact;
  fact.event = event;
  fact.ingested = told.ingested;
  fact.undated = !event.time && !event.import_batch.empty();
  fact.stamp = {fact.undated ? newest_of(key) : event.time.value_or(told.ingested), told.order};
  fact.repeats = merges ? event.data.text(Field::kInto) == key.id
                        : repeats_final(key, facts, pipelines_, fact);
  for (const auto& [order, fields] : declared_) {
    if (order < told.order) fact.declared = fields;
  }
  const auto& place = told.place;
  if (first) {
    history_[key].push_back(entry_of(fact.stamp.occurred,
                                     place.decided ? place.decision : place.position, place.index,
                                     place.decided));
  }
  facts.push_back(fact);
  if (event.type == TypeId::kForeignType) return;
  if (first) fold_reference(event, fact.stamp);
  if (event.type == TypeId::kDealOpened && !event.data.text(Field::kLead).empty()) {
    add_implied({Kind::kLead, std::string{event.data.text(Field::kLead)}}, fact, place, first);
  }
  const auto older = event.data.text(Field::kSupersedes);
  if (event.type == TypeId::kOfferRevised && !older.empty() && older != event.subject.id) {
    add_implied({Kind::kOffer, std::string{older}}, fact, place, first);
  }
  if (!merges || fact.repeats) return;
  const auto loser = values(key);
  merged_into_[key] = event.data.text(Field::kInto);
  const auto into = winner_of(key);
  auto merge = merge_fact(values(into), loser, key.kind, fact.stamp);
  merge.ingested = told.ingested;
  facts_[into].push_back(std::move(merge));
  if (first) {
    history_[into].push_back(entry_of(fact.stamp.occurred,
                                      place.decided ? place.decision : place.position, place.index,
                                      place.decided));
  }
}

// What a fact says of another record stands in that one's history too; undated, behind its newest.
void Oracle::add_implied(const RecordKey& other, const Fact& fact, const Place& place, bool first) {
  const auto key = winner_of(other);
  Fact implied;
  implied.why = Fact::Why::kImplied;
  implied.event = fact.event;
  implied.stamp = fact.stamp;
  implied.ingested = fact.ingested;
  implied.undated = fact.undated;
  if (fact.undated) implied.stamp.occurred = newest_of(key);
  if (first) {
    history_[key].push_back(entry_of(implied.stamp.occurred,
                                     place.decided ? place.decision : place.position, place.index,
                                     place.decided));
  }
  facts_[key].push_back(std::move(implied));
}

void Oracle::fold_reference(const Event& event, Stamp stamp) {
  const auto& rule = event.subject.id;
  const auto newest = [&]() -> PublishedRule* {
    auto it = rules_.upper_bound({rule, ~std::uint32_t{0}});
    if (it == rules_.begin() || (--it)->first.first != rule) return nullptr;
    return &it->second;
  };
  if (spec_of(event.type).group == EventGroup::kReference) ++meta_["reference"];
  switch (event.type) {
    case TypeId::kPipelineUpdated:
      if (auto pipeline = read_pipeline(event.subject.id, event.data)) {
        pipelines_.put(std::move(pipeline.value()), stamp);
      }
      return;
    case TypeId::kSchemaUpdated:
      if (const auto* fields = event.data.find(Field::kFields)) {
        declared_.emplace_back(stamp.order, *fields);
      }
      if (const auto* purposes = event.data.find(Field::kPurposes)) {
        purposes_.emplace_back(stamp.order, *purposes);
      } else {
        purposes_.emplace_back(stamp.order, Value{});
      }
      return;
    case TypeId::kImportOpened: {
      const auto policy = policy_of(event.data.text(Field::kPolicy));
      batches_[rule].policy = policy.value_or(Policy::kSuppress);
      return;
    }
    case TypeId::kImportClosed:
    case TypeId::kImportPaused:
    case TypeId::kImportResumed:
      batches_.try_emplace(rule);
      return;
    case TypeId::kRulePublished: {
      const auto* before = newest();
      const auto kept = before == nullptr ? std::string{} : before->status;
      for (auto& [key, older] : rules_) {
        if (key.first == rule) older.status.clear();
      }
      const auto version =
          static_cast<std::uint32_t>(event.data.integer(Field::kVersion).value_or(1));
      rules_[{rule, version}] = {rule, version, std::string{event.data.text(Field::kText)},
                                 kept == "paused" || kept == "held" ? kept : "live"};
      return;
    }
    case TypeId::kRulePaused:
    case TypeId::kRuleResumed:
    case TypeId::kRuleRetired:
      if (event.type == TypeId::kRuleResumed) {
        vouched_behind_[rule] = left_[rule].size();
      }
      if (auto* it = newest()) {
        it->status = event.type == TypeId::kRulePaused    ? "paused"
                     : event.type == TypeId::kRuleResumed ? "live"
                                                          : "retired";
      }
      return;
    case TypeId::kRuleHeld:
      if (auto* it = newest(); it != nullptr && it->status == "live") it->status = "held";
      return;
    default:
      return;
  }
}

// ---- changes

void Oracle::note(const RecordKey& subject, std::uint64_t decision) {
  auto& entries = history_[subject];
  auto entry = entry_of(now_, decision, 0, true);
  entry.role = HistoryRole::kDecision;
  const bool there = !entries.empty() && entries.back().role == HistoryRole::kDecision &&
                     entries.back().position == decision;
  if (!there) entries.push_back(entry);
}

std::string Oracle::rule_of(const EnrolmentId& id) const {
  const auto it = enrolments_.find(id);
  return it == enrolments_.end() ? std::string{} : it->second.rule;
}

void Oracle::count(const std::string& rule, const std::string& counter, std::int64_t by) {
  counters_[{rule, counter}] += by;
}

// The queues of a dripping import: each remembers the last turn that it gave.
void Oracle::give_turn(const Enrolment& enrolment) {
  for (const auto& queue : drip_queues(enrolment)) {
    auto& entry = entries_.try_emplace({queue, std::string{kDrip}}, Entry{0, now_}).first->second;
    ++entry.count;
    entry.last = std::max(entry.last, *enrolment.due);
  }
}

void Oracle::end(const EnrolmentEnded& change, std::uint64_t decision) {
  const auto it = enrolments_.find(change.id);
  if (it == enrolments_.end()) return;
  if (change.cancel_effects) {
    const auto effects = it->second.effects;
    for (const auto& id : effects) move_effect({id, EffectState::kCancelled, change.reason});
  }
  note(it->second.subject, decision);
  enrolments_.erase(it);
}

void Oracle::apply(const Change& change, const TurnRecord& turn, std::uint64_t decision) {
  std::visit(overloaded{
                 [&](const EnrolmentStarted& c) {
                   const auto& e = c.enrolment;
                   enrolments_[e.id] = e;
                   if (c.remember) {
                     auto& entry = entries_[{e.rule, e.key}];
                     entry.last = entry.count == 0 ? e.base : std::max(entry.last, e.base);
                     ++entry.count;
                   }
                   give_turn(e);
                   count(e.rule, "started", 1);
                   counters_[{e.rule, "last_fire_ms"}] = now_.ms;
                   note(e.subject, decision);
                 },
                 [&](const EnrolmentMoved& c) {
                   const auto it = enrolments_.find(c.id);
                   if (it == enrolments_.end()) return;
                   auto& e = it->second;
                   e.step = c.step;
                   e.round = c.round;
                   e.step_since = c.step_since;
                   e.due = c.due;
                   e.waits_for_event = c.waits_for_event;
                   e.held = c.held;
                   e.watched = c.watched;
                   give_turn(e);
                 },
                 [&](const EnrolmentEnded& c) {
                   count(rule_of(c.id), "ended_" + c.reason, 1);
                   end(c, decision);
                 },
                 [&](const EntryRefused& c) { count(c.rule, "refused_" + c.reason, 1); },
                 [&](const EffectRequested& c) {
                   const auto [at, fresh] = effects_.try_emplace(c.effect.id, c.effect);
                   if (!fresh) return;
                   at->second.next = looked_at(c.effect, std::nullopt);
                   count(c.effect.rule, "requested", 1);
                   const auto of = enrolments_.find(c.effect.enrolment);
                   if (of != enrolments_.end() && !is_final(c.effect.state)) {
                     of->second.effects.push_back(c.effect.id);
                   }
                   note(c.effect.subject, decision);
                 },
                 [&](const EffectMoved& c) { move_effect(c); },
                 [&](const RuleFailed& c) { count(c.rule, "errors_" + c.code, 1); },
                 [&](const FactDecided& c) {
                   fold_fact(c.event, {turn.position, decision, ++index_, true});
                 },
                 [&](const EventRedriven& c) {
                   const auto it = aside_.find(c.position);
                   if (it == aside_.end()) return;
                   auto entry = it->second;
                   aside_.erase(it);
                   if (c.verdict == Verdict::kAccepted) {
                     Event event;
                     if (codec::decode(entry.event, event)) {
                       fold_fact(event, {c.position, decision, 0, false});
                     }
                   } else if (c.verdict != Verdict::kDuplicate) {  // else it was dropped
                     entry.verdict = c.verdict;
                     entry.code = c.code;
                     ++entry.redrives;
                     aside_[c.position] = std::move(entry);
                   }
                 },
             },
             change);
}

}  // namespace dealwright::oracle
