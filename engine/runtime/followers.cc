#include "engine/runtime/followers.h"

#include <algorithm>
#include <set>

namespace dealwright::runtime {
namespace {

struct Search {
  std::string cause;  // of the enrolments it started
  std::set<EnrolmentId> enrolments;
  std::set<RecordKey> subjects;
  std::set<EffectId> effects;

  // All that was decided on the spot follows from the event; of a fact that a rule made, what says
  // so.
  void take_turn(const TurnRecord& turn, bool all) {
    for (const auto& change : turn.changes) {
      if (const auto* started = std::get_if<EnrolmentStarted>(&change)) {
        if (!all && started->enrolment.cause != cause) continue;
        enrolments.insert(started->enrolment.id);
        subjects.insert(started->enrolment.subject);
      } else if (const auto* requested = std::get_if<EffectRequested>(&change)) {
        if (all || enrolments.contains(requested->effect.enrolment)) {
          effects.insert(requested->effect.id);
        }
      }
    }
  }
};

Result<void> take_event_turns(State& state, LogFacts& facts, Position event, Search& search) {
  DW_TRY(auto at, facts.covering(event, state.meta.decisions));
  for (; at && *at < state.meta.decisions; ++*at) {
    DW_TRY(const auto* record, facts.decision(*at));
    if (record->header.from > event) return ok();
    const auto* batch = std::get_if<Batch>(&record->body);
    if (batch == nullptr) continue;
    for (const auto& turn : batch->turns) {
      if (turn.position == event && !turn.timer) search.take_turn(turn, true);
    }
  }
  return ok();
}

// What the enrolments did later, on timers and other facts.
Result<void> take_later(State& state, LogFacts& facts, const RecordKey& subject,
                        std::uint64_t order, Search& search) {
  const auto* record = state.find(subject);
  if (record == nullptr) return ok();
  for (auto chunk = record->chunks + 1; chunk-- > 0;) {
    DW_TRY(const auto entries, state.history_part(*record, chunk));
    for (const auto& entry : entries) {
      if (entry.role != HistoryRole::kDecision || entry.order < order) continue;
      DW_TRY(const auto* decided, facts.decision(entry.position));
      const auto* batch = std::get_if<Batch>(&decided->body);
      if (batch == nullptr) continue;
      for (const auto& turn : batch->turns) search.take_turn(turn, false);
    }
    if (!entries.empty() && entries.front().order < order) break;
  }
  return ok();
}

}  // namespace

Result<Followers> followers_of(State& state, LogFacts& facts, const FoundFact& fact) {
  Search search;
  search.cause = enrolment_key({fact.event.source, fact.event.id});
  if (fact.entry.decision) {
    DW_TRY(const auto* record, facts.decision(fact.entry.position));
    if (const auto* batch = std::get_if<Batch>(&record->body)) {
      for (const auto& turn : batch->turns) search.take_turn(turn, false);
    }
  } else {
    DW_TRY(take_event_turns(state, facts, fact.entry.position, search));
  }
  const auto subjects = search.subjects;
  for (const auto& subject : subjects) {
    DW_TRY(take_later(state, facts, subject, fact.entry.order, search));
  }
  return Followers{{search.enrolments.begin(), search.enrolments.end()},
                   {search.effects.begin(), search.effects.end()}};
}

}  // namespace dealwright::runtime
