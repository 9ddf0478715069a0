// What a step may do while it runs: read, request effects, decide facts. Changes of an enrolment
// that begins are held back until it stands still, so that one fire costs few of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/plan/plan.h"
#include "rules/time/length.h"

namespace dealwright::rules {

class StepRun {
 public:
  StepRun(Reader& reader_in, CalendarSource& calendars_in, const RulePlan& plan_in,
          Enrolment& enrolment_in)
      : reader{reader_in}, calendars{calendars_in}, plan{plan_in}, enrolment{enrolment_in} {}
  virtual ~StepRun() = default;

  Reader& reader;
  CalendarSource& calendars;
  const RulePlan& plan;
  Enrolment& enrolment;
  const PlanStep* step = nullptr;  // the one that runs
  Instant since;                   // when it came there: trigger's time, timer's due, event's time
  Duration lateness;               // of the timer that led here

  Instant now() const { return reader.now(); }
  // `length` behind `from`; by the calendar in force here, where the length asks for one.
  Instant after(Instant from, const Length& length) {
    if (length.unit == Length::Unit::kExact) return from + milliseconds(length.n);
    return add(from, length, calendars.calendar(reader));
  }
  // The id of what the running step requests; `recipient` where it addresses more than one.
  EffectId effect_id(std::string_view channel, std::string_view recipient = {}) const;
  // A message or a task of the running step; fills in all but channel, recipient and payload. In a
  // shadow it is recorded suppressed. False: it stands in the ledger already.
  virtual bool request(std::string channel, std::string recipient, Map payload,
                       bool is_message = true) = 0;
  // A fact that the running step makes, folded at once; `id` names it. Nothing in a shadow.
  // False: refused.
  virtual bool decide(const EffectId& id, TypeId type, RecordKey subject, Fields data) = 0;
  virtual void change(Change change) = 0;
};

// The key that effect ids hold: the entry key, behind it the cause where a key alone may come
// again.
std::string effect_key(const RulePlan& plan, const Enrolment& enrolment);

}  // namespace dealwright::rules
