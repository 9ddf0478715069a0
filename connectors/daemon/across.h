// What stands in more than one partition, read as one: facts on their way to where their customer
// is at home, subjects under two keys.
#pragma once

#include <optional>
#include <vector>

#include "connectors/daemon/workspace.h"
#include "engine/runtime/fate.h"

namespace dealwright::daemon {

struct UnitedRecord {
  Record record;
  std::vector<PartitionId> partitions;  // that know facts of it
  SchemaPtr schema;                     // in force where it is at home; null: none
};
// What had happened by `as_of` and was known by `known_by`; without them, all.
struct PastInstant {
  Instant as_of = kAfterAll;
  Instant known_by = kAfterAll;
  bool now() const { return as_of == kAfterAll && known_by == kAfterAll; }
};
// Any thread. None: no partition heard of it, then. Of the past as runtime::record_as_of says.
Result<std::optional<UnitedRecord>> read_record(Workspace& workspace, const RecordKey& key,
                                                const PastInstant& at = {});

// One stop of a fact on its way.
struct Stop {
  Placed place;
  runtime::Fate fate;
};
// From where an event stands, along its sends, to where it was folded or set aside. `starts`: per
// partition a position that later stops cannot lie before; empty: the beginning of the log.
Result<std::vector<Stop>> follow(Workspace& workspace, Placed place,
                                 const std::vector<Position>& starts = {});
// The ends of all partitions' events.
Result<std::vector<Position>> event_ends(Workspace& workspace);

}  // namespace dealwright::daemon
