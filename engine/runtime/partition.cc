#include "engine/runtime/partition.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/planted.h"
#include "engine/codec/decision_codec.h"
#include "engine/runtime/chain.h"
#include "engine/runtime/partition_mail.h"

namespace dealwright::runtime {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr Duration kJumpMax = minutes(5);
constexpr Duration kAbsenceMax = days(7);

}  // namespace

Partition::Partition(const PartitionParts& parts, PartitionOptions options,
                     std::function<void()> wake)
    : parts_{parts}, options_{std::move(options)}, mail_{std::make_shared<Mail>()} {
  mail_->wake = std::move(wake);
}

Partition::~Partition() {
  leave_unsaid();
  parts_.log.listen(options_.id, {});
  const std::lock_guard lock{mail_->wake_mutex};
  mail_->wake = {};
}

void Partition::Mail::wake_owner() {
  const std::lock_guard lock{wake_mutex};
  if (wake) wake();
}

Result<std::unique_ptr<Partition>> Partition::open(const PartitionParts& parts,
                                                   PartitionOptions options,
                                                   std::function<void()> wake) {
  auto out = std::unique_ptr<Partition>{new Partition{parts, std::move(options), std::move(wake)}};
  DW_TRY(auto state, State::open(parts.store, parts.files, out->options_.dedup_directory,
                                 parts.views, out->options_.limits));
  out->state_ = std::move(state);
  out->folder_ = std::make_unique<Folder>(*out->state_, LogFacts{parts.log, out->options_.id});
  out->look_ahead_.emplace(out->state_->records());
  out->replay_ = std::make_unique<Replay>(parts.log, out->options_.id, *out->state_, *out->folder_);
  out->confirmed_ = out->state_->meta.decisions;
  out->confirmed_events_ = out->state_->meta.events;
  out->make_dispatch();
  DW_TRY(out->check_log());
  parts.log.listen(out->options_.id, [mail = out->mail_] { mail->wake_owner(); });
  return out;
}

void Partition::make_dispatch() {
  if (parts_.channels.empty()) return;
  auto& attempts = parts_.attempts;
  if (attempts == nullptr) attempts = std::make_shared<Attempts>();
  attempts->tell([&](Attempts& a) { a.wake = [mail = mail_] { mail->wake_owner(); }; });
  dispatch_ = std::make_unique<Dispatch>(
      *state_, Dispatch::Place{options_.id, parts_.log.partitions(), parts_.channels, parts_.key,
                               parts_.random, options_.dispatch, attempts, parts_.hosts});
}

Result<void> Partition::check_log() {
  const auto& meta = state_->meta;
  DW_TRY(auto events, parts_.log.end(Topic::kEvents, options_.id));
  DW_TRY(auto decisions, parts_.log.end(Topic::kDecisions, options_.id));
  if (meta.events > events || meta.decisions > decisions) {
    return Error{Code::kDamaged,
                 "partition " + std::to_string(options_.id) +
                     ": the state is ahead of the log (events " + std::to_string(meta.events) +
                     " of " + std::to_string(events) + ", decisions " +
                     std::to_string(meta.decisions) + " of " + std::to_string(decisions) +
                     "); the log was replaced or cut: restore it, or delete the state to rebuild"};
  }
  return ok();
}

Result<bool> Partition::step() {
  if (phase_ == Phase::kStopped) {
    if (dispatch_ != nullptr) dispatch_->give_up_hosts();
    return *stopped_;
  }
  const auto run = [&]() -> Result<bool> {
    DW_TRY(auto mail, take_mail());
    DW_TRY(watch_for_others());
    DW_TRY(auto generation, generation_step());
    if (hands_over() && hand_over()) return true;
    if (phase_ == Phase::kFolding) {
      DW_TRY(auto folded, fold_step());
      // What attempts came to that it began when it led: whoever leads now cannot know.
      const bool said = at_end_ && phase_ == Phase::kFolding && follow_attempts();
      return mail || generation || folded || said;
    }
    DW_TRY(auto decided, decide());
    return mail || generation || decided;
  };
  auto result = run();
  if (result) {
    if (const auto& failure = state_->failure()) result = *failure;
  }
  if (result) tell_progress();
  if (!result) {
    phase_ = Phase::kStopped;
    stopped_ = result.error();
    lost_ = std::exchange(in_flight_, {});  // who waits for it is told when that is known outside
  }
  return result;
}

Result<bool> Partition::fold_step() {
  for (int i = 0; i < 16; ++i) {
    const auto begun = parts_.clock.steady_us();
    DW_TRY(auto folded, replay_->step());
    if (folded) parts_.meter->folded(options_.id, parts_.clock.steady_us() - begun);
    at_end_ = !folded;
    if (!folded) {
      confirmed_ = state_->meta.decisions;
      confirmed_events_ = state_->meta.events;
      if (!options_.lead) return i > 0;
      DW_TRY(claim());
      return true;
    }
  }
  confirmed_ = state_->meta.decisions;
  confirmed_events_ = state_->meta.events;
  return true;
}

// ---- the clock

Instant Partition::leader_now() {
  const auto& meta = state_->meta;
  const auto last = std::max(meta.now, kInstantMin);
  if (meta.event_clock) return last;
  const auto wall = parts_.clock.wall();
  const auto steady = parts_.clock.steady_us();
  if (!steady_base_us_) {
    steady_base_us_ = steady;
    // A log that was not written for long: is it the clock that is wrong?
    clock_held_ = !options_.clock_witness && last > kInstantMin && wall > last + kAbsenceMax;
    wall_base_ = clock_held_ ? last : wall;
    if (clock_held_) tell(Notice::What::kClockHeld);
  }
  const auto expected = wall_base_ + milliseconds((steady - *steady_base_us_) / 1000);
  if (!options_.clock_witness && !clock_held_ && wall > expected + kJumpMax) {
    clock_held_ = true;
    tell(Notice::What::kClockHeld);
  }
  if (!options_.clock_witness && clock_held_ && wall <= expected + kJumpMax) {
    clock_held_ = false;
    tell(Notice::What::kClockBelieved);
  }
  if (clock_held_) return std::max(last, expected);
  wall_base_ = wall;
  steady_base_us_ = steady;
  return std::max(last, wall);
}

std::optional<Instant> Partition::next_due() {
  if (give_up_at_) return give_up_at_;
  if (phase_ != Phase::kLeading) return std::nullopt;
  std::optional<Instant> due;
  const auto sooner = [&](std::optional<Instant> at) {
    if (at && (!due || *at < *due)) due = at;
  };
  if (!acks_.empty() && may_decide()) sooner(parts_.clock.wall() + acks_wait());
  if (state_->meta.event_clock) return due;
  if (clock_held_) {  // nothing fires; look at it again
    sooner(parts_.clock.wall() + seconds(1));
    return due;
  }
  auto timer = state_->timers().next_due();
  if (!timer) {
    state_->fail(timer.error());
    return std::nullopt;
  }
  sooner(timer.value());
  if (may_dispatch()) sooner(dispatch_->next_due());
  sooner(say_again_);
  return due;
}

// ---- leading

Result<void> Partition::claim() {
  DecisionRecord record;
  auto& meta = state_->meta;
  if (!meta.clock_fixed) {
    meta.clock_fixed = true;
    meta.event_clock = options_.event_clock;
  }
  meta.term += 1;
  meta.sequence = 0;
  for (std::size_t i = 0; i < meta.claim.size(); i += 8) {
    const auto bits = parts_.random.next();
    std::memcpy(meta.claim.data() + i, &bits, 8);
  }
  record.header.now = DW_PLANTED(18) ? parts_.clock.wall() : leader_now();  // planted: may go back
  record.header.schema = state_->reference.schemas.id();
  record.header.from = record.header.through = meta.events;
  // Planted bug 16: facts that came under an older term do not count.
  if (DW_PLANTED(16)) meta.events = record.header.through = parts_.log.end({}, options_.id).value();
  record.header.chain = Chain{meta.chain}.finish();
  record.body = LeaderClaim{options_.node};
  phase_ = Phase::kClaiming;
  point("claim.begin");
  DW_TRY(append(std::move(record)));
  point("claim.appended");
  return ok();
}

Result<void> Partition::refresh_decider() {
  if (decider_known_ && !folder_->rules_changed()) return ok();
  DW_TRY(auto rules, state_->published());
  DW_TRY(auto decider, parts_.deciders.make(rules));
  decider_ = std::move(decider);
  decider_known_ = true;
  folder_->rules_taken();
  return ok();
}

Result<bool> Partition::read_events() {
  if (next_event_ < events_.records.size()) return true;
  DW_TRY(auto batch, parts_.log.read(Topic::kEvents, options_.id, state_->meta.events, kReadBytes));
  events_ = std::move(batch);
  next_event_ = 0;
  return !events_.records.empty();
}

void Partition::take_events(LeaderTurn& turn, DecisionHeader& header) {
  auto& meta = state_->meta;
  Chain chain{meta.chain};
  bool full = false;
  while (next_event_ < events_.records.size() && chain.count() < options_.events_per_record) {
    const auto& record = events_.records[next_event_];
    look_ahead_->at(events_.records, next_event_);
    if (!turn.take_event(record.position, record.bytes)) {
      full = true;
      break;
    }
    chain.add_event(record.bytes);
    meta.events = record.position + 1;
    ++next_event_;
    if (state_->failure()) break;
  }
  if (!full && next_event_ == events_.records.size()) {
    const auto limit = meta.event_clock ? advance_to_.value_or(kBeforeAll) : turn.now();
    if (limit > kBeforeAll && turn.fire_due(limit, meta.events)) advance_to_.reset();
    if (meta.event_clock && limit > kBeforeAll && !advance_to_) header.now = limit;
  }
  turn.finish();
  header.event_count = chain.count();
  header.chain = chain.finish();
  header.now = std::max(header.now, turn.now());
}

// Else a wake follows what it waits for.
bool Partition::may_decide() const {
  return phase_ == Phase::kLeading && !held_ && in_flight_.size() < options_.records_in_flight &&
         !(frozen_ && state_->wants_freeze());  // the disk is behind
}

Result<bool> Partition::decide() {
  if (!may_decide()) return false;
  DW_TRY(auto events, read_events());
  const auto now = leader_now();
  const bool fires = !state_->meta.event_clock && !clock_held_;
  DW_TRY(const auto timer, state_->timers().next_due());
  const bool timers = (fires && timer && *timer <= now) || advance_to_;
  const bool effects = may_dispatch() && dispatch_->wants(now);
  const bool acks = !acks_.empty() && acks_wait().ms == 0;
  if (!events && !timers && !effects && !acks) return say_outcomes();
  point("decide.begin");
  const auto begun = parts_.clock.steady_us();
  DW_TRY(refresh_decider());
  const LeaderTurn::Place place{options_.id, parts_.log.partitions(), state_->meta.decisions,
                                clock_held_, options_.others_write,   in_flight_.empty()};
  LeaderTurn turn{*state_, *folder_, decider_.get(), parts_.key, place, now};
  DecisionRecord record;
  record.header.from = state_->meta.events;
  for (const auto& ack : acks_) {
    turn.ack(ack);
    folder_->acked(ack);
  }
  acks_.clear();
  record.header.now = now;
  record.header.schema = state_->reference.schemas.id();  // as it is before its own events
  const auto fired_before = state_->meta.timers_fired;
  take_events(turn, record.header);
  std::vector<std::function<void()>> then;
  if (may_dispatch()) then = dispatch_->decide(turn, now);
  const bool fired = state_->meta.timers_fired != fired_before;
  if (const auto& failure = state_->failure()) return *failure;
  record.header.through = state_->meta.events;
  // A fact that waits for what is in flight: asked again when that is read back.
  const bool nothing = turn.empty() && record.header.event_count == 0;
  const bool waits = !in_flight_.empty() && next_event_ < events_.records.size();
  if (nothing && (waits || (!events && !timers))) {  // attempts may begin, nothing is written yet
    const bool any = !then.empty();
    release(std::move(then));
    return say_outcomes() || any;
  }
  record.body = turn.take_batch();
  if (fired) point("timer.decided");
  DW_TRY(append(std::move(record)));
  in_flight_.back().timers = fired;
  parts_.meter->decided(options_.id, parts_.clock.steady_us() - begun);
  release(std::move(then));
  say_outcomes();
  return true;
}

Result<void> Partition::append(DecisionRecord record) {
  auto& meta = state_->meta;
  auto& header = record.header;
  header.state_version = kStateVersion;
  header.term = meta.term;
  header.claim = meta.claim;
  header.sequence = meta.sequence;
  header.clock_epoch = meta.clock_epoch;
  header.event_clock = meta.event_clock;
  header.workspace = "default";
  if (decider_ != nullptr) header.rule_set = sha256(decider_->rule_set_id());
  bytes_.clear();
  codec::encode(record, bytes_);
  InFlight flight;
  flight.position = meta.decisions;
  flight.through = header.through;
  flight.hash = sha256(bytes_);
  if (auto* batch = std::get_if<Batch>(&record.body)) {
    for (auto& turn : batch->turns) {
      for (auto& send : turn.sends) flight.sends.push_back(std::move(send));
    }
  }
  meta.now = header.now;
  meta.sequence += 1;
  meta.decisions += 1;
  meta.chain = flight.hash;
  in_flight_.push_back(std::move(flight));
  std::vector<std::string> records;
  records.push_back(bytes_);
  {
    const std::lock_guard lock{mail_->mutex};
    ++mail_->unanswered;
  }
  parts_.log.append(Topic::kDecisions, options_.id, std::move(records),
                    [mail = mail_](Result<std::vector<Position>> done) {
                      {
                        const std::lock_guard lock{mail->mutex};
                        mail->appended.push_back(std::move(done));
                        --mail->unanswered;
                      }
                      mail->wake_owner();
                    });
  point("decide.appended");
  return ok();
}

// ---- what comes back

Result<bool> Partition::take_mail() {
  std::vector<Result<std::vector<Position>>> appended;
  std::vector<std::pair<std::uint32_t, Result<std::uint64_t>>> sent;
  bool flushed = false;
  std::optional<Error> flush_failed;
  {
    const std::lock_guard lock{mail_->mutex};
    appended.swap(mail_->appended);
    sent.swap(mail_->sent);
    flushed = std::exchange(mail_->flushed, false);
    flush_failed.swap(mail_->flush_failed);
  }
  for (auto& done : appended) {
    DW_TRY(auto positions, std::move(done));
    static_cast<void>(positions);
    ++acknowledged_;
  }
  if (!sent.empty()) point("send.durable");
  for (auto& [to, through] : sent) {
    --sends_on_way_;
    // One that is damaged stops alone; what may pass (a full disk) stops this one too, and it sends
    // again when it is opened again.
    if (!through && through.error().code == Code::kDamaged) out_of_reach_.insert(to);
    if (out_of_reach_.contains(to)) continue;
    DW_TRY(auto number, std::move(through));
    if (acks_.empty()) acks_since_us_ = parts_.clock.steady_us();
    const auto known = std::find_if(acks_.begin(), acks_.end(),
                                    [to = to](const SendAck& ack) { return ack.to == to; });
    if (known == acks_.end()) {
      acks_.push_back({to, number});
    } else {
      known->through = number;  // they come in the order in which they were sent
    }
  }
  if (flushed) {
    if (flush_failed) return *flush_failed;
    point("flush.written");
    state_->thaw(*frozen_);
    const auto events = frozen_->events;
    const auto decisions = frozen_->decisions;
    // Letting go of a generation takes as long as it is large: not on the thread that decides.
    parts_.flusher.post([gone = std::move(*frozen_)] {});
    frozen_.reset();
    frozen_posted_ = false;
    point("flush.adopted");
    if (options_.on_snapshot) {
      DW_TRY(options_.on_snapshot(options_.id, events, decisions));
    }
  }
  const bool any = !appended.empty() || !sent.empty() || flushed;
  DW_TRY(read_back());
  return any;
}

Result<void> Partition::read_back() {
  // What was read back before its acknowledgement came is waited for no more.
  acknowledged_ = std::min(acknowledged_, in_flight_.size());
  while (acknowledged_ > 0) {
    DW_TRY(auto batch, parts_.log.read(Topic::kDecisions, options_.id, confirmed_, kReadBytes));
    if (batch.records.empty()) return ok();  // durable, not visible yet: a wake follows
    for (const auto& record : batch.records) {
      if (in_flight_.empty()) return ok();
      auto& front = in_flight_.front();
      if (record.position != front.position || sha256(record.bytes) != front.hash) {
        return stepped_down(record.position);
      }
      point("fold.read_back");
      auto done = std::move(front);
      in_flight_.pop_front();
      acknowledged_ -= std::min<std::size_t>(acknowledged_, 1);
      confirm(std::move(done));
    }
  }
  return ok();
}

// ---- generations

Result<bool> Partition::generation_step() {
  if (!frozen_ && state_->wants_freeze()) {
    if (state_->write_back_ahead()) return true;
    frozen_ = state_->freeze();
    frozen_posted_ = false;
  }
  if (!frozen_ || frozen_posted_ || confirmed_ < frozen_->decisions) return false;
  frozen_posted_ = true;
  point("flush.begin");
  parts_.flusher.post(
      [mail = mail_, frozen = *frozen_, store = &parts_.store, at_point = options_.at_point] {
        auto written = State::write(frozen, *store);
        if (written && at_point) at_point("flush.durable");
        {
          const std::lock_guard lock{mail->mutex};
          mail->flushed = true;
          if (!written) mail->flush_failed = written.error();
        }
        mail->wake_owner();
      });
  return true;
}

Result<bool> Partition::settle(std::optional<Duration> patience) {
  if (phase_ == Phase::kStopped) return *stopped_;
  DW_TRY(take_mail());
  if (!in_flight_.empty() || (frozen_ && frozen_posted_)) return false;
  if (!attempts_ended(patience)) return false;
  if (!frozen_) frozen_ = state_->freeze();
  DW_TRY(State::write(*frozen_, parts_.store));
  state_->thaw(*frozen_);
  frozen_.reset();
  return true;
}

bool Partition::answered() const {
  const std::lock_guard lock{mail_->mutex};
  return mail_->unanswered == 0;
}

}  // namespace dealwright::runtime
