// What a rule lets out, by time: what its fuse and its canary read (reliability.md 7, B3). Effects
// count once, when an attempt of theirs starts for the first time. Each partition counts its own,
// against its share of the figures. Pure data.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/instant.h"

namespace dealwright {

inline constexpr std::uint32_t kFuseLeast = 200;  // in ten minutes, however quiet the rule was
inline constexpr std::uint32_t kFuseTimes = 5;    // what it did in 95 of 100 of them, in 7 days
inline constexpr std::uint32_t kCanarySends = 100;
inline constexpr Duration kCanaryHold = minutes(15);

struct RuleFlow {
  using Counts = std::vector<std::pair<std::int64_t, std::uint32_t>>;  // span, how many; sorted
  Counts minutes;                                                      // of the last ten
  Counts tens;                          // ten minutes each, of the last 7 days
  std::uint32_t version = 0;            // the newest of which anything left
  std::uint32_t of_version = 0;         // how many of it
  std::optional<Instant> canary_until;  // behind the first of it
  friend bool operator==(const RuleFlow&, const RuleFlow&) = default;
};

// One more left.
void count(RuleFlow& flow, std::uint32_t version, std::uint32_t partitions, Instant now);
// A person looked at it: what left so far is no reason to hold it any more.
void vouch(RuleFlow& flow);
std::uint32_t in_ten_minutes(const RuleFlow& flow, Instant now);
// What may leave in ten minutes.
std::uint32_t fuse_limit(const RuleFlow& flow, std::uint32_t partitions, Instant now);

}  // namespace dealwright
