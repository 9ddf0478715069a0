// When an entry that an import drips may go on: at most N an hour, over all partitions.
//
// A rate cuts time into instants, N in each hour, the same for everybody; the partitions take them
// in turn, so that their shares together are the rate. A queue gives each instant of its partition
// once.
#pragma once

#include <string>

#include "engine/ports/decider.h"
#include "rules/plan/plan.h"

namespace dealwright::rules {

// What an import lets a rule do: the strictest of event, batch and rule.
struct ImportVerdict {
  Policy policy = Policy::kFire;
  Map queues;  // of drip: of the batch and of the rule, entries an hour
};
ImportVerdict import_verdict(const FoldedFact& fact, const RulePlan& plan);

// The first instant from now on at which all queues let one more through.
Instant next_turn(Turn& turn, const Map& queues);

// Whether one whose turn was at `due` comes so late that going on now would be a flood: others are
// due at the same time. It queues up again.
bool missed_turn(Turn& turn, const Map& queues, Instant due);

}  // namespace dealwright::rules
