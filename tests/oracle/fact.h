// What the oracle keeps of a record: every fact it ever had, whole, in the order they came in.
// Everything else is computed from these lists anew each time it is asked for.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/domain/record.h"
#include "engine/domain/reference.h"

namespace dealwright::oracle {

struct Fact {
  enum class Why : std::uint8_t {
    kOwn,      // a fact about the record itself
    kImplied,  // a fact about another record that moves this one: deal.opened{lead}, offer.revised
    kMerge,    // another record was merged into this one
  };
  Why why = Why::kOwn;
  Event event;  // kMerge: none
  Stamp stamp;
  Instant ingested;
  bool undated = false;
  // What was declared when it came in: {deal: {tier: {type: enum, values: [...]}}}; absent:
  // nothing.
  Value declared;
  bool repeats = false;  // says again what already stood when it came in: it changes nothing
  // kMerge: what the loser was when it came in. Gaps are filled, lists are united.
  std::map<Field, Value> fill, united;
  std::map<std::string, Value> fill_custom, fill_extra;
  std::vector<ConsentRow> rows;
  Stamp activity;

  bool is(TypeId type) const { return why != Why::kMerge && event.type == type; }
};
using Facts = std::vector<Fact>;

// Facts that take others back: they stand in no order of history themselves.
inline bool takes_back(const Fact& fact) {
  return fact.event.type == TypeId::kEventRetracted ||
         (fact.event.type >= TypeId::kAccountUnmerged &&
          fact.event.type <= TypeId::kSurveyUnmerged);
}

// Pipelines as they came in. A fact reads a stage by the version in force when it happened, of
// those known when it came in; if none was known, the first to be known.
class PipelineBook {
 public:
  void put(Pipeline pipeline, Stamp in_force) {
    by_id_[pipeline.id].emplace_back(in_force, std::move(pipeline));
  }
  const Pipeline* find(const std::string& id, Instant at, std::uint64_t order) const {
    const auto it = by_id_.find(id);
    if (it == by_id_.end()) return nullptr;
    const Version* best = nullptr;
    const Version* oldest = nullptr;
    for (const auto& version : it->second) {
      if (version.first.order > order) continue;
      if (oldest == nullptr || version.first < oldest->first) oldest = &version;
      if (version.first.occurred > at) continue;
      if (best == nullptr || best->first < version.first) best = &version;
    }
    if (best == nullptr) best = oldest;
    return best == nullptr ? &it->second.front().second : &best->second;
  }

 private:
  using Version = std::pair<Stamp, Pipeline>;
  std::map<std::string, std::vector<Version>> by_id_;
};

// In history order: (occurred, position).
std::vector<const Fact*> history_of(const Facts& facts);

}  // namespace dealwright::oracle
