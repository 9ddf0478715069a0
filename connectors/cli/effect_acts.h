// What operators say of effects, as commands.
#pragma once

#include "connectors/cli/context.h"

namespace dealwright::cli {

void add_effect_acts(CLI::App& effect, Context& context);  // below the noun `effect`

}  // namespace dealwright::cli
