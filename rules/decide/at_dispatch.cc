// RulesDecider: what is asked when an effect is to leave.
#include "rules/decide/rules_decider.h"
#include "rules/time/send_hours.h"

namespace dealwright::rules {

Opening RulesDecider::opening(const SendHours& hours, std::span<const std::string> zones,
                              Instant now) {
  for (const auto& name : zones) {
    if (const auto* zone = calendars_.named_zone(name)) {
      return {rules::opening(hours, *zone, now), zone->name()};
    }
  }
  const auto& zone = calendars_.workspace_zone();
  return {rules::opening(hours, zone, now), zone.name()};
}

// Only exits that are states: the others were asked when their event came. One that cannot be said
// holds nothing back here: it holds the enrolment with the next event about it.
std::string RulesDecider::exits_now(const Effect& effect, Turn& turn) {
  const auto* found = turn.enrolment(effect.enrolment);
  if (found == nullptr) return {};
  const Enrolment enrolment = *found;
  const auto* plan = rules_->plan(enrolment.rule, enrolment.version);
  if (plan == nullptr || !plan->state_exits) return {};
  auto asked = reader(turn, nullptr);
  asked.subject = enrolment.subject;
  asked.enrolment = &enrolment;
  asked.zone = &calendars_.zone(*plan);
  calendars_.use(*plan);
  for (const auto& exit : plan->exits) {
    if (exit.match.events || !exit.match.when) continue;
    if (!exit.match.when->test(asked, calendars_).is_true()) continue;
    return exit.reason.empty() ? "state" : exit.reason;
  }
  return {};
}

}  // namespace dealwright::rules
