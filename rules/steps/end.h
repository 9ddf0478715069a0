// The step `end`.
#pragma once

#include "rules/steps/compiler.h"

namespace dealwright::rules {
StepKind end_step();
}
