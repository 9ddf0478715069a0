// Paths as rules write them (`deal.owner.team.region`, `event.total`, `start.event.x`), resolved
// once against the vocabulary and followed at run time through the records of one turn.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/event.h"
#include "engine/domain/schema.h"
#include "rules/file/event_set.h"

namespace dealwright::rules {

inline constexpr int kHopsMax = 4;

enum class Root : std::uint8_t {
  kRecord,  // the subject, or the nearest record of a kind from it
  kEvent,
  kBefore,  // the subject before the event
  kStart,   // of the path behind it, as it was at entry
  kNow,
  kToday,
  kEnrolment,
  kWorkspace,
};

enum class Leaf : std::uint8_t {
  kField,   // a declared field of the record or of the event's data
  kCustom,  // name in custom
  kExtra,   // name in extra, or undeclared data of an event
  kRecord,  // the record itself: its key as text
  kId,
  kType,
  kTime,
  kSource,
  kActor,
  kSubject,
  kLate,  // an event's own
  kKey,
  kStarted,
  kStep,  // an enrolment's
  kName,
  kZone,
  kCurrency,  // the workspace's
  kSelf,      // now, today
};

struct PathSpec {
  std::string text;  // as written
  Root root = Root::kRecord;
  Root inner = Root::kRecord;  // of kStart: the root of the path behind it
  Kind kind = Kind::kForeign;  // of kRecord: the kind looked for, nearest first
  std::vector<Field> hops;     // n-1 fields followed from there
  Leaf leaf = Leaf::kField;
  Field field = Field::kNone;
  std::vector<std::string> names;  // of kCustom, kExtra the name; then keys into free data
  // What the value is; kJson: free data.
  FieldType type = FieldType::kJson;
  const FieldSpec* spec = nullptr;  // of a declared field, ours or custom
  Kind record = Kind::kForeign;     // of kRecord leaves and ids: the kind it names
  bool optional = false;            // may be absent
};

// What is at hand where an expression stands.
struct ScopeSpec {
  std::uint32_t subjects = 0;        // kinds that the subject may be of, a bit each
  const EventSet* events = nullptr;  // none: no event at hand
  bool before = false;
  const EventSet* start_events = nullptr;  // none: start is not at hand
  const Schema* schema = nullptr;          // none: custom fields are dynamic
  bool event_record = false;               // the event's own record answers what the subject cannot
  std::uint32_t event_subjects = 0;
};

struct PathProblem {
  std::uint16_t code = 0;  // 2001, 2007
  std::string message;
  std::string hint;
};
// Resolves dotted words. `used`: how many words the path took; free data takes all.
std::optional<PathProblem> resolve(const std::vector<std::string>& words, const ScopeSpec& scope,
                                   PathSpec& out);
std::vector<std::string> split_path(std::string_view text);

// Names that stand for a kind: "deal", "owner" (its user), "team".
std::optional<Kind> root_kind(std::string_view name);

// Fields to follow from one kind to the nearest record of another, best first. A step with
// kContacts is the primary contact of a deal; kAbout is followed if it names a record of `via`.
struct RouteStep {
  Field field = Field::kNone;
  Kind to = Kind::kForeign;
};
using Route = std::vector<RouteStep>;
const std::vector<Route>& routes(Kind from, Kind to);

// Whether a sound record of the kind always has the field.
bool always_there(Kind kind, Field field);

}  // namespace dealwright::rules
