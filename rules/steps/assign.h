// The step `assign`.
#pragma once

#include "rules/steps/compiler.h"

namespace dealwright::rules {
StepKind assign_step();
}
