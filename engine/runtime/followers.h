// What decisions made of a fact: found when it is retracted, so that what was not sent yet is
// cancelled. Only a leader asks; what it cancels stands in its record.
#pragma once

#include <vector>

#include "engine/runtime/refold.h"

namespace dealwright::runtime {

struct Followers {
  std::vector<EnrolmentId> enrolments;  // that it started, live or not
  std::vector<EffectId> effects;        // requested by those, or on the spot
};

// Reads the decision records that name the fact, then those about the records whose enrolments it
// started. kNotFound: the log let go of them.
Result<Followers> followers_of(State& state, LogFacts& facts, const FoundFact& fact);

}  // namespace dealwright::runtime
