// What became of one event of the log, read from the decision record that covers it, and where it
// went if its customer is at home in another partition.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/domain/decision.h"
#include "engine/ports/log.h"
#include "engine/runtime/cluster_key.h"

namespace dealwright::runtime {

struct Fate {
  bool decided = false;  // else a decision is still to come, or retention took it
  Verdict verdict = Verdict::kAccepted;
  std::string code;
  std::string detail;        // of `forwarded` and `homed` the key
  std::uint32_t to = 0;      // of `forwarded`: where it is folded, or goes on
  std::uint64_t number = 0;  // among the sends there; 0: it stayed
};

// Reads about log2 of the decision records.
Result<Fate> fate_of(Log& log, PartitionId partition, Position event);
// Where send `number` of partition `from` stands in `events` of `to`, at or behind `start`; none:
// not there. Reads all events between.
Result<std::optional<Position>> find_send(Log& log, PartitionId to, PartitionId from,
                                          std::uint64_t number, Position start);

}  // namespace dealwright::runtime
