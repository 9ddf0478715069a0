// Writing one partition: a thread that takes everything queued, writes it in one go and makes it
// durable with one sync.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "connectors/embedded_log/partition_reader.h"
#include "engine/ports/clock.h"
#include "engine/ports/log.h"
#include "engine/ports/meter.h"

namespace dealwright::embedded_log {

struct WriterLimits {
  std::uint64_t segment_bytes = 0;
  std::uint64_t queue_bytes_max = 0;
  std::uint64_t group_bytes_max = 0;
  std::uint64_t ahead_bytes = 0;
  Duration soon{};
  Meter* meter = nullptr;
};

// The last segment, to be written on.
struct OpenSegment {
  SegmentFile segment;
  std::shared_ptr<File> file;
  Place end;
  std::uint64_t allocated = 0;  // the file has blocks up to here
  bool sealed = false;
};

class PartitionWriter {
 public:
  PartitionWriter(FileSystem& files, const Clock& clock, std::string directory,
                  const WriterLimits& limits, AtPoint at_point, PartitionReader& reader,
                  OpenSegment last);
  // A partition that takes nothing: each append gets `stopped`.
  PartitionWriter(FileSystem& files, const Clock& clock, PartitionReader& reader, Error stopped);
  // Writes what is queued, seals the segment, ends the thread.
  ~PartitionWriter();
  PartitionWriter(const PartitionWriter&) = delete;
  PartitionWriter& operator=(const PartitionWriter&) = delete;

  // As Log::append, `soon`: as Log::append_soon; and Log::listen.
  void append(Topic topic, std::vector<std::string> records, Log::Done done, bool soon);
  void listen(std::function<void()> wake);
  // Why the partition takes nothing more; none while it does.
  std::optional<Error> stopped() const;
  std::uint64_t queued_bytes() const;
  std::uint64_t queue_bytes_max() const { return limits_.queue_bytes_max; }

 private:
  struct Pending {
    Topic topic = Topic::kEvents;
    std::vector<std::string> records;
    Log::Done done;
    bool soon = false;             // nobody waits for it
    std::uint64_t bytes = 0;       // framed
    std::optional<Error> refused;  // to be answered in its turn
    std::vector<Position> positions;
  };
  // Appends that are written and synced together.
  struct Run {
    std::vector<Pending*> appends;
    std::shared_ptr<std::string> bytes;
    std::vector<Place> marks;
    Place end;  // behind them
    std::uint32_t frames = 0;
  };

  void loop();
  std::deque<Pending> take();
  void wait_for_appends(std::unique_lock<std::mutex>& lock);
  void commit(std::deque<Pending>& group);
  bool fits(const Run& run, const Pending& append) const;
  Result<void> make_room(const Pending& append);
  Run start_run() const;
  void add_to(Run& run, Pending& append) const;
  void flush(Run& run);
  void settle(Pending& append, Result<std::vector<Position>> outcome);
  void give_up(Pending& append, const Error& error);
  Result<void> write(const Run& run);
  Result<void> ensure_allocated(std::uint64_t end);
  Result<void> cut_back();
  Result<void> rotate();
  void seal();
  // Takes nothing more, for `reason`.
  void stop(const Error& reason);
  void wake();
  void point(std::string_view name) const;

  FileSystem& files_;
  const Clock& clock_;
  const std::string directory_;
  const WriterLimits limits_;
  const AtPoint at_point_;
  PartitionReader& reader_;

  OpenSegment last_;  // the writer thread's
  std::uint32_t seed_ = 0;

  mutable std::mutex mutex_;  // guards the next six
  std::condition_variable changed_;
  std::deque<Pending> queue_;
  std::size_t urgent_ = 0;  // of the queue: appends that somebody waits for
  std::uint64_t queued_bytes_ = 0;
  bool closing_ = false;
  std::optional<Error> stopped_;

  std::mutex listener_mutex_;  // held while the listener runs
  std::function<void()> listener_;

  std::thread thread_;  // the last member: it uses the others
};

}  // namespace dealwright::embedded_log
