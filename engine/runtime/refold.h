// Folds records anew from their histories, for the two facts that change the past of a record
// (design.md 7.7): a retraction takes a fact out of it, an unmerge takes a merge back and returns
// the facts that came since to the record they were about. As if it never had been: what the record
// comes to, and what views count, are those of a history without it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/codec/state_codec.h"
#include "engine/runtime/log_facts.h"
#include "engine/runtime/state.h"

namespace dealwright::runtime {

// What folding anew did to one record. The steps that were in force and are not any more come with
// their sign turned.
struct Refolded {
  RecordKey record;
  Life before;
  Life after;
  std::vector<LifeStep> steps;
  std::vector<FieldChange> changed;  // current values, as they were
};

// A standing fact of a record's history.
struct FoundFact {
  RecordKey holder;
  HistoryEntry entry;
  Event event;
};
// Looks through the histories of `subject` and of what it was merged into, newest first. kNotFound:
// there is none, or the log let go of records that would have to be read.
Result<FoundFact> find_fact(State& state, LogFacts& facts, const RecordKey& subject,
                            std::string_view source, std::string_view id,
                            HistoryMark mark = HistoryMark::kStands);

// The owner's thread; used once. retract() and unmerge() work it all out and change nothing: memory
// for the records concerned and their histories from the fact on. commit() puts it in place.
class Refold {
 public:
  Refold(State& state, LogFacts& facts) : state_{state}, facts_{facts} {}

  // kNotFound: see find_fact, also for what the log let go of behind the fact. kDamaged: a history
  // does not fold to its record.
  Result<void> retract(const RecordKey& subject, std::string_view source, std::string_view id);
  Result<void> unmerge(const RecordKey& loser);
  // In an order in which the records that were merged come before those they were merged into.
  std::vector<Refolded> commit();

 private:
  struct Plan {
    std::uint64_t from = ~std::uint64_t{0};  // the first order that is concerned
    std::map<std::pair<std::uint64_t, HistoryRole>, HistoryMark> marks;  // by order
    std::vector<HistoryEntry> more;                                      // facts that come to it
  };
  struct Done {
    Record was;  // without what decisions keep in it
    Record now;
    Refolded refolded;
    std::vector<std::pair<std::uint64_t, codec::HistoryChunk>> chunks;  // by number
  };

  Result<void> concern(const RecordKey& holder, const HistoryEntry& entry, const Event& event,
                       HistoryMark mark);
  Result<void> run();
  Result<void> fold(const RecordKey& key, const Plan& plan);
  Result<void> fold_entries(std::vector<HistoryEntry>& entries, const Plan& plan, Done& done);
  Result<void> fold_entry(HistoryEntry& entry, bool was, bool now, Done& done);
  Result<void> fold_more(std::vector<HistoryEntry> more, std::vector<HistoryEntry>& tail,
                         std::uint64_t chunks, Done& done);
  Result<void> apply(Record& record, HistoryEntry& entry, const Event& event, bool was);
  Result<void> winner_follows(const RecordKey& loser);
  Result<const Record*> loser_of(const RecordKey& winner, const HistoryEntry& entry,
                                 const Event& event, bool was);
  Result<std::uint64_t> chunk_of(const Record& record, std::uint64_t order) const;
  Result<void> each_fact(const Record& record, std::uint64_t from,
                         const std::function<Result<void>(const HistoryEntry&)>& visit) const;
  bool stands_for(RecordKey subject, const RecordKey& loser);

  State& state_;
  LogFacts& facts_;
  std::map<RecordKey, Plan> plans_;
  std::map<RecordKey, Done> done_;
  std::vector<RecordKey> order_;
  Folded out_was_, out_now_;
};

// A record as its facts made it: what decisions keep in it is no part of that.
Record without_decisions(Record record);

}  // namespace dealwright::runtime
