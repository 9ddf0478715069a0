// The data of event types as JSON Schema (2020-12), made of the rows that the door reads: who
// publishes can check before it sends.
#pragma once

#include "engine/base/value.h"
#include "engine/domain/vocabulary.h"

namespace dealwright::daemon {

std::string_view group_name(EventGroup group);
// Of the event's `data`. What it does not declare may be there: it is kept as it came.
Value event_schema(const EventSpec& spec);

}  // namespace dealwright::daemon
