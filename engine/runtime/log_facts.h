// Facts and decision records of one partition read back by position: what folding a record anew
// from its history, and asking what a fact led to, need of the logs.
#pragma once

#include <optional>
#include <vector>

#include "engine/domain/decision.h"
#include "engine/ports/log.h"

namespace dealwright::runtime {

// One thread. Reads one log record at a time; keeps the last decision record.
class LogFacts {
 public:
  LogFacts(Log& log, PartitionId partition) : log_{log}, partition_{partition} {}

  PartitionId partition() const { return partition_; }
  std::uint32_t partitions() const { return log_.partitions(); }
  // The fact that an entry stands for. kNotFound: the log record is not (or no longer) in the log;
  // kDamaged: it is, and is not what the entry says. REQUIRES: not of role kDecision
  Result<void> read(const HistoryEntry& entry, Event& out);
  // Valid until the next call.
  Result<const DecisionRecord*> decision(Position position);
  // The position of the first decision record that covers the event at `position`; none: not
  // decided on. Records of lost terms may lie among those found: their changes never happened.
  Result<std::optional<Position>> covering(Position position, Position decisions_end);

 private:
  Log& log_;
  const PartitionId partition_;
  std::optional<Position> kept_at_;
  DecisionRecord kept_;
};

}  // namespace dealwright::runtime
