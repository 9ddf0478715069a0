#include "engine/domain/sends.h"

#include <algorithm>

#include "engine/domain/consent.h"

namespace dealwright {
namespace {

std::string_view text_of(const Map& map, std::string_view key) {
  const auto* value = find(map, key);
  return value == nullptr ? std::string_view{} : value->text_or_empty();
}

std::int64_t int_of(const Map& map, std::string_view key) {
  const auto* value = find(map, key);
  const auto* number = value == nullptr ? nullptr : value->as_int();
  return number == nullptr ? 0 : *number;
}

}  // namespace

std::string_view payload_text(const Effect& effect, std::string_view key) {
  return text_of(effect.payload, key);
}

MailLimits limits_of(const Effect& effect) {
  MailLimits out;
  const auto* value = find(effect.payload, "limits");
  const auto* map = value == nullptr ? nullptr : value->as_map();
  if (map == nullptr) return out;
  const auto quiet = text_of(*map, "quiet_hours");
  if (quiet == "none") out.quiet = MailLimits::Quiet::kNone;
  const auto* hours = quiet == "own" ? find(*map, "send") : nullptr;
  if (const auto* own = hours == nullptr ? nullptr : hours->as_map()) {
    out.quiet = MailLimits::Quiet::kOwn;
    out.hours = {static_cast<std::int32_t>(int_of(*own, "first_day")),
                 static_cast<std::int32_t>(int_of(*own, "last_day")),
                 static_cast<std::int32_t>(int_of(*own, "from")),
                 static_cast<std::int32_t>(int_of(*own, "to"))};
  }
  out.quiet_drops = text_of(*map, "send_else") == "drop";
  out.cap_max = int_of(*map, "cap_max");
  out.cap_per = milliseconds(int_of(*map, "cap_per_ms"));
  out.cap_drops = text_of(*map, "cap_over") == "drop";
  return out;
}

namespace {
bool is_out(EffectState state) {
  return state == EffectState::kAttemptStarted || state == EffectState::kDelivered ||
         state == EffectState::kUnknown;
}
}  // namespace

bool follow(SentTo& sent, const Effect& effect, EffectState before, const Schema* schema,
            Instant now) {
  if (is_out(before) == is_out(effect.state)) return false;
  const auto it = std::find_if(sent.begin(), sent.end(),
                               [&](const Sent& one) { return one.effect == effect.id; });
  const bool there = it != sent.end();
  if (there == is_out(effect.state)) return false;
  if (there) {
    sent.erase(it);
    return true;
  }
  std::erase_if(sent, [&](const Sent& one) { return one.at + one.kept <= now; });
  if (sent.size() >= kSentKept) sent.erase(sent.begin());
  const auto limits = limits_of(effect);
  sent.push_back({effect.id, now, effect.rule, std::string{payload_text(effect, "template")},
                  is_marketing(schema, payload_text(effect, "purpose")),
                  limits.cap_max > 0 ? std::max(kSentKeptFor, limits.cap_per) : kSentKeptFor});
  return true;
}

}  // namespace dealwright
