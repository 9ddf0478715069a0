#include "engine/runtime/replay.h"

#include <algorithm>

#include "engine/base/planted.h"
#include "engine/codec/decision_codec.h"
#include "engine/codec/event_codec.h"
#include "engine/runtime/chain.h"

namespace dealwright::runtime {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

Error damaged(PartitionId partition, Position position, std::string_view why) {
  return Error{Code::kDamaged, "partition " + std::to_string(partition) + ", decision record " +
                                   std::to_string(position) + ": " + std::string{why}};
}

// When the last timer was due that a record fires, if they are worth a look ahead.
std::optional<Instant> many_due(const Batch& batch) {
  int timers = 0;
  std::optional<Instant> last;
  for (const auto& turn : batch.turns) {
    if (!turn.timer) continue;
    ++timers;
    last = std::max(last.value_or(turn.timer->due), turn.timer->due);
  }
  return timers > State::kFewTimers ? last : std::nullopt;
}

}  // namespace

Acceptance accept(const Meta& meta, const DecisionHeader& header, bool claim) {
  if (header.from != meta.events && !DW_PLANTED(15)) return Acceptance::kIgnored;
  if (claim) {
    // Whoever claims has read all that counts. The chain tells of records that cover no events too:
    // a leader's timers and effects may have got in before the claim.
    const bool caught_up = header.chain == Chain{meta.chain}.finish() || DW_PLANTED(15);
    const bool higher = (header.term > meta.term) != DW_PLANTED(14);  // planted: inverted
    return higher && caught_up ? Acceptance::kAccepted : Acceptance::kIgnored;
  }
  const bool ours = header.term == meta.term && header.claim == meta.claim &&
                    header.sequence == meta.sequence && meta.term > 0;
  return ours ? Acceptance::kAccepted : Acceptance::kIgnored;
}

std::string_view impossible(const Meta& meta, const DecisionHeader& header, bool claim) {
  const bool same_claim = meta.term > 0 && header.claim == meta.claim;
  if (same_claim && header.term != meta.term) return "its term is not that of its leader's claim";
  if (claim && header.term > meta.term && header.from > meta.events) {
    return "records that its leader had read before its claim are missing";
  }
  if (claim || header.term < meta.term) return {};  // a race that was lost, a leader that woke up
  if (!same_claim) return "its leader's claim is missing";
  if (header.sequence == meta.sequence) return "it does not start where the record before ends";
  return {};  // landed twice, or behind a gap
}

bool behind_a_gap(const Meta& meta, const DecisionHeader& header, bool claim) {
  return !claim && header.term == meta.term && header.claim == meta.claim &&
         header.sequence > meta.sequence;
}

void take_barrier(Meta& meta, const Barrier& barrier) {
  switch (barrier.what) {
    case Barrier::What::kStateVersion:
      return;  // there is one version so far; a reader that does not know it stops before this
    case Barrier::What::kClockReset:
      ++meta.clock_epoch;
      return;
    case Barrier::What::kWallClock:
      meta.event_clock = false;
      return;
  }
}

Result<bool> Replay::step() {
  if (next_decision_ >= decisions_.records.size()) {
    DW_TRY(auto batch, log_.read(Topic::kDecisions, partition_, state_.meta.decisions, kReadBytes));
    decisions_ = std::move(batch);
    next_decision_ = 0;
    if (decisions_.records.empty()) return false;
  }
  const auto record = decisions_.records[next_decision_++];
  DW_TRY(fold(record.position, record.bytes));
  return true;
}

Result<Acceptance> Replay::fold(Position position, std::string_view bytes) {
  DecisionRecord record;
  DW_TRY(codec::decode(bytes, record));
  const auto& header = record.header;
  const bool claim = std::holds_alternative<LeaderClaim>(record.body);
  if (accept(state_.meta, header, claim) == Acceptance::kIgnored) {
    if (const auto why = impossible(state_.meta, header, claim); !why.empty()) {
      return damaged(partition_, position, why);
    }
    if (behind_a_gap(state_.meta, header, claim) && ++behind_gap_ > kInFlightMax) {
      return damaged(partition_, position, "records of its leader before it are missing");
    }
    state_.meta.decisions = position + 1;
    return Acceptance::kIgnored;
  }
  if (header.state_version > kStateVersion) {
    return Error{Code::kUnsupported, "decision record " + std::to_string(position) +
                                         " needs state version " +
                                         std::to_string(header.state_version)};
  }
  const auto* barrier = std::get_if<Barrier>(&record.body);
  if (barrier != nullptr && barrier->what == Barrier::What::kStateVersion &&
      barrier->state_version > kStateVersion) {
    return Error{Code::kUnsupported,
                 "partition " + std::to_string(partition_) + ": decision record " +
                     std::to_string(position) + " switches to state version " +
                     std::to_string(barrier->state_version) + ", this binary knows up to " +
                     std::to_string(kStateVersion) + "; start a newer one"};
  }
  if (barrier != nullptr) take_barrier(state_.meta, *barrier);
  if (header.clock_epoch != state_.meta.clock_epoch) {
    return damaged(partition_, position,
                   "its clock epoch is not that of the clock resets before it");
  }
  const bool resets = barrier != nullptr && barrier->what == Barrier::What::kClockReset;
  if (header.now < state_.meta.now && !resets) {
    return damaged(partition_, position, "its time lies before that of the record before");
  }
  DW_TRY(fold_batch(record, position));
  behind_gap_ = 0;
  auto& meta = state_.meta;
  meta.now = header.now;
  meta.clock_epoch = header.clock_epoch;
  meta.term = header.term;
  meta.claim = header.claim;
  meta.sequence = header.sequence + 1;
  meta.events = header.through;
  meta.decisions = position + 1;
  meta.chain = sha256(bytes);
  return Acceptance::kAccepted;
}

Result<LogRecord> Replay::next_event() {
  if (next_event_ >= events_.records.size()) {
    DW_TRY(auto batch, log_.read(Topic::kEvents, partition_, state_.meta.events, kReadBytes));
    if (batch.records.empty()) {
      // A log of several machines may show a decision before its events: asked where it begins, it
      // learns where it ends, and then they are waited for.
      DW_TRY(log_.begin(Topic::kEvents, partition_));
      DW_TRY(batch, log_.read(Topic::kEvents, partition_, state_.meta.events, kReadBytes));
    }
    events_ = std::move(batch);
    next_event_ = 0;
    DW_TRY(const auto end, log_.end(Topic::kEvents, partition_));
    if (events_.records.empty() && state_.meta.events < end) {
      return Error{Code::kIo,
                   "partition " + std::to_string(partition_) + ": the log has events up to " +
                       std::to_string(end) + " and does not give them",
                   true};
    }
    if (events_.records.empty()) {
      return Error{Code::kDamaged,
                   "partition " + std::to_string(partition_) + ": events from position " +
                       std::to_string(state_.meta.events) + " are decided on but not in the log"};
    }
  }
  look_ahead_.at(events_.records, next_event_);
  return events_.records[next_event_++];
}

Result<void> Replay::fold_batch(const DecisionRecord& record, Position position) {
  const auto& header = record.header;
  auto& meta = state_.meta;
  if (!meta.clock_fixed) {
    meta.event_clock = header.event_clock;
    meta.clock_fixed = true;
  }
  const auto* batch = std::get_if<Batch>(&record.body);
  static const Batch kNone;
  if (batch == nullptr) batch = &kNone;
  now_ = meta.event_clock ? meta.now : header.now;
  index_ = 0;
  Chain chain{meta.chain};
  auto turn = batch->turns.begin();
  const auto last_due = many_due(*batch);
  const auto timers_before = [&](Position at) {
    for (; turn != batch->turns.end() && turn->timer && turn->position <= at; ++turn) {
      if (last_due) state_.read_ahead(*last_due);
      fold_turn(*turn, position);
    }
  };
  for (std::uint32_t i = 0; i < header.event_count; ++i) {
    DW_TRY(auto event, next_event());
    if (event.position >= header.through)
      return damaged(partition_, position, "events are missing");
    chain.add_event(event.bytes);
    timers_before(event.position);
    const bool has_turn = turn != batch->turns.end() && turn->position == event.position;
    DW_TRY(fold_event(event.position, event.bytes, has_turn ? &*turn : nullptr, position));
    if (has_turn) {
      for (const auto& send : turn->sends) folder_.sent(send);
      ++turn;
    }
    meta.events = event.position + 1;
  }
  timers_before(header.through);
  if (turn != batch->turns.end()) return damaged(partition_, position, "a turn has no event");
  for (const auto& ack : batch->acks) folder_.acked(ack);
  FactPlace behind;
  behind.now = now_;
  behind.position = header.through;
  behind.decision_position = position;
  for (const auto& moved : batch->effects) folder_.apply(moved, behind);
  if (chain.finish() != header.chain) {
    return damaged(partition_, position, "the hash chain is broken: one of the logs was changed");
  }
  if (const auto& failure = state_.failure()) return *failure;
  return ok();
}

Result<void> Replay::fold_event(Position position, std::string_view bytes, const TurnRecord* turn,
                                Position decision_position) {
  const auto verdict = turn == nullptr ? Verdict::kAccepted : turn->verdict;
  const auto decoded = codec::decode(bytes, frame_.event);
  if (decoded && frame_.event.time && state_.meta.event_clock) {
    now_ = std::max(now_, *frame_.event.time);
  }
  if (!decoded) {
    if (verdict != Verdict::kSetAside) {
      if (decoded.error().code == Code::kUnsupported) return decoded.error();
      return damaged(partition_, decision_position, "an event it accepted cannot be read");
    }
    folder_.set_aside(nullptr, bytes, position, verdict, turn->code, turn->detail, now_);
    return ok();
  }
  folder_.remember(frame_.event, now_,
                   {verdict, turn == nullptr ? std::string_view{} : turn->code});
  if (verdict == Verdict::kDuplicate) {
    ++state_.meta.duplicates;
    return ok();
  }
  if (verdict != Verdict::kAccepted) {
    folder_.set_aside(&frame_.event, bytes, position, verdict, turn->code, turn->detail, now_);
    return ok();
  }
  if (turn != nullptr && turn->code == kForwarded) {
    folder_.forwarded(frame_.event, turn->detail, now_);
    return ok();
  }
  ++state_.meta.accepted;
  FactPlace place;
  place.now = now_;
  place.position = position;
  place.decision_position = decision_position;
  if (turn != nullptr && turn->code == kHomed) place.key = turn->detail;
  folder_.fold(frame_, place);
  if (turn != nullptr) {
    for (const auto& change : turn->changes) fold_change(change, *turn, decision_position);
  }
  return ok();
}

void Replay::fold_turn(const TurnRecord& turn, Position decision_position) {
  if (state_.meta.event_clock) now_ = std::max(now_, turn.timer->due);
  if (const auto* enrolment = state_.enrolment(turn.timer->enrolment)) {
    state_.timers().cancel(*turn.timer, enrolment->key);
  } else {
    state_.fail({Code::kDamaged, "decision record " + std::to_string(decision_position) +
                                     " fires a timer of an enrolment that is not there"});
    return;
  }
  folder_.fired(*turn.timer, now_);
  for (const auto& change : turn.changes) fold_change(change, turn, decision_position);
  for (const auto& send : turn.sends) folder_.sent(send);
}

void Replay::fold_change(const Change& change, const TurnRecord& turn, Position decision_position) {
  FactPlace place;
  place.now = now_;
  place.position = turn.position;
  place.decision_position = decision_position;
  if (const auto* redriven = std::get_if<EventRedriven>(&change)) {
    const auto entry = state_.set_aside(redriven->position);
    folder_.settle(*redriven);
    if (!entry || redriven->verdict != Verdict::kAccepted) return;
    Frame frame;
    if (!codec::decode(entry->event, frame.event)) return;  // the leader did read it
    place.position = redriven->position;
    const std::string_view code = redriven->code;
    if (code.starts_with(kForwarded)) {
      folder_.forwarded(frame.event, code.substr(kForwarded.size() + 1), now_);
      return;
    }
    if (code.starts_with(kHomed)) place.key = code.substr(kHomed.size() + 1);
    folder_.fold(frame, place);
    return;
  }
  folder_.apply(change, place);
  if (const auto* s = std::get_if<EnrolmentStarted>(&change); DW_PLANTED(10) && s != nullptr) {
    const auto& e = s->enrolment;  // planted: a replay loses its timer
    if (e.due) state_.timers().cancel({*e.due, e.rule, e.id, e.step}, e.key);
  }
  if (const auto* fact = std::get_if<FactDecided>(&change)) {
    Frame frame;
    frame.event = fact->event;
    place.index = ++index_;
    folder_.fold(frame, place);
  }
}

}  // namespace dealwright::runtime
