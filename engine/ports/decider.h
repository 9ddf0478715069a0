// The rules engine as the runtime sees it: after each accepted fact and each due timer it is asked
// what follows, reads through a Turn and answers with changes. Pure: the same turn, the same
// changes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/domain/changes.h"
#include "engine/domain/record.h"
#include "engine/domain/schema.h"

namespace dealwright {

// A fact that was accepted and folded.
struct FoldedFact {
  const Event* event = nullptr;
  const Record* subject = nullptr;  // after the fold; lives until the next change is made
  Instant occurred;                 // time, or what stands for it
  Instant ingested;                 // `now` of the decision
  std::uint64_t position = 0;       // in `events`; of the fact that led to it, if a rule made it
  std::uint64_t order = 0;
  bool late = false;  // did not land last in its subject's history
  bool undated = false;
  bool stale = false;                    // older than max_event_age, and not in a batch: no entries
  bool retracted = false;                // reserved for re-folds: rules are not asked
  Policy policy = Policy::kUnset;        // the stricter of event and batch; kUnset outside batches
  std::int64_t drip_per_hour = 0;        // of its batch, if that drips
  std::uint32_t depth = 0;               // 0 from outside, else 1 + that of the fact that led to it
  EnrolmentId made_by;                   // the enrolment that decided it; zero from outside
  std::span<const FieldChange> changes;  // of the subject's current values
};

// What one decision reads, and where its changes go. Valid during the call it is passed to.
class Turn {
 public:
  virtual ~Turn() = default;
  virtual Instant now() const = 0;
  // Which partition decides, of how many: a rate is shared by all.
  virtual std::uint32_t partition() const { return 0; }
  virtual std::uint32_t partitions() const { return 1; }
  // The record as folded so far, this decision's own changes included; none: never heard of.
  // Follows merges. The pointer lives until the next call of change().
  virtual const Record* record(const RecordKey& key) = 0;
  virtual const Enrolment* enrolment(const EnrolmentId& id) = 0;
  virtual std::optional<Entry> entry(std::string_view rule, std::string_view key) = 0;
  virtual std::optional<EffectState> effect_state(const EffectId& id) = 0;
  // Live enrolments that `key` concerns, sorted by (rule, key).
  virtual std::vector<EnrolmentId> watching(const RecordKey& key) = 0;
  // Applies a change and adds it to the decision record. A FactDecided is judged and folded at once
  // and comes back through on_fact behind what is queued already. False: refused, recorded so; a
  // change of another kind only when the budget is spent.
  virtual bool change(Change change) = 0;
  // What one event leads to has its limit in bytes, and it is reached: nothing more is started.
  virtual bool budget_spent() const { return false; }
};

// When mails may go next, and by whose clocks.
struct Opening {
  Instant at;
  std::string zone;
};

class Decider {
 public:
  virtual ~Decider() = default;
  // Names the rule set that decides: a hash over everything a decision depends on beside state.
  virtual std::string_view rule_set_id() const = 0;
  virtual void on_fact(const FoldedFact& fact, Turn& turn) = 0;
  // The timer is gone from the index already; the enrolment stands on the step that waited.
  virtual void on_timer(const TimerKey& timer, Turn& turn) = 0;
  // What an attempt of this effect carries (Attempt::content), as records and templates are now;
  // empty: its payload is all. Changes nothing. An error names the template, the line and what is
  // missing: the effect is never sent with a hole. `schema`: in force; none: nothing is declared.
  virtual Result<Map> content(const Effect& effect, Turn& turn, const Schema* schema) {
    static_cast<void>(effect), static_cast<void>(turn), static_cast<void>(schema);
    return Map{};
  }
  // The first instant from `now` on within the hours, by the first of `zones` that is known, else
  // the workspace's. One that knows no zones keeps no hours.
  virtual Opening opening(const SendHours&, std::span<const std::string>, Instant now) {
    return {now, {}};
  }
  // An effect that is to leave: why the live enrolment that asked for it is over by now, though no
  // event said so. "": it is not. Makes no changes.
  virtual std::string exits_now(const Effect&, Turn&) { return {}; }
};

// One published version of a rule. Older ones stay: enrolments are pinned to theirs.
struct PublishedRule {
  std::string rule;
  std::uint32_t version = 0;
  std::string text;    // the YAML
  std::string status;  // of the newest version: live, paused, retired, shadow; "" of older ones
  friend bool operator==(const PublishedRule&, const PublishedRule&) = default;
};

// Made anew whenever a rule is published, paused, resumed or retired. One caller at a time, any
// thread; each decider is used by one thread.
class DeciderFactory {
 public:
  virtual ~DeciderFactory() = default;
  // Sorted by (rule, version). A version that does not compile with this binary is an error: the
  // partition stops with its diagnostics.
  virtual Result<std::shared_ptr<Decider>> make(std::span<const PublishedRule> rules) = 0;
};

}  // namespace dealwright
