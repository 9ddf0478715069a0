// The step `if`.
#pragma once

#include "rules/steps/compiler.h"

namespace dealwright::rules {
StepKind if_step();
}
