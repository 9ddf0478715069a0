// A record: a lead, deal, contact ... as the facts of its history make it. State, not truth: folded
// by evolve (evolve.h), rebuildable from the logs.
#pragma once

#include <boost/container/small_vector.hpp>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/hash.h"
#include "engine/domain/history.h"
#include "engine/domain/life_facts.h"

namespace dealwright {

// The newest stamp wins, so late facts never beat newer ones. A value that only fills a gap (the
// source of the first capture, what a merge brings) gives way to any that was said outright.
struct Register {
  Field field = Field::kNone;
  Value value;  // absent: unset by that fact
  Stamp stamp;
  bool fills = false;
  friend bool operator==(const Register&, const Register&) = default;
};
struct NamedRegister {
  std::string name;
  Value value;
  Stamp stamp;
  bool fills = false;
  friend bool operator==(const NamedRegister&, const NamedRegister&) = default;
};

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

inline constexpr std::string_view kTheWorkspace = "default";  // workspace/default

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

// What most records have none of: a value or its default, behind a pointer.
template <class T>
class Rare {
 public:
  Rare() = default;
  Rare(T value) : value_{std::make_unique<T>(std::move(value))} {}
  Rare(const Rare& other) { *this = other; }
  Rare(Rare&&) noexcept = default;
  Rare& operator=(const Rare& other) {
    if (this != &other) value_ = other.value_ ? std::make_unique<T>(*other.value_) : nullptr;
    return *this;
  }
  Rare& operator=(Rare&&) noexcept = default;
  ~Rare() = default;
  const T& get() const {
    static const T kNone{};
    return value_ ? *value_ : kNone;
  }
  T& edit() {
    if (!value_) value_ = std::make_unique<T>();
    return *value_;
  }
  friend bool operator==(const Rare& a, const Rare& b) { return a.get() == b.get(); }

 private:
  std::unique_ptr<T> value_;
};

// Accepted facts by type, sorted.
using FactCounts = boost::container::small_vector<std::pair<TypeId, std::uint32_t>, 6>;

struct Record {
  // What nearly every fact reads or writes stands first, side by side.
  RecordKey key;
  Stamp newest;                  // of all facts
  Stamp last_activity;           // by people: not auto, not by a rule, not in a batch
  std::vector<Register> fields;  // sorted by field; none that the life decides
  FactCounts counts;
  LifeFacts facts;                // in history order
  History history;                // those behind the last full chunk, as folded
  std::vector<Hash128> watchers;  // live enrolments that this record concerns, sorted
  std::string merged_into;        // id of the winner
  bool erased = false;
  bool key_conflict = false;                   // facts about it came under two keys
  Rare<std::string> home_key;                  // that its facts here came under; "": its own
  Stamp melted;                                // the newest fact that melted into `base`
  Life life;                                   // after all facts
  Rare<Life> base;                             // what melted
  std::uint64_t chunks = 0;                    // full history chunks, kept beside the record
  std::vector<NamedRegister> custom;           // sorted by name
  std::vector<NamedRegister> extra;            // undeclared, as they came; sorted by name
  std::vector<ConsentRow> consents;            // in history order, never overwritten
  Rare<std::vector<std::string>> merged_from;  // ids of all that were merged into it, sorted

  // Current values; none if absent. What the life decides (stage, amount, state ...) is not found
  // but made, in `scratch`: of_life() says which.
  const Value* find(Field field) const;
  const Value* value(Field field, Value& scratch) const;
  const Value* find_custom(std::string_view name) const;
  const Value* find_extra(std::string_view name) const;
  std::uint32_t count(TypeId type) const;
  bool has_life() const { return !facts.empty() || melted != Stamp{} || life.opened; }
  friend bool operator==(const Record&, const Record&) = default;
};

// Whether the life decides the field: then it is never set from data directly.
bool of_life(Kind kind, Field field);
// All current values but custom and extra ones, by field.
std::vector<std::pair<Field, Value>> current_values(const Record& record);
// Gives a record that no facts make (one of a rule's test) a value. REQUIRES: it has none there
void give_value(Record& record, Field field, const Value& value);

}  // namespace dealwright
