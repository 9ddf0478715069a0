// The two logs behind one port: facts from outside (events) and what the engine decided
// (decisions), each an append-only sequence of log records per partition.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace dealwright {

enum class Topic : std::uint8_t { kEvents = 0, kDecisions = 1 };
inline constexpr std::size_t kTopics = 2;
std::string_view topic_name(Topic topic);  // "events", "decisions"

using PartitionId = std::uint32_t;
// A place in one topic of one partition. Strictly rising; gaps are legal in `events` (Kafka has
// them), so nobody computes the next one by adding.
using Position = std::uint64_t;

inline constexpr std::size_t kRecordBytesMax = std::size_t{4} << 20;

struct LogRecord {
  Position position = 0;
  std::string_view bytes;  // lives as long as the batch it came in
};

// Log records that were read together; `bytes` of each point into `buffer`.
struct LogBatch {
  std::shared_ptr<const std::string> buffer;
  std::vector<LogRecord> records;
  // Where to read on: one past the last position looked at, also where nothing was found.
  Position next = 0;
};

// How a partition of the log is.
struct LogStatus {
  std::uint64_t torn_bytes = 0;    // cut off when it was opened: a write that a crash broke off
  std::optional<Error> stopped;    // why it takes and gives nothing more
  std::uint64_t queued_bytes = 0;  // waiting to be durable
  std::uint64_t queue_bytes_max = 0;
};

// Thread-safe unless said otherwise. An implementation runs its callbacks on threads of its own;
// a callback must be short and must not call the log again, save append().
class Log {
 public:
  // The positions that the append's log records took, in order; rising, not always dense.
  using Done = std::function<void(Result<std::vector<Position>>)>;
  virtual ~Log() = default;

  virtual std::uint32_t partitions() const = 0;

  // Adds log records behind those before, in order and side by side in one topic; takes the bytes.
  // Calls `done` once: durable, or failed. kUnknownOutcome: perhaps there, read back, never guess;
  // kNoSpace, kOverload: surely not there; kDamaged, kClosed: the partition takes nothing more.
  // Appends to one partition from one thread stay in order, whatever the topic.
  // REQUIRES: 0 < bytes of each <= kRecordBytesMax; records not empty
  virtual void append(Topic topic, PartitionId partition, std::vector<std::string> records,
                      Done done) = 0;
  // The same for what needs no hurry. It takes its place in the order at once, and may wait for
  // some milliseconds, no longer, to be made durable together with what is appended behind it.
  virtual void append_soon(Topic topic, PartitionId partition, std::vector<std::string> records,
                           Done done) {
    append(topic, partition, std::move(records), std::move(done));
  }

  // Durable log records of `topic` from `from` on, up to `bytes_max` but at least one if there is
  // one; empty at the end. kNotFound: `from` lies before what retention kept (the detail names the
  // first position). kDamaged: stop the partition; the detail names file, offset and reason.
  virtual Result<LogBatch> read(Topic topic, PartitionId partition, Position from,
                                std::size_t bytes_max) = 0;

  // One past the last durable position, and the first one still kept.
  virtual Result<Position> end(Topic topic, PartitionId partition) = 0;
  virtual Result<Position> begin(Topic topic, PartitionId partition) = 0;

  // `wake` is called, from a thread of the log, whenever `partition` gained durable log records or
  // stopped. One listener per partition; an empty one takes it off, and after that call returns no
  // wake runs any more.
  virtual void listen(PartitionId partition, std::function<void()> wake) = 0;

  // Lets go of log records before these positions (both topics), as far as whole files allow.
  // The caller holds a durable snapshot at or behind them.
  virtual Result<void> release_before(PartitionId partition, Position events,
                                      Position decisions) = 0;

  virtual LogStatus status(PartitionId partition) const = 0;
};

}  // namespace dealwright
