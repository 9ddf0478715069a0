// From what stands in a notice to a value of the type that a field asks for.
#pragma once

#include "connectors/hooks/config.h"

namespace dealwright::hooks {

// Absent if what it is made of is empty; a map or list loses absent members, and is absent if none
// is left. `field`: of event data, null if the type declares none of that name; `about`: the kind
// of record that members of `set` are fields of. kInvalid: what does not fit.
Result<Value> evaluate(const ValueSpec& spec, const FieldSpec* field, Kind about,
                       const HookConfig& config, Scope& scope);
std::optional<Instant> evaluate_time(const ValueSpec& spec, const HookConfig& config, Scope& scope);

}  // namespace dealwright::hooks
