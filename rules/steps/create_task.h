// The step `create_task`.
#pragma once

#include "rules/steps/compiler.h"

namespace dealwright::rules {
StepKind create_task_step();
}
