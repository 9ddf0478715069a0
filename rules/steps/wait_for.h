// The step `wait_for`.
#pragma once

#include "rules/steps/compiler.h"

namespace dealwright::rules {
StepKind wait_for_step();
}
