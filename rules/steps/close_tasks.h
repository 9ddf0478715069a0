// The step `close_tasks`.
#pragma once

#include "rules/steps/compiler.h"

namespace dealwright::rules {
StepKind close_tasks_step();
}
