// The hash chain over both logs of a partition (design.md 7.5), checked from what is written alone:
// no state, no fold, nothing changed. Finds edits that the checksums of a log cannot, as whoever
// edits a log can write those anew.
//
// Not found, since nothing later vouches for it: decision records taken off the end, an edit of the
// last one, events that no record covers yet, and records that readers drop anyway.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "engine/ports/log.h"

namespace dealwright::runtime {

// The next log record in order; none: the end. Its bytes live until the next call.
using NextRecord = std::function<Result<std::optional<LogRecord>>()>;

struct ChainReport {
  std::uint64_t accepted = 0;  // decision records
  std::uint64_t ignored = 0;   // of a lost term, or landed twice: every reader drops them
  std::uint64_t covered = 0;   // events
  Position decided = 0;        // events from here on are covered by no record yet
  // Retention took what lies before: the first record kept is taken on trust.
  bool trusts_first = false;
  std::optional<Error> damage;  // kDamaged, kUnsupported: the first; nothing behind it was read
};

// An error only if a log could not be read.
Result<ChainReport> verify_chain(const NextRecord& next_event, const NextRecord& next_decision);

// From the first record kept on. REQUIRES: `log` outlives the result
NextRecord records_of(Log& log, Topic topic, PartitionId partition);

}  // namespace dealwright::runtime
