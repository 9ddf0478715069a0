// A record as it was at a past instant, from its own history: a checkpoint and the facts behind it
// (design.md 7.6).
#pragma once

#include <optional>

#include "engine/ports/log.h"
#include "engine/runtime/state.h"

namespace dealwright::runtime {

// What `key` was at `as_of`, by what was known at `known_by`: folded of the facts that happened by
// then and had come in by then. What others merged into it were then is in it. Without history,
// watchers and home. None: nothing had happened to it.
// Owner thread of `state`. Costs a checkpoint and the facts behind it; all facts where something
// was taken back later than `known_by`, or was merged into it and `as_of` is not behind all.
// kRefused: it takes more than 20,000 facts. kNotFound: the log let go of a fact that it takes.
// kUnsupported: a merge was undone later than `known_by`; what each side was before that is not
// kept.
Result<std::optional<Record>> record_as_of(State& state, Log& log, PartitionId partition,
                                           const RecordKey& key, Instant as_of,
                                           Instant known_by = kAfterAll);

}  // namespace dealwright::runtime
