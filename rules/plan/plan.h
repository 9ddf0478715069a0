// A rule as it is decided: triggers and conditions compiled, steps in one row with jump targets.
// The place in that row is Enrolment.step. Immutable once compiled; shared by the partitions.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rules/file/rule_file.h"
#include "rules/plan/expression.h"
#include "rules/steps/step.h"

namespace dealwright::rules {

inline constexpr std::uint32_t kNoStep = ~std::uint32_t{0};  // behind the last one: done

struct TriggerPlan {
  std::optional<EventSet> events;  // none: a change of a field
  Kind kind = Kind::kForeign;      // of the record whose field changed
  Field field = Field::kNone;
  std::vector<Value> from;  // empty: any
  std::vector<Value> to;
  Moved moved = Moved::kAny;
};

struct MatchPlan {
  std::optional<EventSet> events;  // none: a state
  std::optional<Expression> when;
  std::optional<PathSpec> same_event;  // of `same`: equal to
  std::optional<PathSpec> same_start;  // this, as it was at entry
};

struct ExitPlan {
  MatchPlan match;
  std::string reason;             // "": the event's type, or "state"
  std::uint32_t steps = kNoStep;  // do
};

struct PlanStep {
  std::string id;
  Place at;
  bool go_on = false;  // if_error: continue
  std::uint32_t next = kNoStep;
  std::unique_ptr<const Step> step;
};

struct LimitsPlan {
  Map payload;  // for the dispatcher, as captured into each message
  Duration expire = hours(24);
  Duration misfire = hours(24);  // messages later than that expire
};

// What an inline test says; read with the rule, run by rules/testing.
struct TestRecord {
  RecordKey key;
  Fields fields;
  Map custom;
  Map extra;
};
struct TestEvent {
  Event event;
  Instant at;  // when it comes in; event.time: when it happened
  Place place;
};
struct TestExpectation {
  Instant at;
  std::string what;   // send_email, create_task, exit, update ...
  std::string value;  // template, kind, reason ...
  Place place;
};
struct TestCase {
  std::string name;
  Place at;
  std::vector<TestRecord> given;
  std::vector<TestEvent> events;  // by time
  std::vector<TestExpectation> expect;
};

struct RulePlan {
  std::string id;
  std::string name;
  std::string owner;
  std::string status;  // as the file says
  std::vector<TriggerPlan> triggers;
  std::optional<Expression> when;
  std::optional<Expression> subject;  // a record; none: the event's subject
  EntryPolicy entry = EntryPolicy::kOnce;
  std::vector<Expression> entry_keys;
  Length cooldown;
  std::vector<ExitPlan> exits;
  bool state_exits = false;  // one of them has no event: asked before each step
  std::uint32_t control_bp = 0;
  std::vector<PlanStep> steps;
  std::uint32_t first = kNoStep;
  bool waits = false;  // one of the steps does
  LimitsPlan limits;
  ImportRule import;
  std::uint32_t loops = 0;
  std::string calendar;
  std::string zone;
  std::vector<PathSpec> kept;      // start.*: read at entry, under their text
  std::vector<std::string> reads;  // paths of records that conditions and steps read, sorted
  std::vector<TestCase> tests;
  SchemaPtr schema;  // that it was checked by; paths look into it
};

}  // namespace dealwright::rules
