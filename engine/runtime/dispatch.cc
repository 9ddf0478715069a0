#include "engine/runtime/dispatch.h"

#include <algorithm>
#include <utility>

#include "engine/base/utf8.h"
#include "engine/codec/event_codec.h"
#include "engine/domain/dispatch_guard.h"

namespace dealwright::runtime {
namespace {

constexpr std::size_t kWordsMax = 512;  // of a receiver
constexpr Duration kAskedMax = hours(1);
// Behind which try of a webhook the next one comes (reliability.md 6).
constexpr Duration kWebhookWaits[] = {seconds(5), minutes(5), minutes(30), hours(2), hours(5),
                                      hours(10),  hours(14),  hours(20),   hours(24)};
constexpr Duration kMailFirst = minutes(1);
constexpr Duration kMailMost = hours(4);

// How long the wait behind this attempt is at most; none: there is no further one.
std::optional<Duration> wait_behind(std::string_view channel, std::uint32_t attempts) {
  if (channel == "webhook") {
    if (attempts > std::size(kWebhookWaits)) return std::nullopt;
    return kWebhookWaits[attempts - 1];
  }
  auto wait = kMailFirst;
  for (std::uint32_t i = 1; i < attempts && wait < kMailMost; ++i) wait = wait + wait;
  return std::min(wait, kMailMost);
}

// How long an effect may be on its way, behind its request.
Duration lifetime(std::string_view channel) { return channel == "webhook" ? hours(76) : hours(24); }

}  // namespace

std::optional<Instant> retry_time(const Effect& effect, std::uint32_t attempts,
                                  std::optional<Duration> asked, Instant now, std::uint64_t draw) {
  const auto most = wait_behind(effect.channel, attempts);
  if (!most) return std::nullopt;
  // Anywhere in the wait, so that what failed together does not come again together.
  const auto span = static_cast<std::uint64_t>(std::max<std::int64_t>(1, most->ms));
  auto wait = milliseconds(static_cast<std::int64_t>(draw % span) + 1);
  if (asked) wait = std::max(wait, std::min(*asked, kAskedMax));
  const auto at = now + wait;
  const auto end = effect.requested + lifetime(effect.channel);
  if (at >= std::min(end, effect.expires.value_or(end))) return std::nullopt;
  return at;
}

// ---- what channels call back, on their threads

struct Dispatch::Mail {
  struct AtGate {
    EffectId id{};
    std::uint32_t attempt = 0;
    Channel::Gate gate;
  };
  struct Done {
    EffectId id{};
    std::uint32_t attempt = 0;
    AttemptResult result;
  };
  std::mutex mutex;
  std::vector<AtGate> at_gate;
  std::vector<Done> done;
  std::function<void()> wake;
};

Dispatch::Dispatch(State& state, Place place)
    : state_{state}, place_{std::move(place)}, mail_{std::make_shared<Mail>()} {
  mail_->wake = place_.wake;
}

Channel* Dispatch::channel_of(const Effect& effect) const {
  const auto it = std::find_if(place_.channels.begin(), place_.channels.end(),
                               [&](const Channel* c) { return c->name() == effect.channel; });
  return it == place_.channels.end() ? nullptr : *it;
}

bool Dispatch::wants(Instant now) {
  {
    const std::lock_guard lock{mail_->mutex};
    if (!mail_->at_gate.empty()) return true;
  }
  const auto due = next_due();
  return due && *due <= now;
}

std::optional<Instant> Dispatch::next_due() {
  if (stopped_ || !room()) return std::nullopt;
  auto next = state_.open_effects().next_due();
  if (next) return next.value();
  state_.fail(next.error());
  return std::nullopt;
}

std::vector<std::function<void()>> Dispatch::decide(LeaderTurn& turn, Instant now) {
  std::vector<std::function<void()>> then;
  std::vector<Mail::AtGate> at_gate;
  {
    const std::lock_guard lock{mail_->mutex};
    at_gate.swap(mail_->at_gate);
  }
  for (auto& one : at_gate) {
    const auto it = under_way_.find(one.id);
    const bool ours = it != under_way_.end() && it->second.attempt == one.attempt;
    if (ours && !stopped_) {
      pass(turn, one.id, std::move(one.gate), then);
    } else {
      one.gate(false);
    }
  }
  if (stopped_) return then;
  for (std::size_t n = 0; n < place_.limits.per_record && room() && !turn.full(); ++n) {
    auto due = state_.open_effects().take_due(now);
    if (!due) state_.fail(due.error());
    if (!due || !due.value()) break;
    look_at(turn, *due.value(), then);
  }
  return then;
}

// An effect whose time has come.
void Dispatch::look_at(LeaderTurn& turn, const EffectId& id,
                       std::vector<std::function<void()>>& then) {
  const auto effect = state_.effect(id);
  if (!effect || under_way_.contains(id)) return;
  if (effect->state == EffectState::kAttemptStarted) {
    // Its span is over, and no outcome came: whoever made it is gone. A webhook comes again under
    // its id; whether a mail went out nobody knows, so it waits for a person.
    const bool again = effect->channel == "webhook";
    turn.move_effect({id, again ? EffectState::kRetryAt : EffectState::kUnknown, "interrupted",
                      again ? std::optional{turn.now()} : std::nullopt});
    return;
  }
  auto* channel = channel_of(*effect);
  if (channel == nullptr) {
    turn.move_effect({id, EffectState::kSuppressed, "no_channel: " + effect->channel, {}});
    return;
  }
  const auto passage = turn.judge_passage(*effect);
  if (passage.say != Passage::Say::kGo) {
    turn.hold_back(id, passage);
    return;
  }
  auto content = turn.content(*effect);
  if (!content) {
    const std::string_view why = content.error().detail;
    turn.move_effect(
        {id, EffectState::kRejected, std::string{why.substr(0, utf8_end(why, kWordsMax))}, {}});
    return;
  }
  const auto attempt = effect->attempts + 1;
  const bool passes = !channel->waits_at_gate();
  if (passes) turn.move_effect({id, EffectState::kAttemptStarted, "", {}});
  under_way_[id] = {attempt, passes};
  // Not before what requests it, or starts it, is read back.
  then.push_back([this, channel, made = Attempt{*effect, attempt, std::move(content.value())}] {
    send(made, *channel);
  });
}

// At its point of no return: everything is asked once more, and the start of the attempt is written
// down before it passes.
void Dispatch::pass(LeaderTurn& turn, const EffectId& id, Channel::Gate gate,
                    std::vector<std::function<void()>>& then) {
  const auto effect = state_.effect(id);
  auto& way = under_way_[id];
  const bool waits = effect && (effect->state == EffectState::kRequested ||
                                effect->state == EffectState::kRetryAt);
  if (!waits || effect->attempts + 1 != way.attempt) {  // cancelled meanwhile
    gate(false);
    return;
  }
  const auto passage = turn.judge_passage(*effect);
  if (passage.say != Passage::Say::kGo) {
    turn.hold_back(id, passage);
    gate(false);
    return;
  }
  turn.move_effect({id, EffectState::kAttemptStarted, "", {}});
  way.passed = true;
  then.push_back([gate = std::move(gate)] { gate(true); });
}

void Dispatch::send(const Attempt& attempt, Channel& channel) {
  if (stopped_) return;
  const auto& id = attempt.effect.id;
  const auto number = attempt.number;
  const auto tell = [mail = mail_](auto put) {
    {
      const std::lock_guard lock{mail->mutex};
      put(*mail);
    }
    mail->wake();
  };
  channel.send(
      attempt,
      [tell, id, number](Channel::Gate gate) {
        tell([&](Mail& mail) { mail.at_gate.push_back({id, number, std::move(gate)}); });
      },
      [tell, id, number](AttemptResult result) {
        tell([&](Mail& mail) { mail.done.push_back({id, number, std::move(result)}); });
      });
}

// ---- outcomes

std::vector<std::string> Dispatch::take_outcomes(Instant now) {
  std::vector<Mail::Done> done;
  {
    const std::lock_guard lock{mail_->mutex};
    done.swap(mail_->done);
  }
  std::vector<std::string> out;
  for (auto& one : done) {
    const auto it = under_way_.find(one.id);
    if (it == under_way_.end() || it->second.attempt != one.attempt) continue;
    const bool passed = it->second.passed;
    under_way_.erase(it);
    if (!passed && one.result.what == AttemptResult::What::kAborted) {
      // Stopped in front of its gate: it stands in the ledger as it stood, and is looked at again.
      const auto effect = state_.effect(one.id);
      if (effect && effect->next) state_.open_effects().give_back(*effect->next, one.id);
      continue;
    }
    out.push_back(fact_of(one.id, one.attempt, one.result, now));
  }
  return out;
}

std::string Dispatch::fact_of(const EffectId& id, std::uint32_t attempt,
                              const AttemptResult& result, Instant now) {
  using What = AttemptResult::What;
  const auto effect = state_.effect(id).value_or(Effect{});
  auto outcome = Outcome::kRetry;
  std::optional<Instant> retry_at;
  switch (result.what) {
    case What::kDelivered:
      outcome = Outcome::kDelivered;
      break;
    case What::kRejected:
      outcome = Outcome::kRejected;
      break;
    case What::kUnknown:
      outcome = Outcome::kUnknown;
      if (effect.channel != "webhook") break;  // a webhook comes again under its id
      [[fallthrough]];
    case What::kRetry:
      retry_at = retry_time(effect, attempt, result.retry_after, now, place_.random.next());
      outcome = retry_at ? Outcome::kRetry : Outcome::kExpired;
      break;
    case What::kAborted:
      retry_at = now;
      break;
  }
  Event event;
  event.type = TypeId::kEffectOutcome;
  event.source = "dealwright";
  event.id = hex(id) + "/" + std::to_string(attempt);
  event.subject = effect.subject;
  event.time = now;
  event.traceparent = effect.traceparent;
  event.data.set(Field::kEffect, Value{hex(id)});
  event.data.set(Field::kAttempt, Value{std::int64_t{attempt}});
  event.data.set(Field::kOutcome, Value{outcome_name(outcome)});
  if (!result.detail.empty()) {
    const std::string_view words = result.detail;
    event.data.set(Field::kReason, Value{words.substr(0, utf8_end(words, kWordsMax))});
  }
  if (retry_at) event.data.set(Field::kRetryAt, Value{*retry_at});
  place_.key.sign(event, place_.id);
  std::string bytes;
  codec::encode(event, bytes);
  return bytes;
}

bool Dispatch::idle() const {
  const std::lock_guard lock{mail_->mutex};
  return under_way_.empty() && mail_->done.empty() && mail_->at_gate.empty();
}

void Dispatch::stop() {
  stopped_ = true;
  const std::lock_guard lock{mail_->mutex};
  for (auto& one : mail_->at_gate) one.gate(false);
  mail_->at_gate.clear();
}

}  // namespace dealwright::runtime
