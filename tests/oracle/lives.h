// The lives of records (sales.md 3), folded from the whole history each time.
#pragma once

#include <vector>

#include "tests/oracle/fact.h"

namespace dealwright::oracle {

struct LifeAt {
  Instant from;  // in force from here on
  Life life;
};

// One for each fact of the history, in its order. `known_by`: facts that came in later are not
// there.
std::vector<LifeAt> lives_of(const RecordKey& key, const Facts& facts, const PipelineBook& book,
                             Instant known_by = kAfterAll);
// The last of them; a stub's where there is none.
Life life_of(const RecordKey& key, const Facts& facts, const PipelineBook& book);
// In force at `as_of`, as known by `known_by`.
Life life_at(const RecordKey& key, const Facts& facts, const PipelineBook& book, Instant as_of,
             Instant known_by);
// Whether any of the facts says something about the record's life.
bool has_life(const RecordKey& key, const Facts& facts);
// Whether a fact that is about to come in repeats a final one that stands where it lands: it
// changes nothing then. REQUIRES: not in `facts` yet
bool repeats_final(const RecordKey& key, const Facts& facts, const PipelineBook& book,
                   const Fact& fact);

}  // namespace dealwright::oracle
