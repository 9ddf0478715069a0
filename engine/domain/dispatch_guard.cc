#include "engine/domain/dispatch_guard.h"

#include <algorithm>

#include "engine/domain/consent.h"

namespace dealwright {
namespace {

// An exit that could not be evaluated: it is asked about again so often.
constexpr Duration kHeldFor = minutes(1);
constexpr Duration kTemplatePer = hours(24);
constexpr std::size_t kMarketingDay = 1, kMarketingWeek = 3;

using Say = Passage::Say;

Passage suppressed(std::string reason) { return {Say::kSuppress, std::move(reason), {}, {}}; }

// "what since 2026-03-02T09:00:00Z": by the fact that set that field of the record.
std::string since(std::string what, const Record* record, Field by = Field::kStatus) {
  if (record == nullptr) return what;
  for (const auto& field : record->fields) {
    const auto at = field.stamp.occurred;
    if (field.field == by && at > kInstantMin) what += " since " + to_text(at);
  }
  return what;
}

// Why nothing goes out about, or to, a record. Empty: it may.
std::string_view gone(const Record* record) {
  if (record == nullptr) return {};
  if (record->erased) return "erased";
  if (record->life.deleted) return "deleted";
  return {};
}

Passage judge_holds(const PassageCase& c) {
  const auto* status = c.workspace == nullptr ? nullptr : c.workspace->find(Field::kStatus);
  if (status != nullptr && status->text_or_empty() == "paused") {
    return {Say::kWait, since("workspace_paused:", c.workspace), {}, std::string{kByWorkspace}};
  }
  if (c.rule_status == "retired") return suppressed("rule_retired");
  if (c.rule_status == "paused" || c.rule_status == "held") {
    const bool held = c.rule_status == "held";
    return {Say::kWait,
            held ? "rule_held: until it is resumed" : since("rule_paused:", c.rule),
            {},
            by_rule(c.effect.rule)};
  }
  if (c.enrolment != nullptr && c.enrolment->held) {
    return {Say::kWait, "enrolment_held: an exit could not be evaluated", c.now + kHeldFor, {}};
  }
  return {};
}

// At least `max` of them left within `per`: until the oldest of these is that old.
template <class Counts>
std::optional<Instant> over(const PassageCase& c, std::size_t max, Duration per, Counts counts) {
  std::vector<Instant> within;
  for (const auto& one : c.sent) {
    if (one.effect != c.effect.id && one.at + per > c.now && counts(one)) within.push_back(one.at);
  }
  if (within.size() < max) return std::nullopt;
  std::sort(within.begin(), within.end());
  return within[within.size() - max] + per;
}

Passage capped(const PassageCase& c, std::string reason, Instant until, bool drops) {
  reason += ", next at " + to_text(until);
  if (drops) return suppressed(std::move(reason));
  // Its time may be over first: then it is looked at once more, and says so.
  const auto end = c.effect.expires.value_or(until);
  return {Say::kWait, std::move(reason), std::min(until, end), {}};
}

Passage judge_caps(const PassageCase& c) {
  const auto& effect = c.effect;
  const auto name = payload_text(effect, "template");
  const auto same = [&](const Sent& one) { return one.template_name == name; };
  if (const auto until = name.empty() ? std::nullopt : over(c, 1, kTemplatePer, same)) {
    return capped(c, "cap_template: " + std::string{name} + " once in 24 h", *until, false);
  }
  const auto limits = limits_of(effect);
  if (limits.cap_max > 0) {
    const auto mine = [&](const Sent& one) { return one.rule == effect.rule; };
    const auto max = static_cast<std::size_t>(limits.cap_max);
    if (const auto until = over(c, max, limits.cap_per, mine)) {
      return capped(c,
                    "cap_rule: " + std::to_string(limits.cap_max) + " in " +
                        std::to_string(limits.cap_per.ms / 3'600'000) + " h by this rule",
                    *until, limits.cap_drops);
    }
  }
  if (!is_marketing(c.schema, payload_text(effect, "purpose"))) return {};
  const auto all = [](const Sent& one) { return one.marketing; };
  const auto day = over(c, kMarketingDay, hours(24), all);
  const auto week = over(c, kMarketingWeek, days(7), all);
  if (week && (!day || *day < *week))
    return capped(c, "cap_marketing: 3 in 7 d", *week, limits.cap_drops);
  if (day) return capped(c, "cap_marketing: 1 in 24 h", *day, limits.cap_drops);
  return {};
}

// Only what has not been let out before: a retry of it is none of the rule's doing.
Passage judge_flow(const PassageCase& c) {
  if (c.flow == nullptr || c.effect.started || c.effect.channel != "email") return {};
  const auto& flow = *c.flow;
  if (in_ten_minutes(flow, c.now) >= fuse_limit(flow, c.partitions, c.now)) {
    Passage out{Say::kWait, "rule_held: until it is resumed", {}, by_rule(c.effect.rule)};
    out.fuse = true;
    return out;
  }
  const bool newest = c.effect.version >= flow.version;
  if (newest && flow.version == c.effect.version && flow.canary_until &&
      *flow.canary_until > c.now) {
    return {Say::kWait,
            "canary: version " + std::to_string(flow.version) + " let its first ones out, until " +
                to_text(*flow.canary_until),
            flow.canary_until, by_rule(c.effect.rule)};
  }
  return {};
}

std::string_view day_name(std::int32_t day) {
  static constexpr std::string_view kDays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  return kDays[static_cast<std::size_t>(std::clamp(day, 0, 6))];
}

std::string clock(std::int32_t minute) {
  std::string out;
  for (const auto n : {minute / 60, minute % 60}) {
    if (!out.empty()) out += ':';
    out += static_cast<char>('0' + n / 10);
    out += static_cast<char>('0' + n % 10);
  }
  return out;
}

}  // namespace

Passage judge_person(const PassageCase& c) {
  const auto* person = c.recipient;
  if (person == nullptr) return suppressed("no_recipient");
  if (const auto why = gone(person); !why.empty())
    return suppressed("recipient_" + std::string{why});
  if (payload_text(c.effect, "address").empty()) return suppressed("no_address");
  if (const auto* why = person->find(Field::kSuppressed); why != nullptr) {
    return suppressed(since(std::string{why->text_or_empty()} + ": of " + to_text(person->key),
                            person, Field::kSuppressed));
  }
  const auto purpose = payload_text(c.effect, "purpose");
  if (!is_marketing(c.schema, purpose)) return {};
  const auto* row = standing_consent(*person, purpose, c.effect.channel);
  if (row == nullptr) return suppressed("no_consent: " + std::string{purpose});
  if (!row->granted) {
    return suppressed("consent_withdrawn: " + row->purpose + " at " + to_text(row->stamp.occurred));
  }
  if (row->until && *row->until <= c.now) {
    return suppressed("consent_lapsed: " + std::string{purpose} + " at " + to_text(*row->until));
  }
  return {};
}

Passage judge_passage(const PassageCase& c) {
  if (auto held = judge_holds(c); held.say != Say::kGo) return held;
  if (c.effect.expires && *c.effect.expires <= c.now) {
    const bool waited = c.effect.state == EffectState::kRetryAt && !c.effect.reason.empty();
    return {Say::kExpire, waited ? "expired; " + c.effect.reason : "expired", {}, {}};
  }
  if (const auto why = gone(c.subject); !why.empty()) {
    return suppressed("record_" + std::string{why});
  }
  if (c.effect.channel == "email") {
    if (auto said = judge_person(c); said.say != Say::kGo) return said;
    if (auto said = judge_caps(c); said.say != Say::kGo) return said;
  }
  return judge_flow(c);
}

std::optional<SendHours> send_hours(const Effect& effect, const Schema* schema) {
  if (effect.channel != "email") return std::nullopt;
  const auto limits = limits_of(effect);
  if (limits.quiet == MailLimits::Quiet::kOwn) return limits.hours;
  // `none` is service mail's alone, which has none anyway.
  if (!is_marketing(schema, payload_text(effect, "purpose"))) return std::nullopt;
  return SendHours{};
}

Passage judge_quiet(const PassageCase& c, const SendHours& hours, Instant opens,
                    std::string_view zone) {
  if (opens <= c.now) return {};
  std::string reason = "quiet_hours: mails go " + to_text(hours) + " " + std::string{zone};
  return capped(c, std::move(reason), opens, limits_of(c.effect).quiet_drops);
}

std::string to_text(const SendHours& hours) {
  std::string out{day_name(hours.first_day)};
  if (hours.last_day != hours.first_day) out += "-" + std::string{day_name(hours.last_day)};
  return out + " " + clock(hours.from) + "-" + clock(hours.to);
}

}  // namespace dealwright
