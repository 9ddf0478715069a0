// The ledger, naively: what moves an effect, when it is looked at, and what is found by it.
#include <algorithm>
#include <set>

#include "tests/oracle/oracle.h"

namespace dealwright::oracle {
namespace {

std::string text_in(const Map& map, const char* key) {
  const auto* value = find(map, key);
  return value == nullptr ? std::string{} : std::string{value->text_or_empty()};
}

// How long a mail counts: a week, or as long as its rule's own cap looks back.
Duration counts_for(const Effect& effect) {
  const auto* limits = find(effect.payload, "limits");
  const auto* per = limits == nullptr || limits->as_map() == nullptr
                        ? nullptr
                        : find(*limits->as_map(), "cap_per_ms");
  const auto own = per == nullptr ? 0 : *per->as_int();
  return milliseconds(std::max<std::int64_t>(days(7).ms, own));
}

bool out_in(EffectState state) {
  static const std::set<EffectState> kOut = {EffectState::kAttemptStarted, EffectState::kDelivered,
                                             EffectState::kUnknown};
  return kOut.count(state) > 0;
}

std::int64_t span(Instant at, Duration of) { return at.ms / of.ms - (at.ms % of.ms < 0 ? 1 : 0); }

}  // namespace

std::optional<Instant> looked_at(const Effect& effect, std::optional<Instant> retry_at) {
  if (effect.channel == "task") return std::nullopt;
  if (effect.state == EffectState::kRequested) {
    return effect.not_before ? *effect.not_before : effect.requested;
  }
  if (effect.state == EffectState::kRetryAt) {
    if (!effect.held_by.empty()) return retry_at;
    return retry_at ? *retry_at : effect.changed;
  }
  if (effect.state == EffectState::kAttemptStarted) return effect.changed + seconds(20);
  return std::nullopt;
}

// The line that a fact names, by its id or the first 160 bits of it.
Effect* Oracle::effect_named(const Event& event) {
  const std::string name{event.data.text(Field::kEffect)};
  if (name.size() < 40) return nullptr;
  for (auto& [id, effect] : effects_) {
    if (hex(id).starts_with(name)) return &effect;
  }
  return nullptr;
}

// What an attempt came to, if it is the last one, or the next that never started.
void Oracle::take_outcome(const Event& event) {
  static const std::map<std::string_view, EffectState> kStates = {
      {"delivered", EffectState::kDelivered},
      {"rejected", EffectState::kRejected},
      {"retry", EffectState::kRetryAt},
      {"unknown", EffectState::kUnknown},
      {"expired", EffectState::kExpired}};
  auto* effect = effect_named(event);
  if (effect == nullptr || is_final(effect->state)) return;
  const auto attempt = *event.data.integer(Field::kAttempt);
  const bool started =
      effect->state == EffectState::kAttemptStarted || effect->state == EffectState::kUnknown;
  if (attempt != std::int64_t{effect->attempts} + (started ? 0 : 1)) return;
  if (started && event.id.ends_with("/before")) return;  // of another attempt of that number
  effect->attempts = static_cast<std::uint32_t>(attempt);
  move_effect({effect->id, kStates.at(event.data.text(Field::kOutcome)),
               std::string{event.data.text(Field::kReason)}, event.data.instant(Field::kRetryAt)});
}

// An operator's word; whether it may stand was judged.
void Oracle::take_act(const Event& event) {
  auto* effect = effect_named(event);
  if (effect == nullptr) {
    wrong_ = "an act on an effect that is not there";
    return;
  }
  const auto by = " by " + std::string{event.data.text(Field::kAuthor)} + ": " +
                  std::string{event.data.text(Field::kReason)};
  if (event.type == TypeId::kEffectResolved) {
    if (effect->state != EffectState::kUnknown) wrong_ = "resolved what was not unknown";
    const bool out = event.data.text(Field::kOutcome) == "delivered";
    move_effect(
        {effect->id, out ? EffectState::kDelivered : EffectState::kRejected, "resolved" + by});
  } else if (event.type == TypeId::kEffectCancelled) {
    move_effect({effect->id, EffectState::kCancelled, "cancelled" + by});
  } else {
    static const std::set<EffectState> kAgain = {EffectState::kRejected, EffectState::kExpired,
                                                 EffectState::kSuppressed, EffectState::kUnknown};
    if (kAgain.count(effect->state) == 0) wrong_ = "a retry of what may not be tried again";
    const auto since = effect->retried ? *effect->retried : effect->requested;
    if (effect->expires) effect->expires = now_ + (*effect->expires - since);
    const auto before = effect->state;
    const bool was_final = is_final(before);
    effect->state = EffectState::kRetryAt;
    effect->reason = "retry requested" + by;
    effect->changed = now_;
    effect->held_by = "";
    effect->retried = now_;
    effect->attempts_before = effect->attempts;
    effect->next = now_;
    settle(*effect, before);
    const auto of = enrolments_.find(effect->enrolment);
    if (was_final && of != enrolments_.end()) of->second.effects.push_back(effect->id);
  }
}

// A receiver's word on a mail.
void Oracle::take_word(const Event& event) {
  auto* effect = effect_named(event);
  if (effect == nullptr || effect->channel != "email") return;
  std::string reason{event.type_name()};
  const std::string status{event.data.text(Field::kStatus)};
  const std::string why{event.data.text(Field::kReason)};
  if (!status.empty()) reason += " " + status;
  if (!why.empty()) reason += ": " + why;
  if (effect->state == EffectState::kDelivered && event.type == TypeId::kEmailBounced) {
    effect->reason = reason;
  } else if (effect->state == EffectState::kUnknown ||
             effect->state == EffectState::kAttemptStarted) {
    move_effect({effect->id, EffectState::kDelivered, reason});
  }
}

void Oracle::take_of_effects(const Event& event) {
  switch (event.type) {
    case TypeId::kEffectOutcome:
      return take_outcome(event);
    case TypeId::kEffectRetryRequested:
    case TypeId::kEffectResolved:
    case TypeId::kEffectCancelled:
      return take_act(event);
    case TypeId::kEmailDelivered:
    case TypeId::kEmailOpened:
    case TypeId::kEmailClicked:
    case TypeId::kEmailReplied:
    case TypeId::kEmailBounced:
    case TypeId::kEmailComplained:
      return take_word(event);
    default:
      return;
  }
}

bool Oracle::is_marketing(const std::string& purpose) const {
  if (!purposes_.empty() && purposes_.back().second.as_map() != nullptr) {
    const auto declared = text_in(*purposes_.back().second.as_map(), purpose.c_str());
    if (!declared.empty()) return declared == "marketing";
  }
  return purpose != "service";
}

void Oracle::move_effect(const EffectMoved& moved) {
  const auto it = effects_.find(moved.id);
  if (it == effects_.end() || is_final(it->second.state)) return;
  auto& effect = it->second;
  const bool out =
      effect.state == EffectState::kAttemptStarted || effect.state == EffectState::kUnknown;
  if (out && moved.state == EffectState::kCancelled) return;
  const auto before = effect.state;
  effect.state = moved.state;
  effect.reason = moved.reason;
  effect.changed = now_;
  effect.held_by = moved.held_by;
  if (moved.state == EffectState::kAttemptStarted) {
    ++effect.attempts;
    if (!effect.started && effect.channel == "email")
      left_[effect.rule].push_back({now_, effect.version});
    effect.started = true;
  }
  effect.next = looked_at(effect, moved.retry_at);
  settle(effect, before);
  const auto of = enrolments_.find(effect.enrolment);
  if (of != enrolments_.end() && is_final(moved.state)) std::erase(of->second.effects, moved.id);
}

// Whether it counts among what its reader got: from when it went out, until nothing came of it.
void Oracle::settle(const Effect& effect, EffectState before) {
  if (effect.channel != "email" || effect.recipient.empty()) return;
  if (out_in(before) == out_in(effect.state)) return;
  auto& all = mailed_[effect.recipient];
  const auto there = std::find_if(all.begin(), all.end(),
                                  [&](const Mailed& one) { return one.effect == effect.id; });
  if (!out_in(effect.state)) {
    if (there != all.end()) all.erase(there);
    return;
  }
  if (there != all.end()) return;
  for (auto one = all.begin(); one != all.end();) {
    one = one->at + one->kept > now_ ? one + 1 : all.erase(one);
  }
  if (all.size() == 256) all.erase(all.begin());
  all.push_back(
      {now_, effect.id, counts_for(effect), is_marketing(text_in(effect.payload, "purpose"))});
}

void Oracle::dump_effects(Dump& out) const {
  for (const auto& [id, effect] : effects_) {
    if (!effect.held_by.empty()) out["held " + effect.held_by + " " + hex(id)] = "waits";
    const bool waits =
        effect.state == EffectState::kRequested || effect.state == EffectState::kRetryAt;
    if (waits && effect.channel == "email" && !effect.recipient.empty()) {
      out["open mail " + effect.recipient + " " + hex(id)] = "waits";
    }
  }
  for (const auto& [person, all] : mailed_) {
    std::string text;
    for (const auto& one : all) {
      const auto& effect = effects_.at(one.effect);
      text += text_of(one.at) + " " + effect.rule + " " + text_in(effect.payload, "template") +
              (one.marketing ? " marketing " : " service ") + std::to_string(one.kept.ms) + " " +
              hex(one.effect) + "\n";
    }
    if (!text.empty()) out["sent to " + person] = text;
  }
  for (const auto& [rule, all] : left_) {
    if (all.empty()) continue;
    const auto last = all.back().at;
    std::map<std::int64_t, int> by_minute, by_ten;
    std::uint32_t version = 0;
    std::vector<std::size_t> of_version;  // places in `all`
    const auto vouched = vouched_behind_.find(rule);
    const auto behind = vouched == vouched_behind_.end() ? 0 : vouched->second;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto& one = all[i];
      if (i >= behind && span(one.at, minutes(1)) > span(last, minutes(1)) - 10) {
        ++by_minute[span(one.at, minutes(1))];
      }
      if (span(one.at, minutes(10)) > span(last, minutes(10)) - 1008) {
        ++by_ten[span(one.at, minutes(10))];
      }
      if (one.version > version) of_version.clear();
      version = std::max(version, one.version);
      if (one.version == version) of_version.push_back(i);
    }
    std::string text =
        "version " + std::to_string(version) + " " + std::to_string(of_version.size());
    const auto last_of = (100 + partitions - 1) / partitions - 1;
    if (of_version.size() > last_of && of_version[last_of] >= behind) {
      text += " canary until " + text_of(all[of_version[last_of]].at + minutes(15));
    }
    for (const auto& [at, n] : by_minute)
      text += "\nminute " + std::to_string(at) + " " + std::to_string(n);
    for (const auto& [at, n] : by_ten)
      text += "\nten " + std::to_string(at) + " " + std::to_string(n);
    out["flow " + rule] = text;
  }
}

}  // namespace dealwright::oracle
