// At one instant the timer goes first, and an exit in the same decision record still wins: effects
// leave only when the whole record stands. An enrolment that its last timer ended is gone when the
// event comes, so it is remembered until `now` moves: all of a record has one `now`, save on the
// event clock, where it is the instant itself.
#include <algorithm>

#include "rules/decide/rules_decider.h"

namespace dealwright::rules {
namespace {

constexpr std::size_t kEndedMax = 1024;  // of one `now`; behind them the oldest are let go

}  // namespace

void RulesDecider::remember_ended(const Run& run, Instant due) {
  const auto now = run.now();
  if (!ended_.empty() && ended_.front().now != now) ended_.clear();
  const auto& exits = run.plan.exits;
  const bool by_event = std::any_of(exits.begin(), exits.end(),
                                    [](const ExitPlan& e) { return e.match.events.has_value(); });
  auto effects = run.enrolment.effects;
  effects.insert(effects.end(), run.requested().begin(), run.requested().end());
  if (!by_event || effects.empty()) return;
  if (ended_.size() == kEndedMax) ended_.erase(ended_.begin());
  ended_.push_back({run.enrolment, &run.plan, due, now});
  ended_.back().enrolment.effects = std::move(effects);
}

void RulesDecider::cancel_wins(const FoldedFact& fact, Turn& turn) {
  if (ended_.empty()) return;
  if (turn.now() != ended_.front().now) ended_.clear();
  std::optional<std::vector<RecordKey>> around;  // of the event's subject, asked for once
  for (auto& ended : ended_) {
    if (fact.occurred != ended.due) continue;
    auto& enrolment = ended.enrolment;
    const auto& subject = fact.event->subject;
    const auto& watched = enrolment.watched;
    if (!around) around = closure(turn, subject);
    const bool concerned =
        std::find(watched.begin(), watched.end(), subject) != watched.end() ||
        std::find(around->begin(), around->end(), enrolment.subject) != around->end();
    if (!concerned) continue;
    Verdict verdict;
    verdict.enrolment = enrolment;
    verdict.enrolment.waits_for_event = false;
    verdict.plan = ended.plan;
    auto at = reader(turn, &fact);
    judge_one(at, verdict);
    if (verdict.what != Verdict::What::kExit) continue;
    for (const auto& id : enrolment.effects) {
      if (turn.effect_state(id) == EffectState::kRequested)
        turn.change(EffectMoved{id, EffectState::kCancelled, verdict.reason});
    }
    enrolment.effects.clear();
  }
}

}  // namespace dealwright::rules
