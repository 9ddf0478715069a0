// The fields of a record (sales.md 1 and 2), folded from its whole history each time.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/oracle/lives.h"

namespace dealwright::oracle {

// Current values; absent ones are left out.
struct Values {
  std::map<Field, Value> fields;
  std::map<std::string, Value> custom, extra;
  std::vector<ConsentRow> consents;  // in history order
  std::map<TypeId, std::uint32_t> counts;
  Stamp newest, last_activity;
  std::string merged_into;
  bool erased = false;
};
Values values_of(const RecordKey& key, const Facts& facts, const PipelineBook& book);

// What a merge of `loser` into the record does to it now: a fact of the winner's.
Fact merge_fact(const Values& winner, const Values& loser, Kind kind, Stamp stamp);

}  // namespace dealwright::oracle
