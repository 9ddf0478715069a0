// One enrolment on its way: runs steps until it waits or ends, and writes down what changed. Of an
// enrolment that begins, the first change says where it came to stand at once, if it can.
#pragma once

#include <string>
#include <vector>

#include "rules/decide/calendars.h"
#include "rules/decide/decision_so_far.h"
#include "rules/steps/step_run.h"

namespace dealwright::rules {

class Run : public StepRun {
 public:
  // Of one that stands already.
  Run(Reader& reader, Calendars& calendars, DecisionSoFar& decision, const RulePlan& plan,
      Enrolment& enrolment);
  // Of a new one, with what its condition used.
  Run(Reader& reader, Calendars& calendars, DecisionSoFar& decision, const RulePlan& plan,
      Enrolment& enrolment, std::vector<UsedValue> used, bool remember);

  // Runs from that step on until it stands or ends. `ends`: reason of what comes behind the last.
  void go(std::uint32_t step, std::string_view done = "done");
  // Stands before its first step until then.
  void await_turn(Instant at) { stand(kBeforeFirst, at, false); }
  // The `do` of an exit, then its end.
  void exit(const ExitPlan* exit, std::string reason);
  // Whether a state exit holds now; one that cannot be said holds the enrolment. True: it is over
  // or held, nothing is left to do.
  bool check_states();
  void hold(const Outcome& outcome);
  // What it asked for and what may still leave.
  const std::vector<EffectId>& requested() const { return requested_; }

  bool request(std::string channel, std::string recipient, Map payload, bool is_message) override;
  bool decide(const EffectId& id, TypeId type, RecordKey subject, Fields data) override;
  void change(Change change) override;

 private:
  void keep_in_shadow(const EffectId& id, TypeId type, const RecordKey& subject,
                      const Fields& data);
  void flush();  // the start and what was held back
  void stand(std::uint32_t at, std::optional<Instant> due, bool for_event);
  void end(std::string reason, bool cancel_effects);
  void fail(const StepResult& result);
  std::string chain() const;

  DecisionSoFar& decision_;
  std::vector<EffectId> requested_;
  bool begins_ = false;   // not written down yet
  bool refused_ = false;  // its start: the budget is spent, there is no such enrolment
  bool remember_ = true;
  bool leaving_ = false;  // in the `do` of an exit
  std::vector<UsedValue> used_;
  std::vector<Change> held_back_;
};

}  // namespace dealwright::rules
