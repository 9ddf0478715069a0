// Reads a log that no process has open, and changes nothing: for the command line.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "connectors/embedded_log/segment_chain.h"
#include "engine/ports/file_system.h"
#include "engine/ports/log.h"

namespace dealwright::embedded_log {

struct VerifyReport {
  std::uint64_t segments = 0;
  std::uint64_t frames = 0;  // records and seals
  std::uint64_t bytes = 0;   // of intact frames
  std::array<Position, kTopics> begins{};
  std::array<Position, kTopics> ends{};
  std::uint64_t torn_bytes = 0;  // of an unfinished write; cut when the log is next opened
  std::optional<Damage> damage;  // the first; behind it nothing was looked at
};

// Checks every byte of a partition. An error only if it could not read, or `partition` or the log
// does not exist.
Result<VerifyReport> verify(FileSystem& files, const std::string& data, PartitionId partition);

struct DumpedFrame {
  Kind kind = Kind::kEvent;
  Position position = 0;  // of an event or decision
  std::uint64_t sequence = 0;
  std::string_view file;
  std::uint64_t offset = 0;
  std::string_view bytes;  // lives until the visit returns
};

// Reads one topic of a partition, record by record, up to where the frames end. One thread.
class RecordCursor {
 public:
  // An error if the log or the partition does not exist, or a segment's header is damaged.
  // `files` outlives the cursor.
  static Result<RecordCursor> open(FileSystem& files, const std::string& data,
                                   PartitionId partition, Topic topic);
  RecordCursor(RecordCursor&&) noexcept;
  ~RecordCursor();
  // None: the end, or an unfinished write. kDamaged. The bytes live until the next call.
  Result<std::optional<LogRecord>> next();

 private:
  struct State;
  explicit RecordCursor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Visits every frame in order until the first damage, which it gives as kDamaged.
Result<void> dump(FileSystem& files, const std::string& data, PartitionId partition,
                  const std::function<void(const DumpedFrame&)>& visit);

}  // namespace dealwright::embedded_log
