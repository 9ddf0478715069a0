// Entries: what stands between a matching condition and an enrolment.
#include <algorithm>

#include "rules/decide/chain.h"
#include "rules/decide/drip.h"
#include "rules/decide/rules_decider.h"

namespace dealwright::rules {
namespace {

std::string part(const Value& value) {
  const auto* text = value.as_text();
  return text == nullptr ? to_json(value) : *text;
}

std::string_view chain_of(const Event& event) {
  if (!event.actor.starts_with("rule/")) return {};
  const auto* chain = find(event.extensions, kChain);
  return chain == nullptr ? std::string_view{} : chain->text_or_empty();
}

bool in_control(const RulePlan& plan, const RecordKey& subject) {
  if (plan.control_bp == 0) return false;
  return hash128(plan.id, to_text(subject)).low % 10'000 < plan.control_bp;
}

}  // namespace

// How often and when the key was used last, by its subject or by what was merged into that.
std::optional<Entry> RulesDecider::entry_of(Turn& turn, const Enrolment& enrolment) {
  auto out = turn.entry(enrolment.rule, enrolment.key);
  const auto* record = turn.record(enrolment.subject);
  if (record == nullptr || record->merged_from.get().empty()) return out;
  const auto own = enrolment_key({to_text(enrolment.subject)});  // its first part
  const auto losers = record->merged_from.get();
  for (const auto& id : losers) {
    auto key = enrolment_key({to_text(RecordKey{record->key.kind, id})});
    key += std::string_view{enrolment.key}.substr(own.size());
    const auto theirs = turn.entry(enrolment.rule, key);
    if (!theirs) continue;
    if (!out) out = Entry{0, theirs->last};
    out->count += theirs->count;
    out->last = std::max(out->last, theirs->last);
  }
  return out;
}

std::optional<Outcome> RulesDecider::key_of(Reader& reader, const RulePlan& plan,
                                            Enrolment& enrolment) {
  const auto& event = *reader.fact->event;
  std::vector<std::string> parts{to_text(enrolment.subject)};
  switch (plan.entry) {
    case EntryPolicy::kOnce:
    case EntryPolicy::kCooldown:
      break;  // of cooldown the cause joins in the ids only
    case EntryPolicy::kOncePer:
      for (const auto& key : plan.entry_keys) {
        auto value = key.evaluate(reader, calendars_);
        if (value.failed) return value;
        parts.push_back(part(value.value));
      }
      break;
    case EntryPolicy::kWhileNotActive:
    case EntryPolicy::kEachTime:
      parts.push_back(event.source);
      parts.push_back(event.id);
  }
  enrolment.key = enrolment_key(parts);
  enrolment.cause = enrolment_key({event.source, event.id});
  enrolment.id = hash128(plan.id, effect_key(plan, enrolment));
  return std::nullopt;
}

// Key and kept values: of the state that conditions saw, before anything that they lead to.
void RulesDecider::prepare(Reader& reader, EntryVerdict& entry) {
  const auto& rule = rules_->rule(entry.rule);
  const auto& plan = *rule.plan;
  reader.zone = &calendars_.zone(plan);
  calendars_.use(plan);
  auto& enrolment = entry.enrolment;
  enrolment.rule = plan.id;
  enrolment.version = rule.version;
  enrolment.subject = entry.subject;
  enrolment.started = reader.now();
  enrolment.base = enrolment.step_since = reader.fact->occurred;
  entry.failure = key_of(reader, plan, enrolment);
  for (const auto& path : plan.kept) {
    PathSpec now = path;
    now.root = path.inner;
    Value scratch;
    const auto* value = reader.find(now, scratch);
    if (value != nullptr) enrolment.kept.emplace_back(path.text, *value);
  }
}

std::string_view RulesDecider::refusal(const FoldedFact& fact, Reader& reader,
                                       const RuleSet::Rule& rule, const Enrolment& enrolment) {
  const auto& plan = *rule.plan;
  auto& turn = reader.turn();
  if (rule.status == RuleStatus::kPaused) return "paused";
  if (fact.stale) return "stale";
  // The same event again, past the window in which it would be a duplicate: what it began waits
  // still, and its timers are its own. A policy that remembers says so by itself.
  const bool remembers = plan.entry == EntryPolicy::kOnce || plan.entry == EntryPolicy::kOncePer;
  if (plan.waits && !remembers && turn.enrolment(enrolment.id) != nullptr) return "active";
  switch (plan.entry) {
    case EntryPolicy::kOnce:
    case EntryPolicy::kOncePer:
      if (entry_of(turn, enrolment)) return "once";
      break;
    case EntryPolicy::kCooldown: {
      const auto entry = entry_of(turn, enrolment);
      if (entry && fact.occurred < add(entry->last, plan.cooldown, calendars_.calendar(reader)))
        return "cooldown";
      break;
    }
    case EntryPolicy::kWhileNotActive:
      for (const auto& id : turn.watching(enrolment.subject)) {
        const auto* other = turn.enrolment(id);
        if (other != nullptr && other->rule == plan.id && other->subject == enrolment.subject)
          return "active";
      }
      break;
    case EntryPolicy::kEachTime:
      break;
  }
  if (in_control(plan, enrolment.subject)) return "control";
  if (import_verdict(fact, plan).policy == Policy::kSuppress) return "import";
  const auto chain = chain_of(*fact.event);
  if (!chain.empty() && (rounds(chain, plan.id, enrolment.subject, turn.now()) > plan.loops ||
                         chain.size() > kChainBytesMax)) {
    return "loop";
  }
  return {};
}

void RulesDecider::enter(const FoldedFact& fact, Turn& turn, EntryVerdict& entry) {
  const auto& rule = rules_->rule(entry.rule);
  const auto& plan = *rule.plan;
  auto at = reader(turn, &fact);
  at.subject = entry.subject;
  at.zone = &calendars_.zone(plan);
  calendars_.use(plan);
  auto& enrolment = entry.enrolment;
  auto import = import_verdict(fact, plan);
  enrolment.shadow = rule.status == RuleStatus::kShadow || import.policy == Policy::kShadow;
  if (entry.failure) {
    turn.change(RuleFailed{plan.id, rule.version, enrolment.subject, "entry", entry.failure->code,
                           entry.failure->detail});
    return;
  }
  if (const auto reason = refusal(fact, at, rule, enrolment); !reason.empty()) {
    turn.change(EntryRefused{plan.id, rule.version, enrolment.subject, std::string{reason}});
    return;
  }
  if (const auto chain = chain_of(*fact.event); !chain.empty()) {
    enrolment.kept.emplace_back(std::string{kChain}, Value{chain});
  }
  std::optional<Instant> turn_at;  // of one that is dripped
  if (import.policy == Policy::kDrip) {
    turn_at = next_turn(turn, import.queues);
    enrolment.kept.emplace_back(std::string{kDrip}, Value{std::move(import.queues)});
  }
  std::sort(enrolment.kept.begin(), enrolment.kept.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  const bool remember = plan.entry == EntryPolicy::kOnce || plan.entry == EntryPolicy::kOncePer ||
                        plan.entry == EntryPolicy::kCooldown;
  Run run{at, calendars_, so_far_, plan, enrolment, std::move(entry.used), remember};
  if (turn_at) return run.await_turn(*turn_at);
  run.go(plan.first);
}

}  // namespace dealwright::rules
