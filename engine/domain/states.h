// The states of leads, offers, contracts, tasks, tickets and surveys (sales.md 3). Inside
// engine/domain; life.cc uses it. A deal's status follows from its stages: life.cc.
#pragma once

#include <string>
#include <string_view>

#include "engine/domain/vocabulary.h"

namespace dealwright {

// The state after a fact of this type; "" is that of a stub.
std::string next_state(Kind kind, const std::string& state, TypeId type);
// Whether it is the opening event of such a record: what makes a stub count.
bool opens(Kind kind, TypeId type);
bool offer_is_final(std::string_view state);
// Whether it comes to a final state: offer.accepted, task.completed ...
bool ends_for_good(TypeId type);

}  // namespace dealwright
