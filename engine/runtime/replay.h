// Folds recorded decisions. Never decides: engine code and rules of today cannot change the past.
#pragma once

#include <optional>
#include <string_view>

#include "engine/domain/decision.h"
#include "engine/ports/log.h"
#include "engine/runtime/folder.h"

namespace dealwright::runtime {

// Whether a reader takes a record (design.md 7.5), judged by where the fold stands.
enum class Acceptance : std::uint8_t { kAccepted, kIgnored };
Acceptance accept(const Meta& meta, const DecisionHeader& header, bool claim);
// Why a record that is not taken cannot come from honest leaders: damage. Empty: it can.
std::string_view impossible(const Meta& meta, const DecisionHeader& header, bool claim);
// A record of the leader in force behind one that is not there. Where a disk was full, a leader's
// record may be missing and a later one of it not: it stops then, and the next claim starts where
// the last accepted record ended. Without such a claim somebody took the record out.
bool behind_a_gap(const Meta& meta, const DecisionHeader& header, bool claim);
// So many records a leader may have in flight, and no more can come behind one that failed.
inline constexpr std::size_t kInFlightMax = 64;

// What a barrier switches, for the leader that writes it and for every reader.
void take_barrier(Meta& meta, const Barrier& barrier);

// The owner's thread.
class Replay {
 public:
  Replay(Log& log, PartitionId partition, State& state, Folder& folder)
      : log_{log},
        partition_{partition},
        state_{state},
        folder_{folder},
        look_ahead_{state.records()} {}

  // Folds the next decision record of the log, if there is one; false: none. kDamaged: checksum,
  // chain, count or order is wrong, a record is missing, or events it covers are gone.
  // kUnsupported: a newer version.
  Result<bool> step();
  // Folds one record that was read at `position`; `ignored`: another's, or of a lost term.
  Result<Acceptance> fold(Position position, std::string_view bytes);

 private:
  Result<void> fold_batch(const DecisionRecord& record, Position position);
  Result<void> fold_event(Position position, std::string_view bytes, const TurnRecord* turn,
                          Position decision_position);
  void fold_turn(const TurnRecord& turn, Position decision_position);
  void fold_change(const Change& change, const TurnRecord& turn, Position decision_position);
  Result<LogRecord> next_event();

  Log& log_;
  const PartitionId partition_;
  State& state_;
  Folder& folder_;
  Frame frame_;
  LogBatch decisions_;
  std::size_t next_decision_ = 0;
  LogBatch events_;
  std::size_t next_event_ = 0;
  LookAhead look_ahead_;
  Instant now_ = kBeforeAll;
  std::uint32_t index_ = 0;
  std::size_t behind_gap_ = 0;  // records of the leader in force that could not be taken
};

}  // namespace dealwright::runtime
