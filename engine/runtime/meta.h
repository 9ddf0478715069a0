// Where the fold of a partition stands: one entry of its store, in the batch of what it describes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/decision.h"
#include "engine/domain/evolve.h"
#include "engine/runtime/lateness.h"

namespace dealwright::runtime {

// Where the fold stands: all that the next record is judged by.
struct Meta {
  std::uint32_t state_version = kStateVersion;
  std::uint64_t events = 0;     // next position to fold
  std::uint64_t decisions = 0;  // next position to fold
  Instant now = kBeforeAll;
  std::uint32_t clock_epoch = 0;
  bool event_clock = false;
  bool clock_fixed = false;  // the first record says which clock
  std::uint64_t term = 0;    // 0: nobody has led yet
  ClaimId claim{};
  std::uint64_t sequence = 0;   // next of the term
  Sha256 chain{};               // SHA-256 of the accepted record before
  std::uint64_t order = 0;      // facts folded
  std::uint64_t timers = 0;     // pending
  std::uint64_t reference = 0;  // revision
  std::uint64_t accepted = 0;   // events by verdict
  std::uint64_t duplicates = 0;
  std::uint64_t refused = 0;
  std::uint64_t set_aside = 0;
  std::uint64_t forwarded = 0;  // to where their customer is
  std::uint64_t timers_fired = 0;
  std::uint64_t aside = 0, aside_bytes = 0;  // set aside now, refused ones not counted
  Lateness lateness{};                       // of those fired
  std::vector<std::uint64_t> sent;           // per target: last number given out
  std::vector<std::uint64_t> acked;          // per target: last number durable there
  std::vector<std::uint64_t> received;       // per origin: last number taken
  friend bool operator==(const Meta&, const Meta&) = default;
};
void encode(const Meta& meta, std::string& out);
Result<Meta> decode_meta(std::string_view bytes);

}  // namespace dealwright::runtime
