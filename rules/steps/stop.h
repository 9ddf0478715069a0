// The step `stop`.
#pragma once

#include "rules/steps/compiler.h"

namespace dealwright::rules {
StepKind stop_step();
}
