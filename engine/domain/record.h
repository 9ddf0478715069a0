// A record: a lead, deal, contact ... as the facts of its history make it. State, not truth: folded
// by evolve (evolve.h), rebuildable from the logs.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/hash.h"
#include "engine/domain/event.h"

namespace dealwright {

// A fact's place in history: when it happened, then the order in which its partition folded it.
struct Stamp {
  Instant occurred = kBeforeAll;
  std::uint64_t order = 0;
  friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

// The newest stamp wins, so late facts never beat newer ones.
struct Register {
  Field field = Field::kNone;
  Value value;  // absent: unset by that fact
  Stamp stamp;
  friend bool operator==(const Register&, const Register&) = default;
};
struct NamedRegister {
  std::string name;
  Value value;
  Stamp stamp;
  friend bool operator==(const NamedRegister&, const NamedRegister&) = default;
};

enum class DealStatus : std::uint8_t { kOpen = 0, kWon = 1, kLost = 2 };
std::string_view status_name(DealStatus status);

// What a stage meant when a fact entered it.
struct StageMeaning {
  DealStatus category = DealStatus::kOpen;
  std::int32_t order = 0;
  std::int32_t probability_bp = 0;
  friend bool operator==(const StageMeaning&, const StageMeaning&) = default;
};

// One fact that shapes a record's life (its stages, states, amounts, owner). Kept in history order,
// at most kLifeFactsMax; what is older has melted into the record's base life.
struct LifeFact {
  Stamp stamp;
  Instant ingested;
  TypeId type = TypeId::kForeignType;
  bool undated = false;
  StageMeaning stage;  // of the stage that the fact enters, if it names one
  Fields args;         // stage, amount, owner, ...: what the life needs
  friend bool operator==(const LifeFact&, const LifeFact&) = default;
};
inline constexpr std::size_t kLifeFactsMax = 1024;

// What a record's life has come to after some fact: for a deal all that boards and figures count,
// for the other kinds `state`. A view is a sum of these going in and out of force.
struct Life {
  bool opened = false;  // else a stub: heard of, in no figure
  bool deleted = false;
  bool merged = false;
  bool undated = false;  // its opening has no time of its own: in no window
  std::string state;     // lead, offer, contract, task, ticket, survey
  // Deals:
  std::string pipeline;
  std::string stage;
  StageMeaning meaning;
  std::optional<std::int32_t> probability_bp;  // beats the stage's
  std::optional<Money> amount;
  std::string owner;
  Instant opened_at = kBeforeAll;
  Instant entered_at = kBeforeAll;  // the stage
  Instant closed_at = kBeforeAll;   // of the standing close
  bool no_decision = false;
  std::string lost_reason;
  // Tasks:
  std::optional<Instant> due;
  std::optional<Instant> first_due;

  DealStatus status() const { return meaning.category; }
  bool counts() const { return opened && !deleted && !merged; }
  std::int32_t probability() const { return probability_bp.value_or(meaning.probability_bp); }
  friend bool operator==(const Life&, const Life&) = default;
};

struct ConsentRow {
  std::string purpose;
  std::string channel;
  bool granted = false;
  Stamp stamp;
  std::optional<Instant> until;
  std::string basis;
  std::string source;
  friend bool operator==(const ConsentRow&, const ConsentRow&) = default;
};

// A current value that a fact changed, as it was before (absent: there was none).
struct FieldChange {
  Field field = Field::kNone;
  Value before;
  friend bool operator==(const FieldChange&, const FieldChange&) = default;
};

// What a log record is to the record in whose history it stands.
enum class HistoryRole : std::uint8_t {
  kFact = 0,      // of its own, or of a record merged into it
  kImplied = 1,   // what a fact of another record implies for it
  kMerged = 2,    // another record was merged into it
  kDecision = 3,  // something was decided about it; changes nothing in it
};
enum class HistoryMark : std::uint8_t {
  kStands = 0,
  kRetracted = 1,  // taken back: as if it never had been
  kUndone = 2,     // of a merge that was undone; it stands in the other record's history now
};

// A fact or decision of the record's own, by where its log record stands; with all that folding it
// anew needs beside its bytes.
struct HistoryEntry {
  Instant occurred;
  Instant ingested;
  std::uint64_t order = 0;  // Stamp::order of the fact; of a decision, of the newest fact then
  std::uint64_t position = 0;
  std::uint32_t index = 0;  // among the facts that one log record brought; 0: the event itself
  bool decision = false;    // position is in `decisions`, else in `events`
  HistoryRole role = HistoryRole::kFact;
  HistoryMark mark = HistoryMark::kStands;
  friend bool operator==(const HistoryEntry&, const HistoryEntry&) = default;
};
inline constexpr std::size_t kHistoryChunk = 256;

struct Record {
  // What nearly every fact reads or writes stands first, side by side.
  RecordKey key;
  Stamp newest;                  // of all facts
  Stamp last_activity;           // by people: not auto, not by a rule, not in a batch
  std::vector<Register> fields;  // sorted by field; current values, derived ones too
  std::vector<std::pair<TypeId, std::uint32_t>> counts;  // accepted facts by type, sorted
  std::vector<LifeFact> facts;                           // in history order
  std::vector<HistoryEntry> history;  // those behind the last full chunk, as folded
  std::vector<Hash128> watchers;      // live enrolments that this record concerns, sorted
  std::string merged_into;            // id of the winner
  bool erased = false;
  Stamp melted;                       // the newest fact that melted into `base`
  Life life;                          // after all facts
  Life base;                          // what melted
  std::uint64_t chunks = 0;           // full history chunks, kept beside the record
  std::vector<NamedRegister> custom;  // sorted by name
  std::vector<NamedRegister> extra;   // undeclared, as they came; sorted by name
  std::vector<ConsentRow> consents;   // in history order, never overwritten

  const Value* find(Field field) const;  // current value; none if absent
  const Value* find_custom(std::string_view name) const;
  const Value* find_extra(std::string_view name) const;
  std::uint32_t count(TypeId type) const;
  friend bool operator==(const Record&, const Record&) = default;
};

}  // namespace dealwright
