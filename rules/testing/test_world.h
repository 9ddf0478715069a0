// The engine in the small, for tests of rules: records, enrolments, timers and effects in memory,
// folded by the domain's own evolve, on a virtual clock.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "engine/domain/evolve.h"
#include "engine/ports/decider.h"
#include "rules/plan/plan.h"

namespace dealwright::rules {

class TestWorld : public Turn {
 public:
  // Told every change, as it is made; FactDecided: only if it was accepted.
  using Watch = std::function<void(Instant now, const Change& change)>;
  explicit TestWorld(Decider& decider, Watch watch = {})
      : decider_{decider}, watch_{std::move(watch)} {}

  // Before the first event.
  Record& give(const RecordKey& key) { return touch(key); }
  void give_pipeline(const RecordKey& key, const Fields& fields);
  void give_schema(SchemaPtr schema) { reference_.schemas.put(std::move(schema), 0); }
  void give(const std::vector<TestRecord>& records);
  // Brings a record's life in line with its fields, as its history would have left them.
  void settle(Record& record);

  // Fires what is due by then, in order of (due, rule, enrolment, step).
  void advance(Instant to);
  // Fires what was due by the event's time, then folds it at `at` and decides what follows. The
  // refusal, or "".
  std::string deliver(const Event& event, Instant at);

  Instant now() const override { return now_; }
  const Record* record(const RecordKey& key) override;
  const Enrolment* enrolment(const EnrolmentId& id) override;
  std::optional<Entry> entry(std::string_view rule, std::string_view key) override;
  std::optional<EffectState> effect_state(const EffectId& id) override;
  std::vector<EnrolmentId> watching(const RecordKey& key) override;
  bool change(Change change) override;

  const std::map<EnrolmentId, Enrolment>& enrolments() const { return enrolments_; }
  const std::map<EffectId, Effect>& effects() const { return effects_; }
  const auto& timers() const { return timers_; }

 private:
  struct Frame {
    Event event;
    Folded folded;
    FoldedFact fact;
  };
  Record& touch(const RecordKey& key);
  RecordKey standing_for(const RecordKey& key) const;
  void fold(Frame& frame, std::uint32_t depth);
  bool accepted(const Event& event);
  bool decide_fact(const FactDecided& fact);
  void apply(const Change& change);
  void watch(const Enrolment& enrolment, bool on);
  void give_turn(const Enrolment& enrolment);
  void move_effect(const EffectId& id, EffectState to, const std::string& reason);
  void run_queue();
  void fire_due(Instant limit);

  Decider& decider_;
  Watch watch_;
  Instant now_ = kInstantMin;
  std::uint64_t order_ = 0;
  std::uint32_t depth_ = 0;
  std::uint32_t facts_ = 0;
  bool has_pipelines_ = false;
  Reference reference_;
  std::map<RecordKey, Record> records_;
  std::map<EnrolmentId, Enrolment> enrolments_;
  std::map<std::pair<std::string, std::string>, Entry> entries_;
  std::map<EffectId, Effect> effects_;
  // By due, rule, key of the enrolment, step: the order of firing.
  std::map<std::tuple<Instant, std::string, std::string, std::uint32_t>, EnrolmentId> timers_;
  std::deque<std::unique_ptr<Frame>> queue_;
};

}  // namespace dealwright::rules
