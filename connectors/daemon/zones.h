// Named zones of the machine's tz database, as rules read them: tables of transitions.
#pragma once

#include <string>

#include "rules/time/zone.h"

namespace dealwright::daemon {

// Thread-safe; a name has the same answer for the process's life. Transitions from 1970 on: as the
// database lists them, behind those (2037 in "fat" files, any year in "slim" ones) by the rule that
// its files end with, for ever.
rules::ZoneProvider named_zones();
// Of the database, such as 2026a: part of a rule set's id.
std::string zones_version();

}  // namespace dealwright::daemon
