#include "engine/runtime/leader_turn.h"

#include <algorithm>

#include "engine/base/utf8.h"
#include "engine/codec/cloudevents_json.h"
#include "engine/codec/event_codec.h"
#include "engine/codec/foreign_record.h"
#include "engine/domain/form.h"
#include "engine/runtime/followers.h"

namespace dealwright::runtime {
namespace {

constexpr std::size_t kSendMarkBytes = 256;  // its number and signature

bool has_type(const Value& value, FieldType type) {
  if (value.as_sealed() != nullptr) return true;
  switch (type) {
    case FieldType::kText:
    case FieldType::kZone:
    case FieldType::kDecimal:
    case FieldType::kRef:
    case FieldType::kEnum:
      return value.as_text() != nullptr;
    case FieldType::kInt:
      return value.as_int() != nullptr;
    case FieldType::kBool:
      return value.as_bool() != nullptr;
    case FieldType::kMoney:
      return value.as_money() != nullptr;
    case FieldType::kInstant:
      return value.as_instant() != nullptr;
    case FieldType::kDate:
      return value.as_date() != nullptr;
    case FieldType::kTexts:
    case FieldType::kRefs:
      return value.as_list() != nullptr;
    case FieldType::kJson:
      return value.as_list() != nullptr || value.as_map() != nullptr;
  }
  return false;
}

// Neighbours of a judgement: the records as folded so far, and what their histories hold.
class StateNeighbours : public Neighbours {
 public:
  StateNeighbours(State& state, LogFacts& facts, std::optional<FoundFact>& found)
      : state_{state}, facts_{facts}, found_{found} {}
  const Record* find(const RecordKey& key) override { return state_.find(key); }
  std::optional<TypeId> fact(const RecordKey& subject, std::string_view source,
                             std::string_view id) override {
    auto found = find_fact(state_, facts_, subject, source, id);
    if (!found) {
      if (found.error().code != Code::kNotFound) state_.fail(found.error());
      return std::nullopt;
    }
    found_ = std::move(found.value());
    return found_->event.type;
  }

 private:
  State& state_;
  LogFacts& facts_;
  std::optional<FoundFact>& found_;
};

}  // namespace

bool is_own(const Event& event) {
  return event.type != TypeId::kForeignType && spec_of(event.type).group == EventGroup::kOwn;
}

std::string form_fault(const Event& event) {
  if (event.type == TypeId::kForeignType) return {};
  const auto& spec = spec_of(event.type);
  if (!spec.allows(event.subject.kind)) {
    return std::string{spec.name} + " is not about a " + std::string{kind_name(event.subject.kind)};
  }
  for (const auto& field : spec.data) {
    const auto* value = event.data.find(field.field);
    if (value == nullptr) {
      if (field.required) return "data." + std::string{field_name(field.field)} + " is missing";
    } else if (!has_type(*value, field.type)) {
      return "data." + std::string{field_name(field.field)} + " is no " +
             std::string{field_type_name(field.type)};
    }
  }
  return {};
}

FactPlace LeaderTurn::place(std::uint32_t depth) const {
  FactPlace out;
  out.now = now_;
  out.position = position_;
  out.decision_position = where_.decision_position;
  out.depth = depth;
  out.made_by = made_by_;
  return out;
}

TurnRecord& LeaderTurn::turn() {
  if (!open_) {
    batch_.turns.emplace_back();
    batch_.turns.back().position = position_;
    batch_.turns.back().timer = timer_;
    open_ = true;
    bytes_ += 32;
  }
  return batch_.turns.back();
}

LeaderTurn::Judgement LeaderTurn::judge_repeats(const Event& event) {
  const auto send = send_of(event);
  if (send) {
    if (!key_.genuine(event, where_.partition)) {
      return {Verdict::kSetAside, "reserved_type", "a send of the engine has its signature"};
    }
    const auto& received = state_.meta.received;
    const auto last = send->from < received.size() ? received[send->from] : 0;
    if (send->number <= last) return {Verdict::kDuplicate, {}, {}};
    // It comes again, behind those that are missing.
    if (send->number > last + 1) return {Verdict::kDuplicate, "send_gap", {}};
    if (!is_forwarded(event) || event.import_row > 0) return {};
  } else if (!event.import_batch.empty() && event.import_row > 0) {
    const bool seen = event.import_row <= state_.batch(event.import_batch).highest_row;
    return {seen ? Verdict::kDuplicate : Verdict::kAccepted, {}, {}};
  }
  const auto has = [&](const Hash128& id) {
    auto seen = state_.dedup().contains(id);
    if (!seen) state_.fail(seen.error());
    return seen && seen.value();
  };
  const bool repeats = has(dedup_id(event)) && !(send && has(passed_id(event)));
  return {repeats ? Verdict::kDuplicate : Verdict::kAccepted, {}, {}};
}

// What it comes to wherever it is folded.
LeaderTurn::Judgement LeaderTurn::unreadable(std::string_view bytes, const Error& error) {
  if (!codec::is_foreign(bytes)) return {Verdict::kSetAside, "bad_envelope", error.detail};
  Event event;
  const auto faults = codec::decode_foreign(bytes, event);
  const auto& first = faults.front();
  return {Verdict::kSetAside, first.code, codec::render(first)};
}

// What the engine says itself, and where others write too what steers it.
bool LeaderTurn::is_forged(const Event& event, std::string_view bytes) const {
  if (event.type == TypeId::kForeignType) return false;
  const bool signs =
      is_own(event) || (steers(event.type) && (where_.others_write || codec::is_foreign(bytes)));
  return signs && !key_.genuine(event, where_.partition);
}

// What others write has to lie where its key says, or a customer would be split. Reference data
// goes to all partitions from wherever it is.
bool LeaderTurn::is_misplaced(const Event& event, std::string_view bytes) const {
  return codec::is_foreign(bytes) && !for_others(event) &&
         partition_of(placement_key(event), where_.partitions) != where_.partition;
}

LeaderTurn::Judgement LeaderTurn::judge_form(const Event& event, std::string_view bytes) {
  if (auto repeat = judge_repeats(event); repeat.verdict != Verdict::kAccepted) return repeat;
  if (const auto pointer = bad_text(event); !pointer.empty()) {
    return {Verdict::kSetAside, "bad_envelope", pointer + ": the bytes are no UTF-8"};
  }
  if (is_forged(event, bytes)) {
    return {Verdict::kSetAside, "reserved_type",
            "only the engine appends this type: see its routes"};
  }
  if (auto fault = form_fault(event); !fault.empty()) {
    return {Verdict::kSetAside, "bad_data", std::move(fault)};
  }
  const std::size_t others = where_.partitions - 1;
  if (for_others(event) && bytes.size() > kSendsBytesMax / others - kSendMarkBytes) {
    return {Verdict::kSetAside, "bad_data",
            "reference data goes to every partition: it has at most " +
                std::to_string(kSendsBytesMax / others - kSendMarkBytes) + " bytes, this has " +
                std::to_string(bytes.size())};
  }
  if (is_misplaced(event, bytes)) {
    const auto key = placement_key(event);
    return {Verdict::kSetAside, "wrong_partition",
            "key " + key + " belongs to partition " +
                std::to_string(partition_of(key, where_.partitions)) +
                ": set partitioner=murmur2_random at its producer; a redrive moves it there"};
  }
  return {};
}

LeaderTurn::Judgement LeaderTurn::judge(const Event& event, std::uint64_t position) {
  if (tells_of_homes(event.type)) return {};
  if (!is_own(event) && state_.meta.aside > 0) {
    if (const auto first = state_.blocked(placement_key(event)); first && *first != position) {
      return {Verdict::kSetAside, "blocked", "waits behind the event at " + std::to_string(*first)};
    }
  }
  return judge_fact(event);
}

LeaderTurn::Judgement LeaderTurn::judge_fact(const Event& event) {
  auto judgement = judge_by_state(event);
  const bool early = judgement.code == refusal_name(Refusal::kUnknownPipeline) &&
                     state_.reference.pipelines.empty();
  if (!early) return judgement;
  if (state_.meta.aside_bytes >= kWaitingBytesMax) {
    judgement.detail =
        "no pipeline is known yet, and 64 MiB of events wait for one already; append a "
        "pipeline.updated, then redrive this";
    return judgement;
  }
  return {
      Verdict::kSetAside, std::string{kWaitsForPipeline},
      "no pipeline is known yet; it is judged again when the first pipeline.updated is in force"};
}

LeaderTurn::Judgement LeaderTurn::judge_by_state(const Event& event) {
  // What people say of an effect is judged by the effect, whatever became of its record.
  if (auto act = judge_act_of(event)) return std::move(*act);
  retracted_.reset();
  StateNeighbours neighbours{state_, folder_.facts(), retracted_};
  const auto* subject = state_.find(event.subject);
  if (subject != nullptr && !subject->merged_into.empty()) {
    subject = state_.find(standing_for(event, neighbours));
  }
  const auto refusal = decide(subject, event, now_, state_.reference, neighbours);
  if (refusal != Refusal::kNone) {
    return {Verdict::kRefused, std::string{refusal_name(refusal)}, {}};
  }
  return needs_history(event.type) ? judge_refold(event) : Judgement{};
}

// Whether the log still holds all that folding it needs: else it is refused now, not found out when
// it is folded.
LeaderTurn::Judgement LeaderTurn::judge_refold(const Event& event) {
  Refold trial{state_, folder_.facts()};
  const auto done = event.type == TypeId::kEventRetracted
                        ? trial.retract(event.subject, event.data.text(Field::kSource),
                                        event.data.text(Field::kId))
                        : trial.unmerge(event.subject);
  if (done) return {};
  if (done.error().code != Code::kNotFound) state_.fail(done.error());
  return {Verdict::kRefused, std::string{refusal_name(Refusal::kUnknownEvent)},
          done.error().detail};
}

// Facts that read histories stand first in their record, with nothing in flight: what rules made is
// read back from decision records, so these have to be in the log.
bool LeaderTurn::must_wait(const Event& event) const {
  const bool reads = needs_history(event.type) || event.type == TypeId::kEventRedriven ||
                     event.type == TypeId::kEventDropped ||
                     (event.type == TypeId::kPipelineUpdated && state_.meta.aside > 0);
  return reads && (!where_.alone || !batch_.turns.empty());
}

// What follows from a retracted fact and was not sent is not sent any more; what was decided stays
// in the log.
void LeaderTurn::cancel_followers() {
  auto followers = followers_of(state_, folder_.facts(), *retracted_);
  if (!followers) {
    // Decisions that retention took away are older than anything that still waits to be sent.
    if (followers.error().code != Code::kNotFound) state_.fail(followers.error());
    return;
  }
  for (const auto& id : followers.value().enrolments) {
    if (state_.enrolment(id)) change(EnrolmentEnded{id, "retracted", true});
  }
  for (const auto& id : followers.value().effects) {
    const auto state = effect_state(id);
    if (state == EffectState::kRequested || state == EffectState::kRetryAt) {
      change(EffectMoved{id, EffectState::kCancelled, "retracted"});
    }
  }
}

void LeaderTurn::refuse(const Event* event, std::string_view bytes, std::uint64_t position,
                        const Judgement& judgement) {
  auto& t = turn();
  t.verdict = judgement.verdict;
  t.code = judgement.code;
  t.detail = judgement.detail.substr(0, utf8_end(judgement.detail, kDetailBytesMax));
  bytes_ += 64 + t.code.size() + t.detail.size();
  if (judgement.verdict == Verdict::kDuplicate) {
    ++state_.meta.duplicates;
    return;
  }
  folder_.set_aside(event, bytes, position, judgement.verdict, judgement.code, t.detail, now_);
}

void LeaderTurn::start(std::uint64_t position) {
  open_ = false;
  position_ = position;
  timer_.reset();
  later_ = false;
  begin_decision();
}

void LeaderTurn::begin_decision() {
  made_by_ = {};
  facts_ = 0;
  depth_ = 0;
  decision_bytes_ = 0;
  spent_ = false;
}

bool LeaderTurn::fire_due(Instant limit, std::uint64_t position) {
  if (where_.hold_timers) return true;
  for (int taken = 0;; ++taken) {
    if (fired_ >= kTimersMax || bytes_ >= kBatchBytesMax) return false;
    if (taken >= State::kFewTimers) state_.read_ahead(limit);
    auto timer = state_.timers().take_due(limit);
    if (!timer) {
      state_.fail(timer.error());
      return false;
    }
    if (!timer.value()) return true;
    ++fired_;
    if (state_.meta.event_clock) now_ = std::max(now_, timer.value()->due);
    take_timer(*timer.value(), position);
  }
}

// What a changed rule set is made for in one go: the rules that change behind it in the log, as
// long as no timer is to be decided between them.
bool LeaderTurn::goes_with_change(const Event& event) {
  if (event.type < TypeId::kRulePublished || event.type > TypeId::kRuleRetired) return false;
  auto due = state_.timers().next_due();
  if (!due) state_.fail(due.error());
  return due && (!due.value() || *due.value() > std::max(now_, event.time.value_or(now_)));
}

bool LeaderTurn::take_event(std::uint64_t position, std::string_view bytes) {
  if (bytes_ >= kBatchBytesMax) return false;
  const auto decoded = codec::decode(bytes, frame_.event);
  if (decoded && must_wait(frame_.event)) return false;
  const auto& time = frame_.event.time;
  if (decoded && folder_.rules_changed() && !goes_with_change(frame_.event)) return false;
  if (decoded && time && (state_.meta.event_clock || *time < now_)) {
    if (!fire_due(*time, state_.meta.events)) return false;
  } else if (decoded && !fire_due(now_, state_.meta.events)) {
    return false;
  }
  if (bytes_ >= kBatchBytesMax) return false;  // timers fired before it
  if (decoded && must_wait(frame_.event)) return false;
  if (decoded && time && state_.meta.event_clock) now_ = std::max(now_, *time);
  start(position);
  go_on_with(decoded ? std::string_view{frame_.event.traceparent} : std::string_view{});
  if (!decoded) {
    refuse(nullptr, bytes, position, unreadable(bytes, decoded.error()));
    return true;
  }
  auto judgement = judge_form(frame_.event, bytes);
  if (judgement.verdict == Verdict::kAccepted) {
    if (leaves(frame_.event, home_key_)) {
      folder_.remember(frame_.event, now_, {});
      return true;
    }
    judgement = judge(frame_.event, position);
  }
  folder_.remember(frame_.event, now_, {judgement.verdict, judgement.code});
  if (judgement.verdict != Verdict::kAccepted) {
    refuse(&frame_.event, bytes, position, judgement);
    return true;
  }
  ++state_.meta.accepted;
  auto at = place(0);
  at.key = home_key_;
  folder_.fold(frame_, at);
  if (tells_of_homes(frame_.event.type)) {
    for (const auto& conflict : frame_.conflicts) {
      tell_conflict(conflict, send_of(frame_.event)->from);
    }
    return true;
  }
  if (frame_.first) settle_home(frame_.event);
  if (frame_.event.type == TypeId::kEventRetracted) {
    cancel_followers();
    frame_.fact.subject = record(frame_.event.subject);
  }
  stop_mails(frame_.event);
  act_on_enrolment(frame_.event);
  if (for_others(frame_.event)) send_to_others(frame_.event);
  ask(frame_.fact);
  if (frame_.event.type == TypeId::kEventRedriven || frame_.event.type == TypeId::kEventDropped) {
    redrive(frame_.event);
  }
  if (frame_.event.type == TypeId::kPipelineUpdated && state_.meta.aside > 0) redrive_waiting();
  return true;
}

// Rules on a fact, and on what they make of it.
void LeaderTurn::ask(const FoldedFact& fact) {
  if (decider_ != nullptr) decider_->on_fact(fact, *this);
  run_queue();
}

// Reference data is in force in every partition: the one that judged it sends it on. So is the word
// of one whose fuse blew.
bool LeaderTurn::for_others(const Event& event) const {
  if (where_.partitions == 1 || event.type == TypeId::kForeignType || send_of(event)) return false;
  return spec_of(event.type).group == EventGroup::kReference || event.type == TypeId::kRuleHeld;
}

void LeaderTurn::send_to_others(const Event& event) {
  for (std::uint32_t to = 0; to < where_.partitions; ++to) {
    if (to != where_.partition) send(event, to);
  }
}

void LeaderTurn::ack(SendAck ack) {
  batch_.acks.push_back(ack);
  bytes_ += 32;
}

void LeaderTurn::take_timer(const TimerKey& timer, std::uint64_t position) {
  start(position);
  timer_ = timer;
  go_on_with(trace_kept(timer.enrolment));
  turn();
  bytes_ += 64 + timer.rule.size();
  folder_.fired(timer, now_);
  if (decider_ != nullptr) decider_->on_timer(timer, *this);
  run_queue();
}

void LeaderTurn::run_queue() {
  while (!queue_.empty()) {
    const auto frame = std::move(queue_.front());
    queue_.pop_front();
    depth_ = frame->fact.depth;
    go_on_with(frame->event.traceparent);
    frame->fact.subject = state_.find(frame->event.subject);
    if (decider_ != nullptr) decider_->on_fact(frame->fact, *this);
  }
  depth_ = 0;
}

// ---- Turn: what the decider reads

const Record* LeaderTurn::record(const RecordKey& key) {
  const Record* record = state_.find(key);
  for (int hops = 0; hops < 64 && record != nullptr && !record->merged_into.empty(); ++hops) {
    record = state_.find({key.kind, record->merged_into});
  }
  return record;
}

const Enrolment* LeaderTurn::enrolment(const EnrolmentId& id) { return state_.enrolment(id); }

std::optional<Entry> LeaderTurn::entry(std::string_view rule, std::string_view key) {
  return state_.entry(rule, key);
}

std::optional<EffectState> LeaderTurn::effect_state(const EffectId& id) {
  const auto effect = state_.effect(id);
  return effect ? std::optional{effect->state} : std::nullopt;
}

std::vector<EnrolmentId> LeaderTurn::watching(const RecordKey& key) {
  const auto* record = state_.find(key);
  if (record == nullptr || record->watchers.empty()) return {};
  if (record->watchers.size() == 1) return record->watchers;
  std::vector<std::pair<std::pair<std::string, std::string>, EnrolmentId>> order;
  for (const auto& id : record->watchers) {
    if (const auto* e = state_.enrolment(id)) order.push_back({{e->rule, e->key}, id});
  }
  std::sort(order.begin(), order.end());
  std::vector<EnrolmentId> out;
  for (const auto& entry : order) out.push_back(entry.second);
  return out;
}

}  // namespace dealwright::runtime
