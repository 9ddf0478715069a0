// The views of this folder. Inside projections; others see them through registry.h.
#pragma once

#include "engine/ports/view.h"

namespace dealwright::projections {

const View& board_view();       // open deals by pipeline, stage, owner, currency
const View& deals_view();       // won, lost, open; win rates
const View& cycle_view();       // days from opening to close
const View& tasks_view();       // tasks: open, due, overdue, done
const View& notices_view();     // to people inside
const View& automation_view();  // what rules did, by rule

}  // namespace dealwright::projections
