// Tasks made by rules: their ids follow from the effect that asked for them, so that a rule finds
// its own again.
#pragma once

#include "engine/domain/enrolment.h"
#include "engine/domain/event.h"

namespace dealwright::rules {

inline RecordKey task_key(const EffectId& effect) {
  return {Kind::kTask, hex(effect).substr(0, 24)};
}

}  // namespace dealwright::rules
