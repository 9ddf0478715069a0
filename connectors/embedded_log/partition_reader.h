// What one partition has durably, and reading it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "connectors/embedded_log/cut.h"
#include "connectors/embedded_log/frame_walk.h"
#include "connectors/embedded_log/retention.h"
#include "connectors/embedded_log/segment_chain.h"
#include "connectors/embedded_log/tail_cache.h"
#include "engine/ports/file_system.h"
#include "engine/ports/log.h"

namespace dealwright::embedded_log {

struct ReaderLimits {
  std::uint64_t tail_cache_bytes = 0;
  std::uint64_t index_bytes_max = 0;
  std::size_t open_files_max = 0;
};

// Thread-safe. publish and add_segment are the writer's.
class PartitionReader {
 public:
  // `end` is where the last segment of `chain` ends; its damage lies there.
  PartitionReader(FileSystem& files, std::string directory, Chain chain, const Place& end,
                  std::vector<Place> index_of_last, const ReaderLimits& limits);

  // As Log::read, begin and end.
  Result<LogBatch> read(Topic topic, Position from, std::size_t bytes_max);
  Result<Position> begin(Topic topic) const;
  Result<Position> end(Topic topic) const;
  // As Log::release_before; nothing while it is pinned: the next call makes up for it. `removed`
  // runs behind each file that is durably gone.
  Result<void> release_before(const std::array<Position, kTopics>& released,
                              const std::function<void()>& removed);

  // `bytes` were made durable at the end of the last segment, which now ends at `end`; `marks` are
  // places among them for the index.
  void publish(const Place& end, TailCache::Bytes bytes, const std::vector<Place>& marks);
  void add_segment(SegmentFile segment, std::shared_ptr<const File> file);

  std::vector<SegmentInfo> segments() const;
  std::optional<Damage> damage() const { return damage_; }

  // While the lock is held, nothing more becomes visible.
  std::unique_lock<std::mutex> still() const { return std::unique_lock{mutex_}; }
  // What there is; no file of it goes before as many calls of unpin(). REQUIRES: still() is held,
  // no damage
  PartitionCut pin();
  void unpin();

  // How far apart marks of the index are.
  static constexpr std::uint64_t kMarkBytes = 64 << 10;

 private:
  // What is kept in memory of a segment that was used lately.
  struct Hot {
    std::shared_ptr<const File> file;
    std::vector<Place> marks;  // rising
    std::uint64_t used = 0;
  };
  // A place in a segment, and what it takes to read on from there.
  struct Spot {
    std::uint64_t segment = 0;  // its first sequence
    std::string path;
    std::shared_ptr<const File> file;
    std::uint32_t seed = 0;
    Place place;
    std::uint64_t stop = 0;                      // no frame is read from here on
    std::optional<std::uint64_t> next_sequence;  // of the segment behind; none: the last one
    std::uint64_t last_mark = 0;                 // offset of the last mark of its index
  };
  // Where a read stopped: the next one of that topic goes on there.
  struct Cursor {
    Topic topic = Topic::kEvents;
    Position next = 0;
    std::uint64_t segment = kNoSegment;
    Place place;
    std::uint64_t used = 0;
  };
  class Gather;

  Result<std::optional<Spot>> seek(Topic topic, Position from);
  Result<std::optional<Spot>> following(const Spot& before, Topic topic);
  Result<Spot> spot_at(std::size_t i, const Place& place);
  std::size_t segment_of(Topic topic, Position position) const;
  Place nearest_place(std::size_t i, Topic topic, Position from) const;
  Result<void> walk(Spot& spot, Gather& gather);
  Source source_of(const Spot& spot, std::size_t chunk_bytes);
  void remember(const Spot& spot, Topic topic, Position next, const std::vector<Place>& marks);
  Error before_begin(Topic topic, Position from) const;
  void add_marks(Hot& hot, const std::vector<Place>& marks);
  void cool_down();

  FileSystem& files_;
  const std::string directory_;
  const ReaderLimits limits_;
  const std::optional<Damage> damage_;

  mutable std::mutex mutex_;  // guards all below
  std::vector<SegmentFile> segments_;
  Place end_;
  TailCache tail_;
  std::map<std::uint64_t, Hot> hot_;  // by first sequence
  std::size_t open_files_ = 0;
  std::uint64_t index_bytes_ = 0;
  std::array<Cursor, 16> cursors_;
  std::uint64_t uses_ = 0;
  int pins_ = 0;

  std::mutex release_mutex_;        // one release at a time; taken before mutex_
  std::deque<std::string> doomed_;  // no longer read, oldest first, not yet removed
};

}  // namespace dealwright::embedded_log
