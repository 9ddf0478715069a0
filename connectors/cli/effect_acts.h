// What operators say of effects, enrolments and timers, as commands.
#pragma once

#include "connectors/cli/context.h"

namespace dealwright::cli {

void add_effect_acts(CLI::App& effect, Context& context);        // below the noun `effect`
void add_enrolment_acts(CLI::App& enrolment, Context& context);  // `enrolment`
void add_timer_acts(CLI::App& timer, Context& context);          // `timer`

}  // namespace dealwright::cli
