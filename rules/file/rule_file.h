// A rule file as read: every key of the language typed, conditions and steps still as texts with
// their places. What comes with a later version of the language is refused (1010), never ignored.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/enrolment.h"
#include "rules/file/event_set.h"
#include "rules/file/keys.h"

namespace dealwright::rules {

inline constexpr std::size_t kStepsMax = 200;
inline constexpr int kStepDepthMax = 8;

struct EventTrigger {
  EventSet events;
};
enum class Moved : std::uint8_t { kAny, kForward, kBackward, kSkipped };
struct ChangedTrigger {
  const yaml::Node* path = nullptr;  // deal.stage
  std::vector<const yaml::Node*> from;
  std::vector<const yaml::Node*> to;
  Moved moved = Moved::kAny;
};
struct TriggerFile {
  Place at;
  std::optional<EventTrigger> events;
  std::optional<ChangedTrigger> changed;
};

// events, {event, when?, same?}, or {when}: a state.
struct MatchFile {
  Place at;
  std::optional<EventSet> events;  // none: a state
  const yaml::Node* when = nullptr;
  const yaml::Node* same = nullptr;  // a field of both events
};
struct ExitFile {
  MatchFile match;
  std::string reason;                 // "": the event's type
  const yaml::Node* steps = nullptr;  // do
};

enum class EntryPolicy : std::uint8_t { kOnce, kOncePer, kWhileNotActive, kEachTime, kCooldown };
struct EntryFile {
  EntryPolicy policy = EntryPolicy::kOnce;
  std::vector<const yaml::Node*> keys;  // of once_per
  Length cooldown;
  Place at;
};

struct LimitsFile {
  enum class Quiet : std::uint8_t { kDefault, kNone, kOwn };
  Quiet quiet = Quiet::kDefault;
  std::optional<SendHours> send;
  bool quiet_drops = false;  // else: wait
  std::optional<std::int64_t> cap;
  Duration cap_per;
  bool cap_drops = false;
  std::optional<Length> expire;  // 24h
};

struct MisfireFile {
  std::optional<Length> messages;  // 24h
};

struct ImportRule {
  Policy policy = Policy::kSuppress;
  std::int64_t per_hour = 0;  // of drip
};

// Owns the tree that its nodes point into: move it, do not copy it.
struct RuleFile {
  std::unique_ptr<yaml::Node> root;
  std::string rule;
  std::string name;
  std::string owner;
  std::string description;
  std::vector<std::string> tags;
  std::string status = "live";
  std::vector<TriggerFile> triggers;
  const yaml::Node* when = nullptr;
  const yaml::Node* subject = nullptr;
  EntryFile entry;
  std::vector<ExitFile> exits;
  std::uint32_t control_bp = 0;
  const yaml::Node* steps = nullptr;
  LimitsFile limits;
  MisfireFile misfire;
  ImportRule import;
  std::uint32_t loops = 0;
  std::string calendar;
  std::string zone;
  const yaml::Node* tests = nullptr;
};

// Reads and checks the form; what is readable is there even when `out` has errors.
// False: there is no tree, nothing else can be said.
bool read_rule_file(std::string_view source, RuleFile& file, Diagnostics& out);
// A match as it stands in an exit or under wait_for. `beside`: keys that the same map may hold too.
MatchFile read_match(const yaml::Node& node, std::span<const KeySpec> beside, Diagnostics& out);

}  // namespace dealwright::rules
