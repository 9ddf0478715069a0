// LeaderTurn: changes that the decider makes, within the budget of a decision and the size of a
// record.
#include "engine/codec/size_bound.h"
#include "engine/domain/form.h"
#include "engine/runtime/leader_turn.h"

namespace dealwright::runtime {

void LeaderTurn::write(Change change, std::size_t bytes) {
  turn().changes.push_back(std::move(change));
  bytes_ += bytes;
  decision_bytes_ += bytes;
}

// Whether a change has room in its decision and its record. What ends, moves on or is cancelled has
// to be said, also of an event that led to too much already.
bool LeaderTurn::fits(const Change& change, std::size_t bytes) const {
  if (bytes_ + bytes > kCeilingBytes) return false;
  const bool has_to = std::holds_alternative<EnrolmentMoved>(change) ||
                      std::holds_alternative<EnrolmentEnded>(change) ||
                      std::holds_alternative<EffectMoved>(change);
  return has_to || (!spent_ && decision_bytes_ + bytes <= kDecisionBytesMax);
}

// Says what was left out, in a few bytes.
bool LeaderTurn::over_budget(const Change& change) {
  spent_ = true;
  RuleFailed failed;
  failed.code = "budget";
  failed.detail = "one event leads to at most 512 KiB of decisions";
  const auto about = [&](const auto& decided, std::string_view where) {
    failed.rule = decided.rule;
    failed.version = decided.version;
    failed.subject = decided.subject;
    failed.where = where;
  };
  if (const auto* fact = std::get_if<FactDecided>(&change)) {
    fail_rule(fact->event, failed.code, failed.detail);
    return false;
  }
  if (const auto* started = std::get_if<EnrolmentStarted>(&change)) {
    about(started->enrolment, "entry");
  } else if (const auto* requested = std::get_if<EffectRequested>(&change)) {
    about(requested->effect, requested->effect.step);
  } else if (const auto* refused = std::get_if<EntryRefused>(&change)) {
    about(*refused, "entry");
  } else if (const auto* other = std::get_if<RuleFailed>(&change)) {
    about(*other, other->where);
  }
  const Change said{std::move(failed)};
  const auto bytes = codec::size_bound(said);
  if (bytes_ + bytes > kCeilingBytes) return false;  // said often enough
  folder_.apply(said, place(depth_));
  write(said, bytes);
  return false;
}

void LeaderTurn::fail_rule(const Event& event, std::string_view code, std::string_view detail) {
  RuleFailed failed;
  failed.rule = event.actor.starts_with("rule/") ? event.actor.substr(5) : event.actor;
  failed.subject = event.subject;
  failed.where = event.type_name();
  failed.code = code;
  failed.detail = detail;
  const Change change{std::move(failed)};
  const auto bytes = codec::size_bound(change);
  if (bytes_ + bytes > kCeilingBytes) return;
  folder_.apply(change, place(depth_));
  write(change, bytes);
}

bool LeaderTurn::decide_fact(FactDecided fact) {
  if (depth_ + 1 > kDepthMax) {
    fail_rule(fact.event, "loop", "rules trigger rules more than 8 deep");
    return false;
  }
  if (++facts_ > kFactsMax) {
    fail_rule(fact.event, "budget", "one event led to more than 256 facts");
    return false;
  }
  if (auto fault = form_fault(fact.event); !fault.empty()) {
    fail_rule(fact.event, "bad_data", fault);
    return false;
  }
  if (needs_history(fact.event.type)) {
    fail_rule(fact.event, "bad_data", "a rule does not take facts back");
    return false;
  }
  const auto judgement = judge_by_state(fact.event);
  if (judgement.verdict != Verdict::kAccepted) {
    fail_rule(fact.event, judgement.code, {});
    return false;
  }
  give_home(fact.event);
  const Change change{std::move(fact)};
  const auto bytes = codec::size_bound(change);
  if (!fits(change, bytes)) return over_budget(change);
  auto frame = std::make_unique<Frame>();
  frame->event = std::get<FactDecided>(change).event;
  folder_.apply(change, place(depth_));
  write(change, bytes);
  auto at = place(depth_ + 1);
  at.index = ++index_;
  folder_.fold(*frame, at);
  if (frame->first) settle_home(frame->event);
  queue_.push_back(std::move(frame));
  return true;
}

void LeaderTurn::go_on_with(std::string_view traceparent) {
  trace_ = is_traceparent(traceparent) ? traceparent : std::string_view{};
}

// The trace that an enrolment began with.
std::string_view LeaderTurn::trace_kept(const EnrolmentId& id) {
  const auto* live = enrolment(id);
  const auto* kept = live == nullptr ? nullptr : find(live->kept, kTraceparent);
  return kept == nullptr ? std::string_view{} : kept->text_or_empty();
}

// That of what happened: the event, or where a timer or an event without one comes behind it, that
// of the event that the enrolment began with.
void LeaderTurn::give_trace(Change& change) {
  if (auto* requested = std::get_if<EffectRequested>(&change)) {
    auto& trace = requested->effect.traceparent;
    trace = trace_.empty() ? trace_kept(requested->effect.enrolment) : std::string_view{trace_};
  } else if (auto* fact = std::get_if<FactDecided>(&change)) {
    fact->event.traceparent = trace_;
  } else if (auto* started = std::get_if<EnrolmentStarted>(&change)) {
    if (trace_.empty()) return;
    auto& kept = started->enrolment.kept;
    kept.emplace_back(kTraceparent, Value{trace_});
    kept = *Value{std::move(kept)}.as_map();  // sorted
  }
}

bool LeaderTurn::change(Change change) {
  give_trace(change);
  if (auto* fact = std::get_if<FactDecided>(&change)) return decide_fact(std::move(*fact));
  const auto bytes = codec::size_bound(change);
  if (!fits(change, bytes)) return over_budget(change);
  if (const auto* started = std::get_if<EnrolmentStarted>(&change)) {
    made_by_ = started->enrolment.id;
  } else if (const auto* moved = std::get_if<EnrolmentMoved>(&change)) {
    made_by_ = moved->id;
  }
  folder_.apply(change, place(depth_));
  write(std::move(change), bytes);
  return true;
}

}  // namespace dealwright::runtime
