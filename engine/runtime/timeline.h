// A record's history as people read it: its facts and what was decided about it, by when they
// happened. Read from the record's own index and the log records it names.
#pragma once

#include <string>
#include <vector>

#include "engine/domain/history.h"
#include "engine/domain/reference.h"
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

// A place of the timeline: a log record that is to be read for what stands there.
struct TimelinePlace {
  HistoryEntry entry;
  std::uint64_t number = 0;  // in the record's history, as it was folded
  bool late = false;
};
struct TimelineIndex {
  std::vector<TimelinePlace> places;  // as they were folded
  std::uint64_t entries = 0;          // of the history, with those that are not places
  std::uint64_t marked = 0;           // of them taken back or undone
  std::uint64_t released = 0;         // of them gone with the log that retention let go of
  Reference reference;                // in force now and before
};
// Owner thread of `state`. kNotFound: nothing is known of the record.
Result<TimelineIndex> timeline_index(State& state, Log& log, PartitionId partition,
                                     const RecordKey& key);
// Any thread. What stands at a place: one entry of a fact, any number of a decision.
Result<std::vector<TimelineEntry>> read_timeline(const Reference& reference, Log& log,
                                                 PartitionId partition, const RecordKey& key,
                                                 const TimelinePlace& place);
// The entry that stands for those that are gone.
TimelineEntry released_entry(std::uint64_t released);

// Owner thread of `state`. All of it, by when it happened; released_entry() stands first.
Result<std::vector<TimelineEntry>> timeline(State& state, Log& log, PartitionId partition,
                                            const RecordKey& key);

}  // namespace dealwright::runtime
