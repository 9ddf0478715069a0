// Where facts are at home. One key per customer and for life (design.md 7.1): a fact without a
// partition key comes in where its subject's text falls, and is folded where its customer is.
#pragma once

#include <string>

#include "engine/domain/event.h"

namespace dealwright {

// Whether facts about such a record follow a customer. Users, rules, pipelines ... are nobody's.
bool has_home(Kind kind);
// The record that the customer of `event` is found by, if nothing is known of its subject yet:
// "account/a1". The account if the data name it, else the lead, the contact, what the subject hangs
// on (an offer's deal, what a task is about), else the subject itself.
std::string customer_of(const Event& event);

}  // namespace dealwright
