// What people ask of a partition: how it stands, and their word on time.
#include "engine/runtime/chain.h"
#include "engine/runtime/keys.h"
#include "engine/runtime/partition.h"

namespace dealwright::runtime {

// ---- questions

bool Partition::idle() const {
  const bool settled =
      phase_ == Phase::kFolding ? at_end_ && !options_.lead : phase_ != Phase::kClaiming;
  return settled && in_flight_.empty() && acks_.empty() && sends_on_way_ == 0 && !advance_to_ &&
         next_event_ >= events_.records.size();
}

bool Partition::at_rest() const {
  if (!idle()) return false;
  if (phase_ != Phase::kLeading) return true;  // others decide
  const auto end = parts_.log.end(Topic::kEvents, options_.id);
  return !end || state_->meta.events >= end.value();
}

void Partition::ask(const std::function<void(State&)>& question, std::function<void()> released) {
  question(*state_);
  if (in_flight_.empty()) {
    released();
  } else {
    in_flight_.back().releases.push_back(std::move(released));
  }
}

void Partition::advance_to(Instant instant) {
  if (state_->meta.event_clock && instant > state_->meta.now) advance_to_ = instant;
}

// ---- barriers

Result<void> Partition::reset_clock(Instant to, std::string author) {
  if (to >= state_->meta.now) {
    return Error{Code::kInvalid, "time stands at " + to_text(state_->meta.now) +
                                     ": it goes on by itself, and is only ever set back"};
  }
  DW_TRY(append_barrier({Barrier::What::kClockReset, 0, std::move(author)}, to));
  believe(to);
  return ok();
}

Result<void> Partition::switch_to_wall(std::string author) {
  if (!state_->meta.event_clock) {
    return Error{Code::kInvalid, "this log is on the clock of the wall already"};
  }
  DW_TRY(append_barrier({Barrier::What::kWallClock, 0, std::move(author)}, state_->meta.now));
  believe(parts_.clock.wall());
  return ok();
}

// The operator vouches for it: the wall is judged by it from here on.
void Partition::believe(Instant wall) {
  steady_base_us_ = parts_.clock.steady_us();
  wall_base_ = wall;
  clock_held_ = false;
}

Result<void> Partition::append_barrier(Barrier barrier, Instant now) {
  if (phase_ != Phase::kLeading || !in_flight_.empty()) {
    return Error{Code::kConflict, "partition " + std::to_string(options_.id) +
                                      " does not lead, or is at work; ask again"};
  }
  auto& meta = state_->meta;
  take_barrier(meta, barrier);
  DecisionRecord record;
  record.header.from = record.header.through = meta.events;
  record.header.now = now;
  record.header.schema = state_->reference.schemas.id();
  record.header.chain = Chain{meta.chain}.finish();
  record.body = std::move(barrier);
  return append(std::move(record));
}

// Asked by people: the list is short as long as there is no pipeline.
std::uint64_t Partition::waiting_for_pipeline() {
  if (!state_->reference.pipelines.empty() || state_->meta.aside == 0) return 0;
  std::vector<std::uint64_t> positions;
  auto scanned = state_->scan(keys::kSetAside, [&](std::string_view key, std::string_view) {
    ByteReader in{key.substr(1)};
    positions.push_back(in.key64());
    return true;
  });
  if (!scanned) state_->fail(scanned.error());
  std::uint64_t out = 0;
  for (const auto position : positions) {
    const auto entry = state_->set_aside(position);
    if (entry && entry->verdict == Verdict::kSetAside) ++out;
  }
  return out;
}

PartitionStatus Partition::status() {
  PartitionStatus out;
  const auto& meta = state_->meta;
  out.id = options_.id;
  out.leading = phase_ == Phase::kLeading;
  out.clock_held = clock_held_;
  const auto* word = workspace_word();
  out.effects_paused =
      effects_wait() || (word != nullptr && word->value.text_or_empty() == "paused");
  out.term = meta.term;
  out.events = meta.events;
  out.decisions = meta.decisions;
  if (auto end = parts_.log.end(Topic::kEvents, options_.id)) out.events_end = end.value();
  out.caught_up = out.events >= out.events_end && idle();
  out.now = meta.now;
  out.timers = state_->timers().pending();
  out.waiting = waiting_for_pipeline();
  out.stopped = stopped_;
  return out;
}

PartitionGauges Partition::gauges() {
  PartitionGauges out;
  out.leading = phase_ == Phase::kLeading;
  out.clock_held = clock_held_;
  out.timers = state_->timers().pending();
  if (auto due = state_->timers().next_due()) {
    out.next_due = due.value();
  } else {
    state_->fail(due.error());
  }
  out.late = folder_->late().counts;
  out.late_ms = folder_->late().ms;
  out.record_hits = state_->lookups().hits;
  out.record_misses = state_->lookups().misses;
  out.store_bytes = parts_.store.approximate_bytes();
  const auto since = state_->dedup().holds_since();
  if (since > kInstantMin && since < kInstantMax) out.dedup_since = since;
  return out;
}

void Partition::tell(Notice::What what, std::string detail, std::string trace_id) const {
  if (!options_.notify) return;
  options_.notify({what, options_.id, state_->meta.events, std::move(trace_id), std::move(detail)});
}

// From here on what it folds is news; before, it was history.
void Partition::watch_effects() {
  folder_->watch_effects([this](const Effect& effect) {
    parts_.meter->effect_moved(effect.channel, effect.state);
    if (effect.held_by == kByContent) parts_.meter->mail_incomplete();
    if (effect.state != EffectState::kUnknown) return;
    // 00-<trace id>-<span id>-<flags>
    const std::string_view parent = effect.traceparent;
    tell(Notice::What::kEffectUnknown, effect.channel + " " + hex(effect.id),
         std::string{parent.size() > 35 ? parent.substr(3, 32) : std::string_view{}});
  });
}

}  // namespace dealwright::runtime
