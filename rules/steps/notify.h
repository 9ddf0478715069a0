// The step `notify`.
#pragma once

#include "rules/steps/compiler.h"

namespace dealwright::rules {
StepKind notify_step();
}
