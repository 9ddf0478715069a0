// The step `wait`.
#pragma once

#include "rules/steps/compiler.h"

namespace dealwright::rules {
StepKind wait_step();
}
