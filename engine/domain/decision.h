// A decision record: what the leader of a partition decided over the events (from, through], in the
// order in which it is folded. Atomic by itself; the order of history.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/domain/changes.h"

namespace dealwright {

using ClaimId = std::array<std::uint8_t, 16>;  // random, drawn by whoever claims

struct DecisionHeader {
  std::uint32_t state_version = 0;
  std::uint64_t term = 0;
  ClaimId claim{};
  std::uint64_t sequence = 0;     // dense within the term, from 0: the claim itself
  std::uint64_t from = 0;         // events before this position are covered already
  std::uint64_t through = 0;      // and those before this one by this record; from = through: none
  std::uint32_t event_count = 0;  // how many lie between: gaps are legal, losses are not
  Instant now;                    // of the decision; never before the last one
  std::uint32_t clock_epoch = 0;  // one more with each ClockReset
  bool event_clock = false;       // time runs by the events, not by the wall
  Sha256 rule_set{};
  Sha256 schema{};
  std::string workspace;  // "default"
  Sha256 chain{};         // over the accepted record before and the covered events
  friend bool operator==(const DecisionHeader&, const DecisionHeader&) = default;
};

// Leadership of a partition is claimed by appending this at a term above the leading one.
struct LeaderClaim {
  std::string node;  // for people
  friend bool operator==(const LeaderClaim&, const LeaderClaim&) = default;
};

// Switches something for every reader at one position.
struct Barrier {
  enum class What : std::uint8_t { kStateVersion = 1, kClockReset = 2, kWallClock = 3 };
  What what = What::kStateVersion;
  std::uint32_t state_version = 0;
  std::string author;
  friend bool operator==(const Barrier&, const Barrier&) = default;
};

// A fact for another partition, numbered densely per pair of partitions.
struct Send {
  std::uint32_t to = 0;
  std::uint64_t number = 0;
  std::string event;  // as encoded for `events`
  friend bool operator==(const Send&, const Send&) = default;
};

// What one event or one due timer led to. Events that were accepted and led to nothing have none.
struct TurnRecord {
  std::uint64_t position = 0;     // of the event; for a timer, where the fold stands: behind the
                                  // event before, at or (gaps) below the one that it fires before
  std::optional<TimerKey> timer;  // none: the event at `position`
  Verdict verdict = Verdict::kAccepted;
  std::string code;    // of refused, set aside; "forwarded" where another partition folds it
  std::string detail;  // why, for people
  std::vector<Change> changes;
  std::vector<Send> sends;
  friend bool operator==(const TurnRecord&, const TurnRecord&) = default;
};

struct SendAck {
  std::uint32_t to = 0;
  std::uint64_t through = 0;  // numbers up to here are durable there
  friend bool operator==(const SendAck&, const SendAck&) = default;
};

struct Batch {
  std::vector<TurnRecord> turns;
  std::vector<SendAck> acks;
  // What became of effects by themselves: attempts started, spans over, suppressions. Folded behind
  // the turns.
  std::vector<EffectMoved> effects;
  friend bool operator==(const Batch&, const Batch&) = default;
};

struct DecisionRecord {
  DecisionHeader header;
  std::variant<LeaderClaim, Batch, Barrier> body;
  friend bool operator==(const DecisionRecord&, const DecisionRecord&) = default;
};

}  // namespace dealwright
