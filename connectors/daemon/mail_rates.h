// How many mails may leave in an hour, as `effects.*` of the configuration says.
#pragma once

#include "connectors/daemon/config.h"
#include "engine/runtime/budget.h"

namespace dealwright::daemon {

// kInvalid: a list of providers that is none; it says which of them.
Result<runtime::Budget::Rates> mail_rates(const EffectsConfig& config);

}  // namespace dealwright::daemon
