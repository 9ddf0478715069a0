// From the text of a rule file to a plan, or to everything that is wrong with it. Pure: the same
// text and zones, the same result.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/schema.h"
#include "rules/check/diagnostic.h"
#include "rules/plan/plan.h"
#include "rules/time/zone.h"

namespace dealwright::rules {

struct CompileOptions {
  ZoneProvider zones;  // named zones, for `zone:`; empty: fixed offsets only, other names pass
  // What custom fields and purposes are checked by; none: custom fields are dynamic, any purpose
  // will do. A schema without declarations refuses every custom field.
  SchemaPtr schema = nullptr;
};

struct CompiledRule {
  std::string rule;                      // its id, as far as it could be read
  std::shared_ptr<const RulePlan> plan;  // none: there are errors
  std::vector<Diagnostic> diagnostics;   // errors, warnings, notes; by place
};
CompiledRule compile(std::string_view source, const CompileOptions& options = {});

}  // namespace dealwright::rules
