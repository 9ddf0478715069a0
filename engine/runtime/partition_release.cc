// What leaves a partition behind a record that was read back: sends, effects; and what attempts
// came to.
#include <iterator>
#include <map>
#include <utility>

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

// Those to one partition go together: numbered, so in order.
void Partition::send_on(const std::vector<Send>& sends) {
  std::map<std::uint32_t, std::pair<std::vector<std::string>, std::uint64_t>> groups;
  for (const auto& send : sends) {
    if (out_of_reach_.contains(send.to)) continue;
    auto& [records, through] = groups[send.to];
    records.push_back(send.event);
    through = send.number;
  }
  for (auto& [target, group] : groups) {
    ++sends_on_way_;
    parts_.log.append(
        Topic::kEvents, target, std::move(group.first),
        [mail = mail_, to = target, number = group.second](Result<std::vector<Position>> done) {
          Result<std::uint64_t> through = number;
          if (!done) through = done.error();
          {
            const std::lock_guard lock{mail->mutex};
            mail->sent.emplace_back(to, std::move(through));
          }
          mail->wake_owner();
        });
  }
}

void Partition::release(std::vector<std::function<void()>> then) {
  for (auto& one : then) {
    if (in_flight_.empty()) {
      one();
    } else {
      in_flight_.back().releases.push_back(std::move(one));
    }
  }
}

// A clock that is not believed lets nothing leave, and the clock of the events is no time to act.
bool Partition::may_dispatch() const {
  return dispatch_ != nullptr && !state_->meta.event_clock && !clock_held_ && !held_;
}

// What attempts came to goes into the log as facts. What the log does not take is said again.
bool Partition::say_outcomes() {
  if (dispatch_ == nullptr) return false;
  const auto now = leader_now();
  auto facts = dispatch_->take_outcomes(now);
  if (!unsaid_.empty() && say_again_ && *say_again_ <= now) {
    std::move(unsaid_.begin(), unsaid_.end(), std::back_inserter(facts));
    unsaid_.clear();
    say_again_.reset();
  }
  if (facts.empty()) return false;
  {
    const std::lock_guard lock{mail_->mutex};
    ++mail_->saying;
  }
  auto kept = std::make_shared<std::vector<std::string>>(facts);
  parts_.log.append(Topic::kEvents, options_.id, std::move(facts),
                    [mail = mail_, kept](Result<std::vector<Position>> done) {
                      {
                        const std::lock_guard lock{mail->mutex};
                        --mail->saying;
                        if (!done) {
                          std::move(kept->begin(), kept->end(), std::back_inserter(mail->unsaid));
                        }
                      }
                      mail->wake_owner();
                    });
  return true;
}

void Partition::take_unsaid(std::vector<std::string>& unsaid) {
  if (unsaid.empty()) return;
  std::move(unsaid.begin(), unsaid.end(), std::back_inserter(unsaid_));
  unsaid.clear();
  say_again_ = parts_.clock.wall() + seconds(1);
}

// No attempt begins any more; those under way end, and what they came to is durable.
bool Partition::attempts_ended() {
  if (dispatch_ == nullptr) return true;
  dispatch_->stop();
  if (phase_ == Phase::kLeading && say_outcomes()) return false;
  const bool idle = dispatch_->idle();
  const std::lock_guard lock{mail_->mutex};
  return idle && mail_->saying == 0;
}

}  // namespace dealwright::runtime
