// What a backup copies: the durable frames of all partitions as they stood at one instant. Whatever
// one partition sent another stands in the sender's part if it stands in the receiver's, so that a
// log made of a cut is one that a crash could have left.
#pragma once

#include <cstdint>
#include <vector>

#include "connectors/embedded_log/segment_chain.h"

namespace dealwright::embedded_log {

struct PartitionCut {
  std::vector<SegmentFile> segments;  // oldest first; of the last one only the bytes before `end`
  Place end;                          // behind the last frame
};

// While it lives, no file of it is let go by retention; the log outlives it. What comes later to
// the last segment lies behind its `bytes`.
class Cut {
 public:
  virtual ~Cut() = default;
  virtual const std::vector<PartitionCut>& partitions() const = 0;
};

}  // namespace dealwright::embedded_log
