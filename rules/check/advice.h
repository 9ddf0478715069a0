// What is legal and yet probably not meant: warnings over a whole rule.
#pragma once

#include "rules/plan/plan.h"

namespace dealwright::rules {

// 3005, 3006, 7001, 7002, 8001. `subjects`: kinds that may be enrolled, a bit each.
void advise(const RuleFile& file, const RulePlan& plan, std::uint32_t subjects, Diagnostics& out);

}  // namespace dealwright::rules
