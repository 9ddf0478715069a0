#include "engine/runtime/as_of.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "engine/codec/state_codec.h"
#include "engine/domain/evolve.h"
#include "engine/runtime/log_facts.h"
#include "engine/runtime/refold.h"

namespace dealwright::runtime {
namespace {

constexpr std::size_t kFactsMax = 20'000;

using FactName = std::pair<std::string, std::string>;  // source and id

bool unmerges(TypeId type) {
  return type >= TypeId::kAccountUnmerged && type <= TypeId::kSurveyUnmerged;
}

class Past {
 public:
  Past(State& state, Log& log, PartitionId partition, Instant as_of, Instant known_by)
      : state_{state}, facts_{log, partition}, as_of_{as_of}, known_by_{known_by} {}

  Result<std::optional<Record>> record(const RecordKey& key, int hops = 0) {
    const auto* found = state_.find(key);
    if (found == nullptr) return std::optional<Record>{};
    const Record now = *found;  // the state may let go of it while others are read
    DW_TRY(const auto marks, marks_of(now));
    DW_TRY(auto begun, start(now, !marks));
    auto& [out, chunk] = begun;
    bool any = chunk > 0;
    for (; chunk <= now.chunks; ++chunk) {
      DW_TRY(const auto entries, state_.history_part(now, chunk));
      for (const auto& entry : entries) {
        if (entry.role == HistoryRole::kDecision) continue;
        if (entry.ingested > known_by_) continue;
        const auto mark = marks ? marks->at({entry.order, entry.role}) : entry.mark;
        if (mark != HistoryMark::kStands) continue;
        DW_TRY(const bool took, apply(out, entry, hops));
        any = any || took;
      }
    }
    if (!any) return std::optional<Record>{};
    return std::optional{std::move(out)};
  }

 private:
  using Marks = std::map<std::pair<std::uint64_t, HistoryRole>, HistoryMark>;

  // The newest checkpoint that holds nothing later, and the chunk to go on with.
  Result<std::pair<Record, std::uint64_t>> start(const Record& now, bool marks_are_as_now) {
    Record none;
    none.key = now.key;
    if (!marks_are_as_now) return std::pair{std::move(none), std::uint64_t{0}};
    for (auto chunk = now.chunks; chunk > 0; --chunk) {
      DW_TRY(auto kept, state_.history_chunk(now, chunk - 1));
      const auto& record = kept.checkpoint;
      const bool merged = !record.merged_from.get().empty();
      const bool later =
          std::any_of(kept.entries.begin(), kept.entries.end(),
                      [&](const HistoryEntry& entry) { return entry.ingested > known_by_; });
      if (later || record.newest.occurred > as_of_ || (merged && as_of_ < kAfterAll)) continue;
      return std::pair{without_decisions(std::move(kept.checkpoint)), chunk};
    }
    return std::pair{std::move(none), std::uint64_t{0}};
  }

  // Marks as they were known then; none: as they are now.
  Result<std::optional<Marks>> marks_of(const Record& now) {
    if (known_by_ == kAfterAll) return std::optional<Marks>{};
    DW_TRY(const auto entries, state_.history(now));
    // What a fact of another record implies may have been taken back for a while, and no trace of
    // that stands here.
    const bool sure = std::none_of(entries.begin(), entries.end(), [](const auto& entry) {
      return entry.mark != HistoryMark::kStands || entry.role == HistoryRole::kImplied;
    });
    if (sure) return std::optional<Marks>{};
    Marks out;
    for (const auto& entry : entries) {
      if (entry.role == HistoryRole::kDecision) continue;
      DW_TRY(const auto mark, mark_of(entry));
      out[{entry.order, entry.role}] = mark;
    }
    return std::optional{std::move(out)};
  }

  Result<HistoryMark> mark_of(const HistoryEntry& entry) {
    if (entry.mark == HistoryMark::kUndone) {
      DW_TRY(expect_undone(entry));
      return entry.mark;
    }
    // Also one that stands now: what took it back then may have been taken back itself.
    Event event;
    DW_TRY(read(entry, event));
    DW_TRY(const bool out, taken_back(event));
    return out ? HistoryMark::kRetracted : HistoryMark::kStands;
  }

  // Whether a retraction of this fact was known and stood. They are in the history of its subject,
  // or of what that was merged into.
  Result<bool> taken_back(const Event& event) {
    DW_TRY(const auto* names, taken_of(event.subject));
    return names->contains({event.source, event.id});
  }

  Result<const std::set<FactName>*> taken_of(const RecordKey& subject) {
    const auto known = taken_.find(subject);
    if (known != taken_.end()) return &known->second;
    std::map<FactName, std::vector<FactName>> by;  // a retraction's own name: what it took back
    std::set<FactName> out;
    RecordKey holder = subject;
    for (int hops = 0; hops < kMergeHopsMax; ++hops) {
      const auto* record = state_.find(holder);
      if (record == nullptr) break;
      const auto next = record->merged_into;
      DW_TRY(const auto entries, state_.history(*record));
      for (const auto& entry : entries) {
        if (entry.role != HistoryRole::kFact || entry.ingested > known_by_) continue;
        Event event;
        DW_TRY(read(entry, event));
        if (event.type != TypeId::kEventRetracted) continue;
        const FactName took{event.data.text(Field::kSource), event.data.text(Field::kId)};
        by[{event.source, event.id}].push_back(took);
        out.insert(took);
        const auto again = by.find(took);  // it takes back what took others back
        if (again == by.end()) continue;
        for (const auto& name : again->second) out.erase(name);
      }
      if (next.empty()) break;
      holder.id = next;
    }
    return &taken_.emplace(subject, std::move(out)).first->second;
  }

  // Of an entry that stands elsewhere now, since its merge was undone: that this was known.
  Result<void> expect_undone(const HistoryEntry& entry) {
    Event event;
    DW_TRY(read(entry, event));
    RecordKey loser = event.subject;
    for (int hops = 0; hops < kMergeHopsMax; ++hops) {
      const auto* record = state_.find(loser);
      if (record == nullptr) break;
      const auto next = record->merged_into;
      DW_TRY(const auto entries, state_.history(*record));
      for (const auto& other : entries) {
        if (other.role != HistoryRole::kFact || other.ingested <= known_by_) continue;
        DW_TRY(read(other, event));
        if (!unmerges(event.type)) continue;
        return Error{Code::kUnsupported,
                     "a merge of " + to_text(loser) + " was undone at " + to_text(other.ingested) +
                         "; what was known of it before that is not kept: ask as known now"};
      }
      if (next.empty()) break;
      loser.id = next;
    }
    return ok();
  }

  // The partition's thread reads: nobody may hold it up for long.
  Result<void> read(const HistoryEntry& entry, Event& event) {
    if (++read_ > kFactsMax) {
      return Error{Code::kRefused, "more than " + std::to_string(kFactsMax) +
                                       " facts have to be read for that instant; its timeline "
                                       "has them by pages"};
    }
    return facts_.read(entry, event);
  }

  // False: it had not happened yet.
  Result<bool> apply(Record& record, const HistoryEntry& entry, int hops) {
    Event event;
    DW_TRY(read(entry, event));
    // An undated fact stays where it was put, whatever of the facts before it is left out here.
    const bool undated = !event.time && !event.import_batch.empty();
    const FoldAt at{{entry.occurred, entry.order}, entry.ingested, undated};
    switch (entry.role) {
      case HistoryRole::kFact: {
        // What takes others back is a matter of what was known, not of when it happened.
        if (entry.occurred > as_of_ && !needs_history(event.type)) return false;
        evolve(record, event, at, state_.reference, out_);
        return true;
      }
      case HistoryRole::kImplied: {
        if (entry.occurred > as_of_) return false;
        for (const auto& implied : implied_by(event)) {
          evolve_implied(record, implied, at, state_.reference.pipelines, out_);
        }
        return true;
      }
      case HistoryRole::kMerged: {
        if (entry.occurred > as_of_) return false;
        DW_TRY(const auto loser, loser_of(record.key, entry, event, hops));
        merge_into(record, loser, at, out_);
        return true;
      }
      case HistoryRole::kDecision:
        return false;
    }
    return false;
  }

  // The record whose own fact the merge is, as it was then.
  Result<Record> loser_of(const RecordKey& winner, const HistoryEntry& entry, const Event& event,
                          int depth) {
    RecordKey key = event.subject;
    for (int hops = depth; hops < kMergeHopsMax; ++hops) {
      const auto* record = state_.find(key);
      if (record == nullptr || key == winner) break;
      const auto next = record->merged_into;
      DW_TRY(const auto entries, state_.history(*record));
      const bool own = std::any_of(entries.begin(), entries.end(), [&](const auto& other) {
        return other.role == HistoryRole::kFact && other.order == entry.order;
      });
      if (own) {
        DW_TRY(auto then, this->record(key, hops + 1));
        Record none;
        none.key = key;
        return then ? std::move(*then) : none;
      }
      if (next.empty()) break;
      key.id = next;
    }
    return Error{Code::kDamaged, "history of " + to_text(winner) + ": what fact " +
                                     std::to_string(entry.order) +
                                     " merged into it is not known any more"};
  }

  State& state_;
  LogFacts facts_;
  const Instant as_of_;
  const Instant known_by_;
  std::size_t read_ = 0;
  std::map<RecordKey, std::set<FactName>> taken_;
  Folded out_;
};

}  // namespace

Result<std::optional<Record>> record_as_of(State& state, Log& log, PartitionId partition,
                                           const RecordKey& key, Instant as_of, Instant known_by) {
  return Past{state, log, partition, as_of, known_by}.record(key);
}

}  // namespace dealwright::runtime
