// decide and evolve of the sales process. decide judges a fact against the state it finds; evolve
// folds an accepted one. Both pure: no clock, no random, no I/O. evolve is total: it takes any fact
// in any state. Released versions are never edited (design.md 1): kStateVersion names this one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/domain/changes.h"
#include "engine/domain/record.h"
#include "engine/domain/reference.h"

namespace dealwright {

inline constexpr std::uint32_t kStateVersion = 1;
inline constexpr Duration kSkewMax = minutes(5);
inline constexpr Duration kEventAgeMax = hours(72);  // older triggers start nothing (`stale`)

// Why a fact changes nothing. The names are stable, listed in set_aside.
enum class Refusal : std::uint8_t {
  kNone,
  kTimeInFuture,
  kRecordDeleted,
  kRecordErased,
  kUnknownPipeline,
  kUnknownStage,
  kMoveNotAllowed,
  kFieldsMissing,
  kCurrencyMismatch,
  kLostReasonMissing,
  kLeadConverted,
  kOfferFinal,
  kContractFinal,
  kTaskFinal,
  kUnknownApproval,
  kApprovalFinal,
  kBadPeriod,
  kBadTarget,
  kBadRate,
  kBadDiscount,
  kBadScore,
  kNotSettable,
  kMergeSelf,
  kMergeCycle,
  kNotMerged,
  kUnknownEvent,
  kStageInUse,
  kBadData,
  kBadPurpose,
  kSchemaConflict,
  kNotRetractable,  // reference data, the engine's own, merges, erasures: undone by facts of theirs
  kUnknownEffect,   // no such line in the ledger
  kEffectDelivered,   // it is not sent again
  kEffectCancelled,   // nor that
  kEffectOpen,        // it is still to leave, or on its way
  kEffectFinal,       // its end is known
  kEffectOut,         // it may be out already, and is not called back
  kEffectNotUnknown,  // what became of it is known
  kEffectShadow,      // of a rule that only tried
  kEffectStays,       // a task: it never leaves
  kUnknownEnrolment,  // none is live under that id
  kNoTimer,           // it does not wait for time
  kTimerDrips,        // it waits for its turn in an import
};
std::string_view refusal_name(Refusal refusal);

// Records beside the subject that a judgement may need: those the fact points to.
class Neighbours {
 public:
  virtual ~Neighbours() = default;
  virtual const Record* find(const RecordKey& key) = 0;  // none: never heard of
  // The type of the fact of that source and id which stands in the history of `subject` or of what
  // it was merged into; none: there is no such fact.
  virtual std::optional<TypeId> fact(const RecordKey& subject, std::string_view source,
                                     std::string_view id) = 0;
};

// The record that a fact is judged by and folded into: its subject, or what that was merged into.
// An unmerge is about the subject itself.
RecordKey standing_for(const Event& event, Neighbours& neighbours);
inline constexpr int kMergeHopsMax = 64;
// Whether these are folded by folding records anew from their histories.
bool needs_history(TypeId type);
// Whether event.retracted may take back a fact of this type.
bool retractable(TypeId type);

// `subject`: the record it stands for (standing_for), none if never heard of. A fact that is late
// is not judged by state.
Refusal decide(const Record* subject, const Event& event, Instant now, const Reference& reference,
               Neighbours& neighbours);

// What a fold of one fact did to one record. Reused between facts to spare allocations.
struct LifeStep {
  Instant occurred;
  int sign = 0;
  Life life;
};
struct Folded {
  bool late = false;
  bool too_late = false;  // older than the kept life: registers and counts only
  Life before;
  std::vector<LifeStep> steps;       // lives going out of force and into it
  std::vector<FieldChange> changed;  // current values, as they were
  void clear();
};

struct FoldAt {
  Stamp stamp;
  Instant ingested;
  bool undated = false;
};
// The stamp of a fact on `record`: its time, else `ingested` live, else (in a batch) right behind
// the newest. REQUIRES: order is the partition's next
FoldAt place(const Record& record, const Event& event, Instant ingested, std::uint64_t order);

// Folds an accepted fact into its subject. `out` is cleared first.
void evolve(Record& record, const Event& event, const FoldAt& at, const Reference& reference,
            Folded& out);

// Facts that follow from one fact for other records: deal.opened{lead} converts the lead, an offer
// that revises supersedes the older. Placed by place_implied, folded by evolve_implied, in the
// order given.
struct Implied {
  RecordKey record;
  TypeId because = TypeId::kForeignType;
  RecordKey other;
};
std::vector<Implied> implied_by(const Event& event);
// The stamp of the fact at `at` in the history of another record: undated, behind its newest.
FoldAt place_implied(const Record& record, FoldAt at);
void evolve_implied(Record& record, const Implied& implied, const FoldAt& at,
                    const Pipelines& pipelines, Folded& out);

// Merge: folds what the loser was into the winner (gaps filled, lists united, stricter consent).
void merge_into(Record& winner, const Record& loser, const FoldAt& at, Folded& out);

}  // namespace dealwright
