#include "engine/runtime/folder.h"

#include <algorithm>

#include "engine/base/overloaded.h"
#include "engine/base/utf8.h"
#include "engine/domain/evolve.h"
#include "engine/runtime/cluster_key.h"

namespace dealwright::runtime {
namespace {

bool in(TypeId type, TypeId first, TypeId last) { return type >= first && type <= last; }

class StateNeighbours : public Neighbours {
 public:
  explicit StateNeighbours(State& state) : state_{state} {}
  const Record* find(const RecordKey& key) override { return state_.find(key); }
  std::optional<TypeId> fact(const RecordKey&, std::string_view, std::string_view) override {
    return std::nullopt;  // judged already
  }

 private:
  State& state_;
};

HistoryEntry entry_of(const FoldAt& at, const FactPlace& place, HistoryRole role) {
  HistoryEntry out;
  out.occurred = at.stamp.occurred;
  out.ingested = place.now;
  out.order = at.stamp.order;
  out.decision = place.index > 0;
  out.position = out.decision ? place.decision_position : place.position;
  out.index = place.index;
  out.role = role;
  return out;
}

}  // namespace

void Folder::take_policy(const Event& event, FoldedFact& fact) {
  fact.policy = event.policy;
  fact.drip_per_hour = 0;
  if (event.import_batch.empty()) return;
  const auto batch = state_.batch(event.import_batch);
  fact.policy = std::max(event.policy, batch.policy);
  fact.drip_per_hour = batch.per_hour;
}

void Folder::tell_views(const Frame& frame, const Record& record, std::span<const LifeStep> steps,
                        const Life& before) {
  deltas_.clear();
  for (const auto& step : steps) deltas_.push_back({step.occurred, step.sign, &step.life});
  const ViewFact fact{&frame.fact, &record.key, &record, deltas_, &before, &record.life};
  for (auto* view : state_.view_folds()) view->on_fact(fact);
}

void Folder::tell_views(const Change& change, const ChangeContext& context) {
  for (auto* view : state_.view_folds()) view->on_change(change, context);
}

void Folder::fold(Frame& frame, const FactPlace& place) {
  const Event& event = frame.event;
  if (tells_of_homes(event.type)) return fold_homes(frame);
  const auto again = needs_history(event.type) ? refold(event) : std::vector<Refolded>{};
  auto* standing = &state_.touch(event.subject);
  frame.first = standing->counts.empty();
  const auto key = place.key.empty() ? std::string_view{event.partition_key} : place.key;
  if (!key.empty() && key != standing->home_key.get()) homes_.note_key(*standing, event, key);
  if (!standing->merged_into.empty()) {
    StateNeighbours neighbours{state_};
    standing = &state_.touch(standing_for(event, neighbours));
  }
  Record& record = *standing;
  const auto at = dealwright::place(record, event, place.now, ++state_.meta.order);
  const bool shaped = record.facts.empty();
  state_.add_history(record, entry_of(at, place, HistoryRole::kFact));
  const bool merged = !record.merged_into.empty();
  evolve(record, event, at, state_.reference, frame.folded);
  if (frame.folded.steps.empty() && !shaped) frame.folded.before = record.life;
  auto& fact = frame.fact;
  fact.event = &event;
  fact.subject = &record;
  fact.occurred = at.undated ? place.now : at.stamp.occurred;
  fact.ingested = place.now;
  fact.position = place.position;
  fact.order = at.stamp.order;
  fact.late = frame.folded.late;
  fact.undated = at.undated;
  take_policy(event, fact);
  fact.stale = event.time && event.import_batch.empty() && *event.time < place.now - kEventAgeMax;
  fact.depth = place.depth;
  fact.made_by = place.made_by;
  for (const auto& one : again) {
    tell_views(frame, *state_.find(one.record), one.steps, one.before);
    if (one.record != record.key) continue;
    frame.folded.changed.insert(frame.folded.changed.begin(), one.changed.begin(),
                                one.changed.end());
  }
  fact.changes = frame.folded.changed;
  tell_views(frame, record, frame.folded.steps, frame.folded.before);
  if (event.type == TypeId::kForeignType) return;
  if (fold_of_effects(event, place.now)) return;
  if (spec_of(event.type).group == EventGroup::kReference) fold_reference(event, record, at, place);
  fold_implied(event, at, place, frame);
  if (!merged && !record.merged_into.empty()) fold_merge(record.key, at, place, frame);
}

void Folder::fold_homes(Frame& frame) {
  frame.conflicts.clear();
  if (frame.event.type == TypeId::kSubjectHomed) {
    frame.conflicts = homes_.learn(frame.event);
  } else {
    homes_.mark_conflict(frame.event.subject);
  }
}

void Folder::fold_import(const Event& event, const FactPlace& place) {
  using Phase = ImportBatch::Phase;
  auto batch = state_.batch(event.subject.id);
  if (event.type == TypeId::kImportOpened) {
    batch.policy =
        dealwright::policy_of(event.data.text(Field::kPolicy)).value_or(Policy::kSuppress);
    batch.per_hour = std::max<std::int64_t>(0, event.data.integer(Field::kRate).value_or(0));
    batch.opened_at = place.position;
    batch.phase = Phase::kOpen;
  } else if (batch.phase == Phase::kOpen || batch.phase == Phase::kPaused) {
    batch.phase = event.type == TypeId::kImportClosed   ? Phase::kClosed
                  : event.type == TypeId::kImportPaused ? Phase::kPaused
                                                        : Phase::kOpen;
  }
  state_.put_batch(event.subject.id, batch);
}

void Folder::fold_reference(const Event& event, const Record& record, const FoldAt& at,
                            const FactPlace& place) {
  ++state_.meta.reference;
  const bool texts = event.type == TypeId::kTemplatePublished ||
                     event.type == TypeId::kTemplateRetired || event.type == TypeId::kSchemaUpdated;
  if (texts) ++state_.reference.mail_texts;
  switch (event.type) {
    case TypeId::kPipelineUpdated:
      state_.put_pipeline(event, at.stamp);
      return;
    case TypeId::kSchemaUpdated:
      state_.put_schema(event, at.stamp.order);
      break;
    case TypeId::kRulePublished: {
      const auto version = event.data.integer(Field::kVersion).value_or(1);
      auto all = state_.published();
      if (!all) {
        state_.fail(all.error());
        return;
      }
      std::string status = "live";
      for (auto& older : all.value()) {  // one status a rule: the newest version's
        if (older.rule != record.key.id || older.status.empty()) continue;
        const bool stays = older.status == "paused" || older.status == "held";
        if (stays) status = older.status;  // until a person resumes it
        older.status.clear();
        state_.publish(older);
      }
      state_.publish({record.key.id, static_cast<std::uint32_t>(version),
                      std::string{event.data.text(Field::kText)}, status});
      rules_changed_ = true;
      return;
    }
    case TypeId::kRulePaused:
      state_.set_rule_status(record.key.id, "paused");
      break;
    case TypeId::kRuleResumed:
      state_.set_rule_status(record.key.id, "live");
      vouch(state_.edit_flow(record.key.id));
      break;
    case TypeId::kRuleRetired:
      state_.set_rule_status(record.key.id, "retired");
      break;
    default:
      if (in(event.type, TypeId::kImportOpened, TypeId::kImportClosed) ||
          in(event.type, TypeId::kImportPaused, TypeId::kImportResumed)) {
        fold_import(event, place);
      }
      return;
  }
  rules_changed_ = true;
}

void Folder::fold_implied(const Event& event, const FoldAt& at, const FactPlace& place,
                          Frame& frame) {
  if (event.type != TypeId::kDealOpened && event.type != TypeId::kOfferRevised) return;
  for (const auto& implied : implied_by(event)) {
    Event about;  // goes where a fact of that record would go
    about.subject = implied.record;
    StateNeighbours neighbours{state_};
    Record& other = state_.touch(standing_for(about, neighbours));
    const auto there = place_implied(other, at);
    state_.add_history(other, entry_of(there, place, HistoryRole::kImplied));
    evolve_implied(other, implied, there, state_.reference.pipelines, implied_);
    tell_views(frame, other, implied_.steps, implied_.before);
  }
}

void Folder::fold_merge(const RecordKey& loser, const FoldAt& at, const FactPlace& place,
                        Frame& frame) {
  const Record copy = *state_.find(loser);  // touching the winner may move it
  Event about;
  about.subject = {loser.kind, copy.merged_into};
  StateNeighbours neighbours{state_};
  Record& winner = state_.touch(standing_for(about, neighbours));
  state_.add_history(winner, entry_of(at, place, HistoryRole::kMerged));
  merge_into(winner, copy, at, implied_);
  tell_views(frame, winner, implied_.steps, implied_.before);
}

// The retraction or unmerge was judged: what it needs is there. On a replay of logs that somebody
// cut it may not be, and then the state cannot be had any more.
std::vector<Refolded> Folder::refold(const Event& event) {
  Refold refold{state_, facts_};
  const auto done = event.type == TypeId::kEventRetracted
                        ? refold.retract(event.subject, event.data.text(Field::kSource),
                                         event.data.text(Field::kId))
                        : refold.unmerge(event.subject);
  if (done) return refold.commit();
  state_.fail(done.error());
  return {};
}

void Folder::note_decision(const RecordKey& subject, const FactPlace& place) {
  Record& record = state_.touch(subject);
  if (!record.history.empty()) {
    const auto& last = record.history.back();
    if (last.role == HistoryRole::kDecision && last.position == place.decision_position) return;
  }
  HistoryEntry entry{place.now, place.now, state_.meta.order, place.decision_position, 0, true};
  entry.role = HistoryRole::kDecision;
  state_.add_history(record, entry);
}

void Folder::watch(const Enrolment& enrolment, bool on) {
  for (const auto& key : enrolment.watched) {
    auto& watchers = state_.touch(key).watchers;
    const auto at = std::lower_bound(watchers.begin(), watchers.end(), enrolment.id);
    const bool there = at != watchers.end() && *at == enrolment.id;
    if (on && !there) watchers.insert(at, enrolment.id);
    if (!on && there) watchers.erase(at);
  }
}

void Folder::give_turn(const Enrolment& enrolment, Instant now) {
  for (const auto& queue : drip_queues(enrolment)) {
    auto entry = state_.entry(queue, kDrip).value_or(Entry{0, now});
    ++entry.count;
    entry.last = std::max(entry.last, *enrolment.due);
    state_.put_entry(queue, kDrip, entry);
  }
}

void Folder::start(const EnrolmentStarted& c, const FactPlace& place) {
  Entry entry;
  if (c.remember) entry = state_.entry(c.enrolment.rule, c.enrolment.key).value_or(Entry{});
  const bool first = first_of_id(c.enrolment, c.remember, entry.count > 0);
  if (entry.count > 0) replace(c.enrolment);
  state_.put(c.enrolment);
  state_.edit_enrolment(c.enrolment.id)->first = first;
  watch(c.enrolment, true);
  if (c.enrolment.due) {
    const auto& e = c.enrolment;
    state_.timers().set({*e.due, e.rule, e.id, e.step}, e.key);
  }
  if (c.remember) {
    ++entry.count;
    entry.last = entry.count == 1 ? c.enrolment.base : std::max(entry.last, c.enrolment.base);
    state_.put_entry(c.enrolment.rule, c.enrolment.key, entry);
  }
  give_turn(c.enrolment, place.now);
  note_decision(c.enrolment.subject, place);
}

// Of a first one that is live the timer goes before another of its id is started: its copy beside
// the timer would not follow the other's changes.
void Folder::replace(const Enrolment& by) {
  if (by.id != hash128(by.rule, by.key)) return;  // as first_of_id: none of its id was
  const auto* live = state_.enrolment(by.id);
  if (live == nullptr || !live->first) return;
  watch(*live, false);
  if (live->due) state_.timers().cancel({*live->due, live->rule, by.id, live->step}, live->key);
}

std::string Folder::move(const EnrolmentMoved& c, const FactPlace& place) {
  auto* enrolment = state_.edit_enrolment(c.id);
  if (enrolment == nullptr) return {};
  if (enrolment->due) {
    const TimerKey timer{*enrolment->due, enrolment->rule, c.id, enrolment->step};
    state_.timers().cancel(timer, enrolment->key);
  }
  if (enrolment->watched != c.watched) {
    watch(*enrolment, false);
    enrolment->watched = c.watched;
    watch(*enrolment, true);
  }
  enrolment->step = c.step;
  enrolment->round = c.round;
  enrolment->step_since = c.step_since;
  enrolment->due = c.due;
  enrolment->waits_for_event = c.waits_for_event;
  enrolment->held = c.held;
  if (c.due) state_.timers().set({*c.due, enrolment->rule, c.id, c.step}, enrolment->key);
  give_turn(*enrolment, place.now);
  return enrolment->rule;
}

std::string Folder::end(const EnrolmentEnded& c, const FactPlace& place) {
  auto* enrolment = state_.edit_enrolment(c.id);
  if (enrolment == nullptr) return {};
  if (enrolment->due) {
    const TimerKey timer{*enrolment->due, enrolment->rule, c.id, enrolment->step};
    state_.timers().cancel(timer, enrolment->key);
  }
  watch(*enrolment, false);
  if (c.cancel_effects) {
    const auto effects = enrolment->effects;
    for (const auto& id : effects) {
      move_effect({id, EffectState::kCancelled, c.reason}, place.now, enrolment);
    }
  }
  note_decision(enrolment->subject, place);
  auto rule = std::move(enrolment->rule);
  state_.erase_enrolment(c.id);
  return rule;
}

void Folder::apply(const Change& change, const FactPlace& place) {
  const auto tell = [&](std::string_view rule) {
    tell_views(change, {place.now, rule, std::nullopt});
  };
  std::visit(overloaded{
                 [&](const EnrolmentStarted& c) {
                   start(c, place);
                   tell(c.enrolment.rule);
                 },
                 [&](const EnrolmentMoved& c) { tell(move(c, place)); },
                 [&](const EnrolmentEnded& c) { tell(end(c, place)); },
                 [&](const EffectRequested& c) {
                   if (request(c, place)) tell(c.effect.rule);
                 },
                 [&](const EffectMoved& c) { move_effect(c, place.now, nullptr); },
                 [&](const EntryRefused& c) { tell(c.rule); },
                 [&](const RuleFailed& c) { tell(c.rule); },
                 [&](const FactDecided&) { tell({}); },
                 [&](const EventRedriven& c) { settle(c); },
             },
             change);
}

void Folder::fired(const TimerKey& timer, Instant now) {
  for (auto* view : state_.view_folds()) view->on_timer(timer, now);
  ++state_.meta.timers_fired;
  count_late(state_.meta.lateness, now - timer.due);
  count_late(late_.counts, now - timer.due);
  late_.ms += (now - timer.due).ms;
  const auto* enrolment = state_.enrolment(timer.enrolment);
  if (enrolment != nullptr && enrolment->due == timer.due) {
    state_.edit_enrolment(timer.enrolment)->due.reset();
  }
}

void Folder::set_aside(const Event* event, std::string_view bytes, std::uint64_t position,
                       Verdict verdict, std::string_view code, std::string_view detail,
                       Instant now) {
  SetAside entry;
  entry.position = position;
  entry.verdict = verdict;
  entry.code = code;
  entry.detail = detail;
  entry.now = now;
  entry.event = bytes;
  if (event != nullptr) {
    const auto shown = [](std::string text) { return is_utf8(text) ? text : std::string{}; };
    entry.key = shown(placement_key(*event));
    entry.subject = shown(to_text(event->subject));
    entry.type = shown(std::string{event->type_name()});
    if (verdict == Verdict::kSetAside) entry.blocked_by = state_.blocked(entry.key);
  }
  state_.put(entry);
  ++(verdict == Verdict::kRefused ? state_.meta.refused : state_.meta.set_aside);
  if (verdict != Verdict::kSetAside) return;
  ++state_.meta.aside;
  state_.meta.aside_bytes += bytes.size();
}

void Folder::sent(const Send& send) {
  auto& sent = state_.meta.sent;
  if (sent.size() <= send.to) sent.resize(send.to + 1);
  sent[send.to] = send.number;
  state_.put_send(send);
}

void Folder::acked(const SendAck& ack) {
  auto& acked = state_.meta.acked;
  if (acked.size() <= ack.to) acked.resize(ack.to + 1);
  const auto before = std::exchange(acked[ack.to], ack.through);
  state_.erase_sends(ack.to, before, ack.through);
}

void Folder::remember(const Event& event, Instant now, Judged judged) {
  if (const auto send = send_of(event)) {
    // Not one that somebody else made up, nor one behind a gap: it comes again.
    if (judged.code == "reserved_type" || judged.code == "send_gap") return;
    auto& received = state_.meta.received;
    if (received.size() <= send->from) received.resize(send->from + 1);
    received[send->from] = std::max(received[send->from], send->number);
    if (!is_forwarded(event) || event.import_row > 0) return;
  }
  if (judged.verdict == Verdict::kDuplicate) return;
  if (!event.import_batch.empty() && event.import_row > 0) {
    auto batch = state_.batch(event.import_batch);
    if (event.import_row > batch.highest_row) {
      batch.highest_row = event.import_row;
      state_.put_batch(event.import_batch, batch);
    }
    return;
  }
  state_.dedup().insert(dedup_id(event), now);
}

void Folder::forwarded(const Event& event, std::string_view key, Instant now) {
  homes_.forwarded(event, key);
  state_.dedup().insert(passed_id(event), now);
}

void Folder::settle(const EventRedriven& redriven) {
  auto entry = state_.set_aside(redriven.position);
  if (!entry) return;
  state_.erase_set_aside(*entry);
  auto& meta = state_.meta;
  if (entry->verdict == Verdict::kSetAside) {
    --meta.aside;
    meta.aside_bytes -= entry->event.size();
  }
  const bool dropped = redriven.verdict == Verdict::kDuplicate;
  if (redriven.verdict == Verdict::kAccepted || dropped) return;
  entry->verdict = redriven.verdict;
  entry->code = redriven.code;
  ++entry->redrives;
  state_.put(*entry);
  if (entry->verdict != Verdict::kSetAside) return;
  ++meta.aside;
  meta.aside_bytes += entry->event.size();
}

}  // namespace dealwright::runtime
