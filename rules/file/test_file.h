// The inline tests of a rule file: what is given, what happens, what must follow.
#pragma once

#include <vector>

#include "rules/plan/plan.h"
#include "rules/time/zone.h"

namespace dealwright::rules {

// A map of records by key, as `given` has it.
std::vector<TestRecord> read_given(const yaml::Node& given, const Schema* schema, Diagnostics& out);
// Times without an offset are local times of `zone`. Custom fields are those of `schema`; none:
// any will do.
std::vector<TestCase> read_tests(const RuleFile& file, std::shared_ptr<const Zone> zone,
                                 const Schema* schema, Diagnostics& out);

}  // namespace dealwright::rules
