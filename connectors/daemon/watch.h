// How far each partition has come, and who waits for it: what reads of one's own writes and streams
// are made of.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/ports/log.h"

namespace dealwright::daemon {

// Up to where a partition's logs are folded, durably.
struct Progress {
  Position events = 0;
  Position decisions = 0;
  friend bool operator==(const Progress&, const Progress&) = default;
};

// Thread-safe. What waits is called once, on the thread that moved things on, or at once; it must
// be short.
class Watch {
 public:
  explicit Watch(std::uint32_t partitions) : progress_(partitions) {}

  void moved(PartitionId partition, Progress to);
  std::vector<Progress> now() const;

  using Ticket = std::uint64_t;
  // When the partition has folded its events before `events`.
  Ticket when(PartitionId partition, Position events, std::function<void()> then);
  // When any partition has gone on from where `seen` says they stood.
  Ticket when_other(const std::vector<Progress>& seen, std::function<void()> then);
  // What was called already, or is being called, stays so.
  void forget(Ticket ticket);

 private:
  struct Waiting {
    PartitionId partition = 0;
    Position events = 0;
    bool any = false;
    std::function<void()> then;
  };
  mutable std::mutex mutex_;
  std::vector<Progress> progress_;
  std::map<Ticket, Waiting> waiting_;
  Ticket last_ = 0;
};

// "0:12,2:7": a place in several partitions. kInvalid: no such text, a partition twice. kNotFound:
// a partition that there is not.
Result<std::vector<std::pair<PartitionId, Position>>> parse_positions(std::string_view text,
                                                                      std::uint32_t partitions);
// The ends of all partitions' events, as a position: "0:12,1:0".
std::string positions_text(const std::vector<Progress>& progress);

}  // namespace dealwright::daemon
