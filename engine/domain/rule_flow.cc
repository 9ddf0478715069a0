#include "engine/domain/rule_flow.h"

#include <algorithm>

namespace dealwright {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::int64_t kTenMs = 10 * kMinuteMs;
constexpr std::int64_t kMinutes = 10;
constexpr std::int64_t kTens = 7 * 24 * 6;  // of 7 days

std::int64_t span_of(Instant at, std::int64_t ms) { return at.ms / ms - (at.ms % ms < 0 ? 1 : 0); }

void add(RuleFlow::Counts& counts, std::int64_t span, std::int64_t kept) {
  std::erase_if(counts, [&](const auto& entry) { return entry.first <= span - kept; });
  if (counts.empty() || counts.back().first < span) counts.emplace_back(span, 0);
  ++counts.back().second;
}

std::uint32_t share(std::uint32_t of, std::uint32_t partitions) {
  return (of + partitions - 1) / partitions;
}

}  // namespace

void count(RuleFlow& flow, std::uint32_t version, std::uint32_t partitions, Instant now) {
  add(flow.minutes, span_of(now, kMinuteMs), kMinutes);
  add(flow.tens, span_of(now, kTenMs), kTens);
  if (version < flow.version) return;
  if (version > flow.version) {
    flow.version = version;
    flow.of_version = 0;
    flow.canary_until.reset();
  }
  if (++flow.of_version == share(kCanarySends, partitions)) flow.canary_until = now + kCanaryHold;
}

void vouch(RuleFlow& flow) {
  flow.minutes.clear();
  flow.canary_until.reset();
}

std::uint32_t in_ten_minutes(const RuleFlow& flow, Instant now) {
  const auto first = span_of(now, kMinuteMs) - kMinutes;
  std::uint32_t out = 0;
  for (const auto& [span, n] : flow.minutes) {
    if (span > first) out += n;
  }
  return out;
}

std::uint32_t fuse_limit(const RuleFlow& flow, std::uint32_t partitions, Instant now) {
  // The one under way is what is judged; spans in which nothing left count too.
  const auto current = span_of(now, kTenMs);
  std::vector<std::uint32_t> all;
  for (const auto& [span, n] : flow.tens) {
    if (span < current && span >= current - kTens) all.push_back(n);
  }
  std::sort(all.begin(), all.end(), std::greater<>{});
  constexpr std::size_t kAbove = kTens / 20;  // those above the 95th percentile
  const auto p95 = all.size() > kAbove ? all[kAbove] : 0;
  return std::max(share(kFuseLeast, partitions), kFuseTimes * p95);
}

}  // namespace dealwright
