// The step `send_webhook`.
#pragma once

#include "rules/steps/compiler.h"

namespace dealwright::rules {
StepKind send_webhook_step();
}
