// Notices to events, by the entries of `emit`.
#pragma once

#include <vector>

#include "connectors/hooks/config.h"

namespace dealwright::hooks {

// The events of one notice: of the file's entries that match it, else of the connector's, else one
// foreign event that holds it as it came. Never none without a line in `left_out`.
void apply(const HookConfig& config, const Notice& notice, std::vector<Event>& events,
           std::vector<LeftOut>& left_out);

}  // namespace dealwright::hooks
