// The step `update`.
#pragma once

#include "rules/steps/compiler.h"

namespace dealwright::rules {
StepKind update_step();
}
