// A record's history as people read it: its facts and what was decided about it, by when they
// happened. Read from the record's own index and the log records it names.
#pragma once

#include <string>
#include <vector>

#include "engine/ports/log.h"
#include "engine/runtime/state.h"

namespace dealwright::runtime {

struct TimelineEntry {
  Instant occurred;
  std::uint64_t position = 0;
  bool decision = false;
  bool late = false;       // arrived behind something that happened later
  bool retracted = false;  // taken back: counts nowhere any more
  std::string flags;       // bad_custom_value and why; "" for most
  std::string what;  // the event's type, or what was decided: enrolment.started, effect.requested
  std::string who;   // actor, or rule/<id>
  Value detail;      // data of the event; fields of the change
};

// Owner thread of `state`. Facts whose log records retention let go of are counted in one entry,
// `log.released`, that stands first. kNotFound: nothing is known of the record.
Result<std::vector<TimelineEntry>> timeline(State& state, Log& log, PartitionId partition,
                                            const RecordKey& key);

}  // namespace dealwright::runtime
