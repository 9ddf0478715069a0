// What a partition's state means, as text that no layout of the state shows through.
#pragma once

#include <string>

#include "engine/runtime/state.h"

namespace dealwright {

// A line of JSON for each record, enrolment, effect, timer and event set aside, in order of keys,
// then one of counters.
std::string describe(runtime::State& state);

}  // namespace dealwright
