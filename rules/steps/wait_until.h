// The step `wait_until`.
#pragma once

#include "rules/steps/compiler.h"

namespace dealwright::rules {
StepKind wait_until_step();
}
