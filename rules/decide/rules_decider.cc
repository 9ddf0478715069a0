#include "rules/decide/rules_decider.h"

#include <algorithm>

#include "rules/decide/drip.h"

namespace dealwright::rules {
namespace {

using Status = RuleStatus;

// A timer that comes due while its rule is paused is asked again later: the due instants stay.
constexpr Duration kPausedRetry = hours(1);

bool within(TypeId type, TypeId first, TypeId last) { return type >= first && type <= last; }

bool same(Reader& reader, const MatchPlan& match) {
  if (!match.same_event) return true;
  Value a;
  Value b;
  const auto* now = reader.find(*match.same_event, a);
  const auto* then = reader.find(*match.same_start, b);
  return now != nullptr && then != nullptr && *now == *then;
}

}  // namespace

Reader RulesDecider::reader(Turn& turn, const FoldedFact* fact) {
  Reader out{turn, calendars_.workspace()};
  out.fact = fact;
  out.event_record = fact != nullptr;
  return out;
}

// ---- live enrolments

// Those that watch the event's subject, and those whose subject its record points to.
std::vector<EnrolmentId> RulesDecider::concerned(const FoldedFact& fact, Turn& turn) {
  const auto& subject = fact.event->subject;
  auto out = turn.watching(subject);
  const auto add = [&](const std::vector<EnrolmentId>& more) {
    for (const auto& id : more) {
      if (std::find(out.begin(), out.end(), id) == out.end()) out.push_back(id);
    }
  };
  if (fact.subject != nullptr && fact.subject->key != subject)
    add(turn.watching(fact.subject->key));
  for (const auto& key : closure(turn, subject)) {
    if (key == subject) continue;
    for (const auto& id : turn.watching(key)) {
      const auto* enrolment = turn.enrolment(id);
      if (enrolment != nullptr && enrolment->subject == key) add({id});
    }
  }
  return out;
}

// Merge, delete, erase; rules that are gone.
bool RulesDecider::judge_always(const FoldedFact& fact, Verdict& verdict) {
  const auto& event = *fact.event;
  const char* reason = nullptr;
  if (event.subject == verdict.enrolment.subject) {
    if (within(event.type, TypeId::kAccountMerged, TypeId::kSurveyMerged)) reason = "merged";
    if (within(event.type, TypeId::kAccountDeleted, TypeId::kSurveyDeleted)) reason = "deleted";
    if (event.type == TypeId::kPersonErased) reason = "erased";
  }
  if (reason == nullptr && rules_->status(verdict.enrolment.rule) == Status::kRetired)
    reason = "retired";
  if (reason == nullptr) return false;
  verdict.what = Verdict::What::kExit;
  verdict.reason = reason;
  return true;
}

void RulesDecider::judge_one(Reader& reader, Verdict& verdict) {
  const auto& fact = *reader.fact;
  auto& enrolment = verdict.enrolment;
  if (judge_always(fact, verdict)) return;
  if (verdict.plan == nullptr) return;
  reader.subject = enrolment.subject;
  reader.enrolment = &enrolment;
  reader.zone = &calendars_.zone(*verdict.plan);
  calendars_.use(*verdict.plan);
  bool said = false;  // a condition could be evaluated
  for (const auto& exit : verdict.plan->exits) {
    const auto& match = exit.match;
    if (match.events) {
      const bool counts = match.events->contains(*fact.event) && enrolment.base <= fact.occurred;
      if (!counts || !same(reader, match)) continue;
    }
    if (match.when) {
      auto outcome = match.when->test(reader, calendars_);
      if (outcome.failed) {
        verdict.what = Verdict::What::kHold;
        verdict.failure = std::move(outcome);
        continue;  // another may say it for sure
      }
      said = true;
      if (!outcome.is_true()) continue;
    }
    verdict.what = Verdict::What::kExit;
    verdict.exit = &exit;
    verdict.reason = !exit.reason.empty() ? exit.reason
                     : match.events       ? std::string{fact.event->type_name()}
                                          : "state";
    return;
  }
  if (verdict.what == Verdict::What::kHold) return;
  if (enrolment.held && !said) return;
  if (enrolment.held) verdict.what = Verdict::What::kRelease;
  const auto& steps = verdict.plan->steps;
  const auto* match = enrolment.step < steps.size() && enrolment.waits_for_event
                          ? steps[enrolment.step].step->waits_for()
                          : nullptr;
  if (match == nullptr) return;
  const auto since =
      steps[enrolment.step].step->since_start() ? enrolment.base : enrolment.step_since;
  if (match->events &&
      (!match->events->contains(*fact.event) || fact.occurred < since || !same(reader, *match))) {
    return;
  }
  if (match->when) {
    auto outcome = match->when->test(reader, calendars_);
    if (outcome.failed && !outcome.absent) verdict.failure = std::move(outcome);
    if (!outcome.is_true()) return;
  }
  verdict.what = Verdict::What::kMatch;
}

void RulesDecider::judge(const FoldedFact& fact, Turn& turn) {
  for (const auto& id : concerned(fact, turn)) {
    const auto* enrolment = turn.enrolment(id);
    if (enrolment == nullptr) continue;
    Verdict verdict;
    verdict.enrolment = *enrolment;
    verdict.plan = rules_->plan(enrolment->rule, enrolment->version);
    verdicts_.push_back(std::move(verdict));
  }
  std::sort(verdicts_.begin(), verdicts_.end(), [](const Verdict& a, const Verdict& b) {
    const auto& x = a.enrolment;
    const auto& y = b.enrolment;
    return std::tie(x.rule, x.key, x.id) < std::tie(y.rule, y.key, y.id);
  });
  for (auto& verdict : verdicts_) {
    auto at = reader(turn, &fact);
    judge_one(at, verdict);
  }
}

// Goes on behind its match; or, no longer held, waits on or takes the step it was held at.
void RulesDecider::move_on(Run& run, Verdict& verdict, const FoldedFact& fact) {
  auto& enrolment = verdict.enrolment;
  if (verdict.what == Verdict::What::kMatch) {
    const auto& at = verdict.plan->steps[enrolment.step];
    run.since = std::max(enrolment.step_since, std::min(fact.occurred, run.now()));
    run.go(at.step->matched().value_or(at.next));
  } else if (enrolment.due) {
    run.change(EnrolmentMoved{enrolment.id, enrolment.step, enrolment.round, enrolment.step_since,
                              enrolment.due, enrolment.waits_for_event, false, enrolment.watched});
  } else {
    run.since = run.now();
    run.go(enrolment.step);
  }
}

void RulesDecider::apply(const FoldedFact& fact, Turn& turn) {
  using What = Verdict::What;
  for (const bool exits : {true, false}) {
    for (auto& verdict : verdicts_) {
      const bool leaves = verdict.what == What::kExit || verdict.what == What::kHold;
      if (verdict.what == What::kNothing || leaves != exits) continue;
      const auto* current = turn.enrolment(verdict.enrolment.id);
      if (current == nullptr) continue;  // an earlier one ended it
      verdict.enrolment = *current;
      if (verdict.plan == nullptr) {
        turn.change(EnrolmentEnded{verdict.enrolment.id, verdict.reason, true});
        continue;
      }
      auto at = reader(turn, &fact);
      at.subject = verdict.enrolment.subject;
      Run run{at, calendars_, so_far_, *verdict.plan, verdict.enrolment};
      if (verdict.what == What::kExit) {
        run.since = run.now();
        run.exit(verdict.exit, verdict.reason);
      } else if (verdict.what == What::kHold) {
        if (!verdict.enrolment.held) run.hold(verdict.failure);
      } else if (rules_->status(verdict.enrolment.rule) != Status::kPaused) {
        move_on(run, verdict, fact);
      }
    }
  }
}

Result<Map> RulesDecider::content(const Effect& effect, Turn& turn, const Schema* schema) {
  if (mails_ == nullptr || effect.channel != "email") return Map{};
  return mails_->render(effect, turn, schema);
}

// ---- the two questions

void RulesDecider::on_fact(const FoldedFact& fact, Turn& turn) {
  if (fact.retracted) return;
  if (fact.depth == 0) {
    so_far_.begin();
    cancel_wins(fact, turn);
  }
  verdicts_.clear();
  if (rules_->concerns(*fact.event)) judge(fact, turn);
  auto at = reader(turn, &fact);
  at.subject = fact.subject != nullptr ? fact.subject->key : fact.event->subject;
  rules_->index().match(at, calendars_, fired_, failed_);
  if (verdicts_.empty() && fired_.empty() && failed_.empty()) return;
  // Everything is judged on this state; changes come behind.
  std::vector<EntryVerdict> entries;
  for (const auto number : fired_) {
    const auto& rule = rules_->rule(number);
    EntryVerdict entry{number, at.subject, {}, {}, {}};
    if (rule.plan->subject) {
      auto subject = at.record_of(*rule.plan->subject->as_path());
      if (!subject) continue;
      entry.subject = std::move(*subject);
    }
    auto own = reader(turn, &fact);
    own.subject = entry.subject;
    if (rule.plan->when) rule.plan->when->used(own, entry.used);
    prepare(own, entry);
    entries.push_back(std::move(entry));
  }
  const auto failures = failed_;
  apply(fact, turn);
  for (const auto& [number, outcome] : failures) {
    const auto& rule = rules_->rule(number);
    turn.change(RuleFailed{rule.plan->id, rule.version, fact.event->subject, "when", outcome.code,
                           outcome.detail});
  }
  for (auto& entry : entries) enter(fact, turn, entry);
}

// Of one that was dripped: its turn has come, or was missed with others.
void RulesDecider::take_turn(Run& run, const TimerKey& timer, Turn& turn) {
  auto& enrolment = run.enrolment;
  const auto* queues = find(enrolment.kept, kDrip);
  const auto* rates = queues == nullptr ? nullptr : queues->as_map();
  if (rates != nullptr && missed_turn(turn, *rates, timer.due))
    return run.await_turn(next_turn(turn, *rates));
  run.since = enrolment.base;
  if (enrolment.held && !run.plan.state_exits) {  // as in on_timer: nothing here can say it
    turn.change(EnrolmentMoved{enrolment.id,
                               run.plan.first,
                               enrolment.round,
                               run.since,
                               {},
                               false,
                               true,
                               enrolment.watched});
    return;
  }
  run.go(run.plan.first);
}

void RulesDecider::on_timer(const TimerKey& timer, Turn& turn) {
  so_far_.begin();
  const auto* found = turn.enrolment(timer.enrolment);
  if (found == nullptr) return;
  Enrolment enrolment = *found;
  const auto* plan = rules_->plan(enrolment.rule, enrolment.version);
  const auto status = rules_->status(enrolment.rule);
  const bool enters = enrolment.step == kBeforeFirst;
  const bool unknown = plan == nullptr || (!enters && enrolment.step >= plan->steps.size());
  if (unknown || status == Status::kRetired) {
    turn.change(EnrolmentEnded{enrolment.id, plan == nullptr ? "error" : "retired", true});
    return;
  }
  auto at = reader(turn, nullptr);
  at.subject = enrolment.subject;
  enrolment.due.reset();
  if (status == Status::kPaused) {
    turn.change(EnrolmentMoved{enrolment.id, enrolment.step, enrolment.round, enrolment.step_since,
                               turn.now() + kPausedRetry, enrolment.waits_for_event, enrolment.held,
                               enrolment.watched});
    return;
  }
  Run run{at, calendars_, so_far_, *plan, enrolment};
  if (enters) return take_turn(run, timer, turn);
  const auto& step = plan->steps[enrolment.step];
  // The instant it was due at first, whatever pauses put it off.
  const auto due = step.step->due(run, enrolment.step_since).value_or(timer.due);
  run.since = std::min(due, timer.due);
  run.lateness = turn.now() - run.since;
  const auto next = step.step->timed_out().value_or(step.next);
  if (enrolment.held &&
      !plan->state_exits) {  // nothing here can say it: it stays held behind its wait
    turn.change(EnrolmentMoved{
        enrolment.id, next, enrolment.round, run.since, {}, false, true, enrolment.watched});
    return;
  }
  run.go(next);
  if (turn.enrolment(enrolment.id) == nullptr) remember_ended(run, timer.due);
}

}  // namespace dealwright::rules
