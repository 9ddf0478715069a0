#include "connectors/embedded_log/retention.h"

namespace dealwright::embedded_log {

std::size_t releasable(std::span<const SegmentInfo> segments, const Retention& retention,
                       const std::array<Position, kTopics>& released, Instant now) {
  std::uint64_t kept = 0;
  for (const auto& segment : segments) kept += segment.bytes;
  std::size_t count = 0;
  for (const auto& segment : segments) {
    bool covered = !segment.open;
    for (std::size_t topic = 0; topic < kTopics; ++topic) {
      covered = covered && segment.ends[topic] <= released[topic];
    }
    const bool too_much = retention.retain_bytes && kept > *retention.retain_bytes;
    const bool too_old = retention.retain_age && segment.newest < now - *retention.retain_age;
    if (!covered || !(too_much || too_old)) break;
    kept -= segment.bytes;
    ++count;
  }
  return count;
}

}  // namespace dealwright::embedded_log
