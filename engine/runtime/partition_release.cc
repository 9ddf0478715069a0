// What leaves a partition behind a record that was read back: sends, effects; and what attempts
// came to.
#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "engine/base/planted.h"
#include "engine/codec/event_codec.h"
#include "engine/runtime/keys.h"
#include "engine/runtime/partition.h"
#include "engine/runtime/partition_mail.h"

namespace dealwright::runtime {

void Partition::confirm(InFlight done) {
  confirmed_ = done.position + 1;
  confirmed_events_ = done.through;
  if (done.timers) point("timer.recorded");
  if (phase_ == Phase::kClaiming) {
    point("claim.confirmed");
    phase_ = Phase::kLeading;
    await_word();
    watch_effects();
    tell(Notice::What::kLeads);
    auto pending = state_->sends();  // what an earlier leader may not have passed on
    if (pending) {
      send_on(pending.value());
    } else {
      state_->fail(pending.error());
    }
  }
  if (!done.sends.empty()) point("send.begin");
  send_on(done.sends);
  for (auto& release : done.releases) release();
}

void Partition::tell_progress() {
  const auto now = std::make_pair(confirmed_events_, confirmed_);
  if (now == told_) return;
  told_ = now;
  if (options_.on_progress) options_.on_progress(options_.id, now.first, now.second);
}

Duration Partition::acks_wait() const {
  if (hurried_) return {};
  const auto waited = milliseconds((parts_.clock.steady_us() - acks_since_us_) / 1000);
  return {std::max<std::int64_t>(0, (options_.acks_wait - waited).ms)};
}

// Those to one partition go together: numbered, so in order. Nobody waits for what only tells of
// homes; who relies on it comes behind it.
void Partition::send_on(const std::vector<Send>& sends) {
  struct Group {
    std::vector<std::string> records;
    std::uint64_t through = 0;
    bool only_homes = true;
  };
  std::map<std::uint32_t, Group> groups;
  for (const auto& send : sends) {
    if (out_of_reach_.contains(send.to)) continue;
    auto& group = groups[send.to];
    group.records.push_back(send.event);
    group.through = send.number;
    group.only_homes &= codec::is_of_type(send.event, TypeId::kSubjectHomed);
  }
  for (auto& [target, group] : groups) {
    ++sends_on_way_;
    Log::Done done = [mail = mail_, to = target,
                      number = group.through](Result<std::vector<Position>> durable) {
      Result<std::uint64_t> through = number;
      if (!durable) through = durable.error();
      {
        const std::lock_guard lock{mail->mutex};
        mail->sent.emplace_back(to, std::move(through));
      }
      mail->wake_owner();
    };
    const auto append = group.only_homes && !hurried_ ? &Log::append_soon : &Log::append;
    (parts_.log.*append)(Topic::kEvents, target, std::move(group.records), std::move(done));
  }
}

void Partition::release(std::vector<std::function<void()>> then) {
  for (auto& one : then) {
    if (in_flight_.empty() || DW_PLANTED(6)) {  // planted: an effect before its record is read back
      one();
    } else {
      in_flight_.back().releases.push_back(std::move(one));
    }
  }
}

// A clock that is not believed lets nothing leave, and the clock of the events is no time to act.
bool Partition::may_dispatch() const {
  return dispatch_ != nullptr && !state_->meta.event_clock && !clock_held_ && !held_ &&
         !effects_wait();
}

// ---- effects that wait for a person's word, see PartitionOptions::effects_paused

const Register* Partition::workspace_word() const {
  const auto* workspace = state_->find({Kind::kWorkspace, std::string{kTheWorkspace}});
  if (workspace == nullptr) return nullptr;
  for (const auto& field : workspace->fields) {
    if (field.field == Field::kStatus) return &field;
  }
  return nullptr;
}

// Behind a word that came since it leads, the ledger's own pause says what leaves.
bool Partition::effects_wait() const {
  if (!options_.effects_paused || DW_PLANTED(19)) return false;  // planted: restored, and live
  const auto* word = workspace_word();
  return word == nullptr || word->stamp.order <= led_at_;
}

void Partition::await_word() {
  led_at_ = state_->meta.order;
  if (!options_.effects_paused || options_.id != 0 || dispatch_ == nullptr) return;
  Event event;
  event.type = TypeId::kWorkspacePaused;
  event.source = "dealwright";
  event.id = "effects_paused/" + std::to_string(state_->meta.term) + "/" +
             std::to_string(state_->meta.decisions);
  event.subject = {Kind::kWorkspace, std::string{kTheWorkspace}};
  event.time = state_->meta.now;
  event.actor = "system/start";
  event.data.set(Field::kAuthor, Value{"system/start"});
  event.data.set(Field::kReason, Value{"started with effects paused"});
  parts_.key.sign(event, options_.id);
  codec::encode(event, unsaid_.emplace_back());
  say_again_ = state_->meta.now;
}

// ---- what attempts came to

// It goes into the log as facts. What the log does not take is said again, by whoever follows if
// this one is closed before.
bool Partition::say_outcomes() {
  if (dispatch_ == nullptr) return false;
  take_unsaid();
  const auto now = leader_now();
  auto facts = dispatch_->take_facts(now);
  if (!unsaid_.empty() && say_again_ && *say_again_ <= now) {
    std::move(unsaid_.begin(), unsaid_.end(), std::back_inserter(facts));
    unsaid_.clear();
    say_again_.reset();
  }
  if (facts.empty()) return false;
  {
    const std::lock_guard lock{parts_.attempts->mutex};
    ++parts_.attempts->saying;
  }
  auto kept = std::make_shared<std::vector<std::string>>(facts);
  parts_.log.append(Topic::kEvents, options_.id, std::move(facts),
                    [attempts = parts_.attempts, kept](Result<std::vector<Position>> done) {
                      attempts->tell([&](Attempts& a) {
                        --a.saying;
                        if (done) return;
                        std::move(kept->begin(), kept->end(), std::back_inserter(a.unsaid));
                      });
                    });
  return true;
}

void Partition::take_unsaid() {
  const std::lock_guard lock{parts_.attempts->mutex};
  auto& unsaid = parts_.attempts->unsaid;
  if (unsaid.empty()) return;
  std::move(unsaid.begin(), unsaid.end(), std::back_inserter(unsaid_));
  unsaid.clear();
  if (!say_again_) say_again_ = parts_.clock.wall() + seconds(1);
}

// What is left when this partition is closed.
void Partition::leave_unsaid() {
  if (dispatch_ == nullptr) return;
  const std::lock_guard lock{parts_.attempts->mutex};
  auto& unsaid = parts_.attempts->unsaid;
  std::move(unsaid_.begin(), unsaid_.end(), std::back_inserter(unsaid));
  unsaid_.clear();
}

// No attempt begins any more; those under way end, and what they came to is durable. Or patience
// ends: then they stand in the ledger as begun, and the next leader finds them so.
bool Partition::attempts_ended(std::optional<Duration> patience) {
  if (dispatch_ == nullptr) return true;
  dispatch_->stop();
  const auto steady = parts_.clock.steady_us();
  if (!settling_since_us_) settling_since_us_ = steady;
  if (patience) {
    const auto left = milliseconds(patience->ms - (steady - *settling_since_us_) / 1000);
    if (left.ms <= 0) return true;
    give_up_at_ = parts_.clock.wall() + left;
  }
  if (phase_ == Phase::kLeading && say_outcomes()) return false;
  const bool idle = dispatch_->idle();
  const std::lock_guard lock{parts_.attempts->mutex};
  return idle && parts_.attempts->saying == 0;
}

// ---- one that leads no more

// What it decided on top of another's record never happened: it is opened again where the log is.
Error Partition::stepped_down(Position at) const {
  return {Code::kConflict,
          "partition " + std::to_string(options_.id) + ": another node wrote decision record " +
              std::to_string(at) + "; this one steps down",
          true};
}

// A leader with nothing in flight has read all that it wrote: what comes is another's.
Result<void> Partition::watch_for_others() {
  if (phase_ != Phase::kLeading || !in_flight_.empty()) return ok();
  DW_TRY(const auto end, parts_.log.end(Topic::kDecisions, options_.id));
  if (end <= confirmed_) return ok();
  DW_TRY(const auto batch, parts_.log.read(Topic::kDecisions, options_.id, confirmed_, 1));
  if (batch.records.empty()) return ok();
  return stepped_down(batch.records.front().position);
}

namespace {

// What was taken to be looked at and waited for room, or was not sent, is there for whoever leads
// next, which may be this one.
Result<void> give_back_taken(State& state, Instant now) {
  std::vector<EffectId> due;
  DW_TRY(state.scan(std::string{keys::kOpen}, keys::open_effect(now + milliseconds(1), {}),
                    [&](std::string_view key, std::string_view) {
                      due.push_back(keys::effect_of_open(key));
                      return true;
                    }));
  for (const auto& id : due) {
    const auto effect = state.effect(id);
    if (effect && effect->next) state.open_effects().give_back(*effect->next, id);
  }
  return ok();
}

}  // namespace

// What begins here is ended first: nothing is decided any more, what is in flight is read back, and
// what attempts came to is said. Then its state is that of any follower. False: not yet.
bool Partition::hand_over() {
  constexpr Duration kPatience = seconds(5);
  held_ = handing_over_ = true;
  if (!in_flight_.empty() || sends_on_way_ > 0 || !attempts_ended(kPatience)) return false;
  phase_ = Phase::kFolding;
  at_end_ = false;
  held_ = handing_over_ = false;
  acks_.clear();  // who leads then sends again what it does not know to be there
  events_ = {};
  next_event_ = 0;
  replay_ = std::make_unique<Replay>(parts_.log, options_.id, *state_, *folder_);
  folder_->watch_effects({});
  if (auto given = give_back_taken(*state_, leader_now()); !given) state_->fail(given.error());
  settling_since_us_.reset();
  give_up_at_.reset();
  steady_base_us_.reset();
  if (dispatch_ != nullptr) make_dispatch();
  return true;
}

// Attempts that began while it led: none passes its gate, and what they come to is a fact whoever
// says it, once all is folded: then it knows what they are about. False: nothing to say.
bool Partition::follow_attempts() {
  if (dispatch_ == nullptr) return false;
  dispatch_->turn_away();
  return say_outcomes();
}

}  // namespace dealwright::runtime
