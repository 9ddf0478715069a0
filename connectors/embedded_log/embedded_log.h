// The log of one machine: append-only segment files below `<data>/log`, one fdatasync for a group
// of events and decisions. One process owns a data directory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/embedded_log/cut.h"
#include "connectors/embedded_log/retention.h"
#include "engine/base/hash.h"
#include "engine/ports/clock.h"
#include "engine/ports/file_system.h"
#include "engine/ports/log.h"
#include "engine/ports/meter.h"

namespace dealwright::embedded_log {

struct Options {
  std::uint32_t partitions = 4;  // fixed when the log is created
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  // Each per partition:
  std::uint64_t queue_bytes_max = std::uint64_t{64}
                                  << 20;                   // waiting to be durable; at most 512 MiB
  std::uint64_t group_bytes_max = std::uint64_t{8} << 20;  // one write
  std::uint64_t ahead_bytes = std::uint64_t{1} << 20;      // blocks taken ahead of what is written
  Duration soon{10};  // what needs no hurry waits so long for what comes behind it
  std::uint64_t tail_cache_bytes = std::uint64_t{16} << 20;
  std::uint64_t index_bytes_max = std::uint64_t{8} << 20;
  std::size_t open_files_max = 64;
  // Of a log that is created now; random if none.
  std::optional<Hash128> log_id;
  Meter* meter = nullptr;  // of syncs; outlives the log
  // Called at append.{queued,written,synced,acknowledged}, rotate.{begin,created,synced} and
  // release.removed, on the thread that got there.
  std::function<void(std::string_view point)> at_point;
};

class EmbeddedLog : public Log {
 public:
  // Oldest first: see releasable().
  virtual std::vector<SegmentInfo> segments(PartitionId partition) const = 0;
  // Of all partitions at once; appends go on meanwhile. kDamaged: a partition is.
  virtual Result<std::unique_ptr<Cut>> cut() = 0;
};

// Opens the log below the directory `data`, or creates it. A damaged partition stops, the others
// go on: see status(). The destructor writes what is queued; it must not run while append does.
// kConflict: another process has it. kInvalid: it has another number of partitions, or a limit
// makes no sense. kDamaged, kUnsupported: what is common to all partitions. `files` and `clock`
// outlive the log.
Result<std::unique_ptr<EmbeddedLog>> open(FileSystem& files, const Clock& clock,
                                          const std::string& data, Options options);

}  // namespace dealwright::embedded_log
