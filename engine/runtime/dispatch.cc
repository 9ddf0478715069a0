#include "engine/runtime/dispatch.h"

#include <algorithm>
#include <utility>

#include "engine/base/planted.h"
#include "engine/base/utf8.h"
#include "engine/codec/event_codec.h"
#include "engine/domain/dispatch_guard.h"
#include "engine/domain/effect_acts.h"

namespace dealwright::runtime {
namespace {

constexpr std::size_t kWordsMax = 512;  // of a receiver
// When what could not be made is tried again, beside each change of a template.
constexpr Duration kIncompleteFirst = minutes(15);
constexpr Duration kIncompleteMost = hours(2);

// What begins again, or was never sent, is looked at as if nothing had begun.
void drop_unsent(Attempts& attempts) {
  std::erase_if(attempts.under_way, [](const auto& one) { return !one.second.sent; });
}

// It cannot be made as records and templates are now: both may be mended while it lives. The older
// it is, the more seldom it is tried, and not all of them together.
Passage incomplete(const Effect& effect, std::string_view why, Instant now) {
  const auto age = now - asked_at(effect);
  const auto wait = std::clamp(milliseconds(age.ms / 4), kIncompleteFirst, kIncompleteMost);
  const auto next = now + wait + milliseconds(wait.ms / 4 * effect.id[0] / 256);
  return {Passage::Say::kWait,
          "incomplete: " + std::string{why.substr(0, utf8_end(why, kWordsMax))},
          std::min(next, effect.expires.value_or(next)), std::string{kByContent}};
}

Hosts::How how(const AttemptResult& result) {
  switch (result.what) {
    case AttemptResult::What::kDelivered:
    case AttemptResult::What::kRejected:
      return Hosts::How::kServed;
    case AttemptResult::What::kRetry:
    case AttemptResult::What::kUnknown:
      return result.host_up ? Hosts::How::kServed : Hosts::How::kFailed;
    case AttemptResult::What::kAborted:
      return Hosts::How::kNothing;
  }
  return Hosts::How::kNothing;
}

}  // namespace

Dispatch::Dispatch(State& state, Place place)
    : state_{state}, place_{std::move(place)}, budget_{place_.limits.mails, place_.partitions} {
  for (const auto& [id, way] : attempts().under_way) {
    if (!way.sent && !way.host.empty() && place_.hosts != nullptr) {
      place_.hosts->end(way.host, Hosts::How::kNothing, state_.meta.now);
    }
  }
  drop_unsent(attempts());
}

Channel* Dispatch::channel_of(const Effect& effect) const {
  const auto it = std::find_if(place_.channels.begin(), place_.channels.end(),
                               [&](const Channel* c) { return c->name() == effect.channel; });
  return it == place_.channels.end() ? nullptr : *it;
}

bool Dispatch::wants(Instant now) {
  if (!stopped_ && (seen_ != state_.meta.reference || held_from_)) return true;
  if (!stopped_ && (seen_texts_ != std::optional{state_.reference.mail_texts} || texts_from_))
    return true;
  {
    const std::lock_guard lock{attempts().mutex};
    if (!attempts().at_gate.empty()) return true;
    if (!stopped_ && !attempts().rooms.empty() && parked_count_ > 0 && room()) return true;
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
  Then then;
  std::vector<Attempts::AtGate> at_gate;
  {
    const std::lock_guard lock{attempts().mutex};
    at_gate.swap(attempts().at_gate);
  }
  for (auto& one : at_gate) {
    const auto it = attempts().under_way.find(one.id);
    const bool ours = it != attempts().under_way.end() && it->second.attempt == one.attempt;
    if (ours && !stopped_) {
      pass(turn, one.id, std::move(one.gate), then);
    } else {
      one.gate(false);
    }
  }
  if (stopped_) return then;
  wake_held(turn);
  unpark(turn, then);
  try_incomplete(turn, then);
  for (std::size_t n = 0; n < place_.limits.per_record && room() && !turn.full(); ++n) {
    auto due = state_.open_effects().take_due(now);
    if (!due) state_.fail(due.error());
    if (!due || !due.value()) break;
    look_at(turn, *due.value(), then);
  }
  return then;
}

// What waits for a host is looked at in its order, as many as the host has room for: each is judged
// once, however many wait.
void Dispatch::unpark(LeaderTurn& turn, Then& then) {
  std::set<std::string> rooms;
  {
    const std::lock_guard lock{attempts().mutex};
    rooms.swap(attempts().rooms);
  }
  std::size_t left = place_.limits.per_record;
  while (!rooms.empty()) {
    const auto host = parked_.find(*rooms.begin());
    while (host != parked_.end() && !host->second.empty() && left > 0 && room() && !turn.full()) {
      if (place_.hosts->full(host->first, turn.now(), room_at(host->first))) break;
      const auto id = host->second.front();
      host->second.pop_front();
      --parked_count_;
      --left;
      look_at(turn, id, then, Why::kRoom);
    }
    const bool over = left == 0 || !room() || turn.full();
    const bool more = host != parked_.end() && !host->second.empty();
    if (over && more) break;
    if (host != parked_.end() && !more) parked_.erase(host);
    rooms.erase(rooms.begin());
  }
  if (rooms.empty()) return;
  attempts().tell([&](Attempts& a) { a.rooms.merge(rooms); });  // the next record goes on
}

std::function<void()> Dispatch::room_at(const std::string& host) const {
  return [shared = place_.attempts, host] {
    shared->tell([&](Attempts& a) { a.rooms.insert(host); });
  };
}

// False: so many wait already that it has to come again later.
bool Dispatch::park(const std::string& host, const EffectId& id, bool first) {
  if (parked_count_ >= place_.limits.parked) return false;
  auto& queue = parked_[host];
  queue.insert(first ? queue.begin() : queue.end(), id);
  ++parked_count_;
  return true;
}

// What was held, and is not any more, is due at once. Asked when anything of the kind may have
// changed: a fact of reference data came, or this leader is new.
void Dispatch::wake_held(LeaderTurn& turn) {
  if (seen_ != state_.meta.reference) {
    seen_ = state_.meta.reference;
    held_from_ = State::Held{};
  }
  for (std::size_t n = 0; held_from_ && n < place_.limits.per_record && !turn.full(); ++n) {
    auto held = state_.next_held(held_from_->by, held_from_->id);
    if (!held) {
      held_from_.reset();
      return;
    }
    if (held->by == kByContent || turn.holds(held->by)) {
      held_from_ = State::Held{held->by + '\x01', {}};  // behind all that it holds
      continue;
    }
    turn.move_effect({held->id, EffectState::kRetryAt, "resumed: " + held->by, turn.now()});
    held_from_ = std::move(held);
  }
}

EffectId Dispatch::behind(EffectId id) {
  for (auto byte = id.rbegin(); byte != id.rend() && ++*byte == 0; ++byte) {
  }
  return id;
}

// What could not be made, once the texts that mails are made of have changed. A change meanwhile
// begins another pass behind this one.
void Dispatch::try_incomplete(LeaderTurn& turn, Then& then) {
  if (const auto texts = state_.reference.mail_texts; !texts_from_ && seen_texts_ != texts) {
    if (seen_texts_) texts_from_ = EffectId{};  // a new leader goes by their instants
    seen_texts_ = texts;
  }
  for (auto left = place_.limits.per_record / 4 + 1; texts_from_ && left > 0; --left) {
    if (turn.full() || !room()) return;
    const auto held = state_.next_held(kByContent, *texts_from_);
    if (!held || held->by != kByContent) return texts_from_.reset();
    texts_from_ = behind(held->id);
    if (*texts_from_ == EffectId{}) texts_from_.reset();  // it was the last that there can be
    const auto effect = state_.effect(held->id);
    if (!effect || effect->state != EffectState::kRetryAt) continue;
    const auto* channel = channel_of(*effect);
    if (channel != nullptr && parked_.contains(channel->destination(*effect))) {
      turn.move_effect(
          {held->id, EffectState::kRetryAt, effect->reason, turn.now()});  // in its turn
    } else {
      look_at(turn, held->id, then, Why::kTexts);
    }
  }
}

// Its span is over, and no outcome came: whoever made it is gone. A webhook comes again under its
// id; whether a mail went out nobody knows, so it waits for a person.
bool Dispatch::interrupted(LeaderTurn& turn, const Effect& effect) {
  if (effect.state != EffectState::kAttemptStarted) return false;
  const bool again = effect.channel == "webhook" || DW_PLANTED(9);  // planted: a mail too
  turn.move_effect({effect.id, again ? EffectState::kRetryAt : EffectState::kUnknown, "interrupted",
                    again ? std::optional{turn.now()} : std::nullopt});
  return true;
}

// An effect whose time has come.
void Dispatch::look_at(LeaderTurn& turn, const EffectId& id, Then& then, Why why) {
  const auto effect = state_.effect(id);
  const bool due = effect && effect->next && (why == Why::kTexts || *effect->next <= turn.now());
  if (!due || attempts().under_way.contains(id) || interrupted(turn, *effect)) return;
  auto* channel = channel_of(*effect);
  const bool inbox = channel == nullptr && effect->channel == "notify";
  if (channel == nullptr && !inbox) {
    turn.move_effect({id, EffectState::kSuppressed, "no_channel: " + effect->channel});
    return;
  }
  const auto host = inbox ? std::string{} : channel->destination(*effect);
  // Behind those that wait for its host already, it is judged when its turn has come.
  if (why != Why::kRoom && !host.empty() && parked_.contains(host) && park(host, id, false)) return;
  const auto passage = turn.judge_passage(*effect);
  if (passage.say != Passage::Say::kGo) return hold_back(turn, *effect, passage);
  if (inbox) {  // nothing leaves: it is there for whom it is meant, see the view `notices`
    turn.move_effect({id, EffectState::kDelivered, "inbox"});
    return;
  }
  auto content = turn.content(*effect);
  if (!content) {
    return turn.hold_back(id, incomplete(*effect, content.error().detail, turn.now()));
  }
  if (!let_go(turn, *effect, host)) return;
  const auto attempt = effect->attempts + 1;
  const bool passes = !channel->waits_at_gate();
  if (passes) turn.move_effect({id, EffectState::kAttemptStarted, ""});
  attempts().under_way[id] = {attempt, passes, false, host};
  // Not before what requests it, or starts it, is read back.
  then.push_back([this, channel, made = Attempt{*effect, attempt, std::move(content.value())}] {
    send(made, *channel);
  });
}

// Budgets and the host's own room: what only this process knows. False: it waits.
bool Dispatch::let_go(LeaderTurn& turn, const Effect& effect, const std::string& host) {
  const auto wait = [&](std::string reason, Instant until) {
    turn.move_effect({effect.id, EffectState::kRetryAt, std::move(reason), until});
    return false;
  };
  const auto within_budget = [&] {
    if (effect.channel != "email") return true;
    auto answer = budget_.ask(effect.id, payload_text(effect, "address"), turn.now(),
                              effect.expires.value_or(kAfterAll));
    return !answer.until || wait(std::move(answer.reason), *answer.until);
  };
  if (host.empty() || place_.hosts == nullptr) return within_budget();
  auto answer = place_.hosts->begin(host, effect.attempts > 0, turn.now(), room_at(host));
  switch (answer.say) {
    case Hosts::Answer::Say::kGo:
      if (within_budget()) return true;
      place_.hosts->end(host, Hosts::How::kNothing, turn.now());
      return false;
    case Hosts::Answer::Say::kWait:
      return wait(std::move(answer.reason), answer.until);
    case Hosts::Answer::Say::kFull:
      return park(host, effect.id, true) ? false
                                         : wait(std::move(answer.reason), turn.now() + seconds(30));
  }
  return true;
}

void Dispatch::hold_back(LeaderTurn& turn, const Effect& effect, const Passage& passage) {
  turn.hold_back(effect.id, passage);
  if (!passage.fuse) {
    // It stands in the log by now, or a person has resumed it.
    if (state_.rule_status(effect.rule) == "held") blown_.erase(effect.rule);
    return;
  }
  if (blown_.insert(effect.rule).second) announce(turn, effect);
}

// At its point of no return: everything is asked once more, and the start of the attempt is written
// down before it passes.
void Dispatch::pass(LeaderTurn& turn, const EffectId& id, Channel::Gate gate, Then& then) {
  const auto effect = state_.effect(id);
  auto& way = attempts().under_way[id];
  const bool waits = effect && (effect->state == EffectState::kRequested ||
                                effect->state == EffectState::kRetryAt);
  if (!waits || effect->attempts + 1 != way.attempt) {  // cancelled meanwhile
    gate(false);
    return;
  }
  const auto passage = turn.judge_passage(*effect);
  if (passage.say != Passage::Say::kGo) {
    hold_back(turn, *effect, passage);
    gate(false);
    return;
  }
  if (DW_PLANTED(7)) gate(true);  // planted: the dot goes out before its start is written down
  turn.move_effect({id, EffectState::kAttemptStarted, ""});
  then.push_back([this, id, attempt = way.attempt, gate = std::move(gate)] {
    const auto it = attempts().under_way.find(id);
    if (it != attempts().under_way.end() && it->second.attempt == attempt) it->second.passed = true;
    gate(true);
  });
}

void Dispatch::send(const Attempt& attempt, Channel& channel) {
  if (stopped_) return;
  attempts().under_way[attempt.effect.id].sent = true;
  channel.send(
      attempt,
      [shared = place_.attempts, id = attempt.effect.id,
       number = attempt.number](Channel::Gate gate) {
        shared->tell([&](Attempts& a) { a.at_gate.push_back({id, number, std::move(gate)}); });
      },
      [shared = place_.attempts, id = attempt.effect.id,
       number = attempt.number](AttemptResult result) {
        shared->tell([&](Attempts& a) { a.done.push_back({id, number, std::move(result)}); });
      });
}

// ---- facts

// That a rule let out more than it ever does: a fact, so that everybody sees it, and every
// partition holds the rule until a person resumes it.
void Dispatch::announce(LeaderTurn& turn, const Effect& effect) {
  const auto now = turn.now();
  const auto& flow = state_.flow(effect.rule);
  Event event;
  event.type = TypeId::kRuleHeld;
  event.source = "dealwright";
  event.id = "fuse/" + effect.rule + "/" + std::to_string(place_.id) + "/" + std::to_string(now.ms);
  event.subject = {Kind::kRule, effect.rule};
  event.time = now;
  event.actor = "system/dispatch";
  event.data.set(Field::kReason, Value{"fuse"});
  event.data.set(Field::kCount, Value{std::int64_t{in_ten_minutes(flow, now)}});
  event.data.set(Field::kLimit, Value{std::int64_t{fuse_limit(flow, place_.partitions, now)}});
  facts_.push_back(encoded(std::move(event)));
}

std::vector<std::string> Dispatch::take_facts(Instant now) {
  std::vector<Attempts::Done> done;
  {
    const std::lock_guard lock{attempts().mutex};
    done.swap(attempts().done);
  }
  auto out = std::exchange(facts_, {});
  for (auto& one : done) {
    const auto it = attempts().under_way.find(one.id);
    if (it == attempts().under_way.end() || it->second.attempt != one.attempt) continue;
    const auto way = std::move(it->second);
    if (!DW_PLANTED(13)) attempts().under_way.erase(it);  // planted: under way for ever
    if (!way.host.empty() && place_.hosts != nullptr) {
      place_.hosts->end(way.host, how(one.result), now);
    }
    const auto effect = state_.effect(one.id);
    // Stopped in front of its gate, or behind another of its number, or one that another followed:
    // its word changes nothing. The effect stands in the ledger as it stood, and is looked at
    // again.
    const bool stopped = !way.passed && one.result.what == AttemptResult::What::kAborted;
    const bool overtaken = effect && effect->attempts >= one.attempt + (way.passed ? 1U : 0U);
    if ((stopped || overtaken) && effect && effect->next) {
      state_.open_effects().give_back(*effect->next, one.id);
    }
    if (stopped || overtaken) continue;
    out.push_back(fact_of(one.id, one.attempt, way.passed, one.result, now));
  }
  return out;
}

std::string Dispatch::fact_of(const EffectId& id, std::uint32_t attempt, bool passed,
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
  if (!passed) event.id += kBeforePassing;
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
  return encoded(std::move(event));
}

std::string Dispatch::encoded(Event event) const {
  place_.key.sign(event, place_.id);
  std::string bytes;
  codec::encode(event, bytes);
  return bytes;
}

bool Dispatch::idle() const {
  const std::lock_guard lock{attempts().mutex};
  return attempts().under_way.empty() && attempts().done.empty() && attempts().at_gate.empty() &&
         facts_.empty();
}

// Of a partition that has stopped: the places it holds at hosts are the others'.
void Dispatch::give_up_hosts() {
  if (place_.hosts == nullptr) return;
  std::vector<std::pair<std::string, Hosts::How>> over;
  {
    const std::lock_guard lock{attempts().mutex};
    const auto& done = attempts().done;
    for (auto& entry : attempts().under_way) {
      auto& way = entry.second;
      const auto ended = std::find_if(done.begin(), done.end(), [&](const auto& one) {
        return one.id == entry.first && one.attempt == way.attempt;
      });
      if (way.host.empty() || (ended == done.end() && way.sent)) continue;  // its end comes later
      over.emplace_back(std::exchange(way.host, {}),
                        ended == done.end() ? Hosts::How::kNothing : how(ended->result));
    }
  }
  for (const auto& [host, end] : over) place_.hosts->end(host, end, state_.meta.now);
}

void Dispatch::stop() {
  stopped_ = true;
  // What was begun and not sent yet is not sent.
  drop_unsent(attempts());
  turn_away();
}

void Dispatch::turn_away() {
  const std::lock_guard lock{attempts().mutex};
  for (auto& one : attempts().at_gate) one.gate(false);
  attempts().at_gate.clear();
}

}  // namespace dealwright::runtime
