// Reads paths during one turn: the event, the subject, the records around it, lazily through the
// Turn.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/ports/decider.h"
#include "rules/plan/path.h"
#include "rules/time/zone.h"

namespace dealwright::rules {

struct Workspace {
  std::string name = "default";
  std::string currency = "EUR";
  std::string zone = "UTC";
};

// What stands around an expression while it runs. Pointers live during the turn; records are asked
// anew after each change.
class Reader {
 public:
  Reader(Turn& turn, const Workspace& workspace) : turn_{&turn}, workspace_{&workspace} {}

  // The fact that is being decided; none: no event at hand.
  const FoldedFact* fact = nullptr;
  RecordKey subject;
  const Enrolment* enrolment = nullptr;  // none: before entry
  std::string_view step_id;              // the id of the step that asks
  const Zone* zone = &utc();             // of local dates
  bool event_record = false;             // see ScopeSpec
  const Record* pinned = nullptr;        // the subject's record, while nothing changes

  // The value, or none if absent. It lives until the next change or the next call with `scratch`.
  const Value* find(const PathSpec& path, Value& scratch);
  // The record of a kind nearest to the subject, as far as it is known by name.
  std::optional<RecordKey> nearest(Kind kind);
  // The key that a path ending in a record or an n-1 field names.
  std::optional<RecordKey> record_of(const PathSpec& path);

  Turn& turn() { return *turn_; }
  Instant now() const { return turn_->now(); }
  LocalDate today() const { return zone->date(now()); }
  const Workspace& workspace() const { return *workspace_; }
  const Record* record(const RecordKey& key);

 private:
  const Value* find_in_record(const PathSpec& path, Value& scratch);
  const Value* find_in_event(const PathSpec& path, Value& scratch);
  const Value* find_before(const PathSpec& path, Value& scratch);
  const Value* find_own(const PathSpec& path, Value& scratch);
  std::optional<RecordKey> follow(RecordKey from, const Route& route);
  const Record* target(const PathSpec& path);

  Turn* turn_;
  const Workspace* workspace_;
};

// The record that an n-1 field, the contacts of a deal or `about` names.
std::optional<RecordKey> referred(const Record& record, const RouteStep& step);

// One record per kind around `from`, nearest first, itself in front; users, teams and other
// reference data left out. These are the records whose events concern its enrolments.
std::vector<RecordKey> closure(Turn& turn, const RecordKey& from);

}  // namespace dealwright::rules
