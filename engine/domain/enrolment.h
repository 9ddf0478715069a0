// A record's way through one version of a rule, its timers and its effects: state that decisions
// make. Pure data; `changes.h` says how decisions change it.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/hash.h"
#include "engine/domain/record.h"

namespace dealwright {

// hash128(rule, key): one enrolment per rule and enrolment key.
using EnrolmentId = Hash128;

// A place before the first step: let in by an import that drips, and waiting for its turn.
inline constexpr std::uint32_t kBeforeFirst = ~std::uint32_t{0} - 1;
inline constexpr std::int64_t kDripMax = 1'000'000;  // entries an hour
// In `kept` of such a one: the queues it stands in, each with its entries an hour.
inline constexpr std::string_view kDrip = "drip";
// In `kept`: the trace of the event that it began with, if that had one.
inline constexpr std::string_view kTraceparent = "traceparent";

struct Enrolment {
  EnrolmentId id;
  std::string rule;
  std::uint32_t version = 0;
  std::string key;  // canonical: length-prefixed parts (design 7.10)
  RecordKey subject;
  Instant started;             // `now` of the decision
  Instant base;                // the trigger's occurred time: the first wait counts from it
  std::string cause;           // "source id" of the trigger's event, length-prefixed
  std::uint32_t step = 0;      // index of the step it stands on, in the plan of its version
  std::string round;           // path of rounds through enclosing repeats, "" outside
  Instant step_since;          // when it came to that step
  std::optional<Instant> due;  // its timer, if it waits for time
  bool waits_for_event = false;
  bool control = false;            // in the hold-out group: nothing is done
  bool held = false;               // an exit could not be evaluated: nothing leaves
  bool shadow = false;             // acts are recorded suppressed
  std::vector<RecordKey> watched;  // records whose events concern it
  Map kept;                        // start.*: what the rule reads of its start; kTraceparent
  std::vector<Sha256> effects;     // requested by it and not final: what an exit cancels
  bool first = false;              // of its id, surely: see first_of_id; said when it is folded
  bool asked = false;              // a first one requested an effect already
  friend bool operator==(const Enrolment&, const Enrolment&) = default;
};

// Whether an enrolment that starts now is surely the first of its id, so that none of it is live
// and the ledger holds no effect of it: an effect's id is made of rule and effect key, as its
// enrolment's id is, so two enrolments that may request the same effect have the same id. `entry`:
// whether a start under its rule and key was remembered before; such are known for life. Starts of
// policies that do not ask for past entries are not remembered, but their keys have three parts
// (subject, source and id of the trigger's event). So has the effect key of `cooldown`, whose id is
// not that of its key. False: it may be another one, of an event that came again say.
bool first_of_id(const Enrolment& enrolment, bool remembered, bool entry);

// How often a rule's entry key has been used: what `entry` policies ask.
struct Entry {
  std::uint32_t count = 0;
  Instant last;  // when the newest trigger occurred
  friend bool operator==(const Entry&, const Entry&) = default;
};

// A queue's newest instant given out is the entry of (queue, kDrip): what a decision that puts
// `enrolment` off makes of it. Nothing if it does not wait for its turn.
std::vector<std::string> drip_queues(const Enrolment& enrolment);

// Keys sort by (due, rule, enrolment, step): the order of firing.
struct TimerKey {
  Instant due;
  std::string rule;
  EnrolmentId enrolment;
  std::uint32_t step = 0;
  friend auto operator<=>(const TimerKey&, const TimerKey&) = default;
};

enum class EffectState : std::uint8_t {
  kRequested = 0,
  kAttemptStarted = 1,
  kDelivered = 2,
  kRejected = 3,
  kRetryAt = 4,
  kUnknown = 5,
  kExpired = 6,
  kCancelled = 7,
  kSuppressed = 8,
};
std::string_view effect_state_name(EffectState state);
std::optional<EffectState> effect_state_of(std::string_view name);
bool is_final(EffectState state);
// An attempt may pass its point of no return for so long after its record; what has no outcome
// when as much again has passed is unknown (design 7.13).
inline constexpr Duration kAttemptSpan = seconds(10);

using EffectId = Sha256;

// design 7.10: SHA-256 over the length-prefixed fields. No version, attempt or time in it.
// `recipient` is "" unless the step addresses more than one record.
EffectId effect_id(std::string_view workspace, std::string_view rule,
                   std::string_view enrolment_key, std::string_view step,
                   std::string_view occurrence, std::string_view channel,
                   std::string_view recipient);
// The enrolment key: parts length-prefixed. The subject, then the once_per value, else source and
// id of the trigger's event, else the scheduled instant; only the subject for `once`.
std::string enrolment_key(const std::vector<std::string>& parts);

// When mails may go: days of the week, Monday 0, and minutes of a local day, [from, to). From a
// later day to an earlier one it goes over Sunday.
struct SendHours {
  std::int32_t first_day = 0;
  std::int32_t last_day = 4;
  std::int32_t from = 8 * 60;
  std::int32_t to = 20 * 60;
  friend bool operator==(const SendHours&, const SendHours&) = default;
};

// Whether effects of a channel leave the engine; tasks are records of its own.
inline bool leaves(std::string_view channel) { return channel != "task"; }

// A line of the ledger.
struct Effect {
  EffectId id{};
  std::string rule;
  std::uint32_t version = 0;
  EnrolmentId enrolment;
  std::string step;     // its id in the rule
  std::string channel;  // task, email, webhook, notify
  RecordKey subject;
  std::string recipient;
  EffectState state = EffectState::kRequested;
  std::string reason;  // of suppressed, cancelled, expired, rejected
  Instant requested;
  Instant changed;  // of the last state
  std::optional<Instant> not_before;
  std::optional<Instant> expires;
  std::uint32_t attempts = 0;
  bool started = false;            // an attempt passed, or may have passed
  std::string held_by;             // waits until it is lifted: kByWorkspace, by_rule(), kByContent
  std::optional<Instant> retried;  // when a person asked for it again, the last time
  std::uint32_t attempts_before = 0;  // of `attempts`: before that
  Map payload;                        // what to send, as captured at request
  std::string traceparent;            // of the event that led to it
  // When it is looked at again: the first attempt, a retry, the end of an attempt's span. None: it
  // is final, it is unknown and waits for a person, or it never leaves.
  std::optional<Instant> next;
  friend bool operator==(const Effect&, const Effect&) = default;
};

// What one attempt came to, as a fact says it.
enum class Outcome : std::uint8_t { kDelivered, kRejected, kRetry, kUnknown, kExpired };
std::string_view outcome_name(Outcome outcome);
std::optional<Outcome> outcome_of(std::string_view name);
EffectState state_of(Outcome outcome);  // that it moves its effect to
struct EffectMoved;                     // changes.h
// Moves a line of the ledger. False: it is final already, or out and not to be called back;
// unchanged.
bool move_effect(Effect& effect, const EffectMoved& moved, Instant now);
// What holds effects: all of the workspace's, or those of a rule. They are looked at again when it
// is lifted, whether or not they wait for an instant too.
inline constexpr std::string_view kByWorkspace = "workspace";
// Its content cannot be made: until templates change, and then and again.
inline constexpr std::string_view kByContent = "content";
inline std::string by_rule(std::string_view rule) { return "rule/" + std::string{rule}; }
// Since when it is on its way: its request, or a person's.
inline Instant asked_at(const Effect& effect) { return effect.retried.value_or(effect.requested); }
// When a line that is in its state since `changed` is looked at.
std::optional<Instant> next_look(const Effect& effect, std::optional<Instant> retry_at);

}  // namespace dealwright
