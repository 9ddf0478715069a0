// The step `send_email`.
#pragma once

#include "rules/steps/compiler.h"

namespace dealwright::rules {
StepKind send_email_step();
}
