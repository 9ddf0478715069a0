// The one way state changes: facts and decided changes, folded into State and handed to the views.
// The leader and every replay call the same functions in the same order.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/domain/decision.h"
#include "engine/runtime/homes.h"
#include "engine/runtime/log_facts.h"
#include "engine/runtime/refold.h"
#include "engine/runtime/state.h"

namespace dealwright::runtime {

// A fact on its way through one fold; kept while its consequences are decided.
struct Frame {
  Event event;
  Folded folded;
  FoldedFact fact;
  bool first = false;                   // about its subject, in this partition
  std::vector<HomeConflict> conflicts;  // of subject.homed
};

struct FactPlace {
  Instant now;
  std::uint64_t position = 0;           // in `events`: the event itself or what led to it
  std::uint64_t decision_position = 0;  // of the decision record being folded
  std::uint32_t index = 0;              // among the facts of that record; 0: the event itself
  std::uint32_t depth = 0;
  EnrolmentId made_by;
  std::string_view key;  // that it is folded under, if the event does not say it
};

// The owner's thread. State outlives it.
class Folder {
 public:
  Folder(State& state, LogFacts facts)
      : state_{state}, facts_{facts}, homes_{state, facts.partition(), facts.partitions()} {}

  // Folds the accepted fact in frame.event and fills frame.fact; tells the views.
  void fold(Frame& frame, const FactPlace& place);
  // Applies a decided change but FactDecided and EventRedriven, which fold facts: see fold().
  void apply(const Change& change, const FactPlace& place);
  // Takes a fired timer out of its enrolment; the index has let go of it already.
  void fired(const TimerKey& timer, Instant now);
  // An event that changes nothing: listed, with its bytes.
  void set_aside(const Event* event, std::string_view bytes, std::uint64_t position,
                 Verdict verdict, std::string_view code, std::string_view detail, Instant now);
  // Remembers its id, row or number, so that it is a duplicate when it comes again.
  struct Judged {
    Verdict verdict = Verdict::kAccepted;
    std::string_view code = {};
  };
  void remember(const Event& event, Instant now, Judged judged);
  // An event that another partition folds.
  void forwarded(const Event& event, std::string_view key, Instant now);
  // `each` hears of every effect that is requested or moved from here on, as it is then; and what
  // is late is counted anew.
  void watch_effects(std::function<void(const Effect&)> each) {
    on_effect_ = std::move(each);
    late_ = {};
  }
  struct Late {
    Lateness counts{};
    std::int64_t ms = 0;  // of all of them together
  };
  const Late& late() const { return late_; }
  // A redriven event leaves the list, or stays with a new code.
  void settle(const EventRedriven& redriven);

  void sent(const Send& send);
  void acked(const SendAck& ack);

  LogFacts& facts() { return facts_; }
  bool rules_changed() const { return rules_changed_; }
  void rules_taken() { rules_changed_ = false; }
  // The stricter of event and batch; the batch's rate if that drips.
  void take_policy(const Event& event, FoldedFact& fact);

 private:
  void fold_homes(Frame& frame);
  void fold_reference(const Event& event, const Record& record, const FoldAt& at,
                      const FactPlace& place);
  void fold_implied(const Event& event, const FoldAt& at, const FactPlace& place, Frame& frame);
  void fold_merge(const RecordKey& loser, const FoldAt& at, const FactPlace& place, Frame& frame);
  std::vector<Refolded> refold(const Event& event);
  void tell_views(const Frame& frame, const Record& record, std::span<const LifeStep> steps,
                  const Life& before);
  void tell_views(const Change& change, const ChangeContext& context);
  void fold_import(const Event& event, const FactPlace& place);
  void give_turn(const Enrolment& enrolment, Instant now);
  void start(const EnrolmentStarted& change, const FactPlace& place);
  void replace(const Enrolment& by);
  // Both say whose: the rule, "" if the enrolment is gone.
  std::string move(const EnrolmentMoved& change, const FactPlace& place);
  std::string end(const EnrolmentEnded& change, const FactPlace& place);
  bool request(const EffectRequested& change, const FactPlace& place);  // false: it stands already
  void note_decision(const RecordKey& subject, const FactPlace& place);
  void watch(const Enrolment& enrolment, bool on);
  void move_effect(const EffectMoved& moved, Instant now, Enrolment* of);
  void move_effect(Effect effect, const EffectMoved& moved, Instant now, Enrolment* of);
  void keep(const Effect& effect, const EffectPlace& was, EffectState before, Instant now,
            Enrolment* of);
  bool fold_of_effects(const Event& event, Instant now);
  void fold_outcome(const Event& event, Instant now);
  void fold_act_of(const Event& event, Instant now);
  void fold_word_of(const Event& event, Instant now);
  void fold_held_rule(const Event& event);

  State& state_;
  LogFacts facts_;
  Homes homes_;
  Folded implied_;
  std::vector<LifeDelta> deltas_;
  bool rules_changed_ = false;
  std::function<void(const Effect&)> on_effect_;
  Late late_;
};

// hash128(source, id): what duplicates are found by.
inline Hash128 dedup_id(const Event& event) { return hash128(event.source, event.id); }
// Beside it, of an event that went on to another partition: one that comes back by way of others is
// no duplicate.
inline Hash128 passed_id(const Event& event) {
  return hash128("passed on " + event.source, event.id);
}

}  // namespace dealwright::runtime
