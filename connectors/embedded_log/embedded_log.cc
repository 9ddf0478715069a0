#include "connectors/embedded_log/embedded_log.h"

#include <fmt/format.h>

#include <mutex>
#include <random>
#include <utility>

#include "connectors/embedded_log/meta.h"
#include "connectors/embedded_log/partition_reader.h"
#include "connectors/embedded_log/partition_writer.h"
#include "connectors/embedded_log/segment_chain.h"
#include "engine/base/assert.h"

namespace dealwright::embedded_log {
namespace {

constexpr std::uint64_t kSegmentBytesMin = 512;
constexpr std::uint64_t kQueueBytesMax = std::uint64_t{512} << 20;

// One partition: its reader, its writer and what was found when it was opened.
struct Partition {
  std::unique_ptr<PartitionReader> reader;
  std::unique_ptr<PartitionWriter> writer;  // behind the reader: it goes first
  std::uint64_t torn_bytes = 0;
};

class PinnedCut final : public Cut {
 public:
  // Nothing becomes visible in any partition while their ends are read.
  explicit PinnedCut(std::vector<PartitionReader*> readers) : readers_{std::move(readers)} {
    std::vector<std::unique_lock<std::mutex>> still;
    for (const auto* reader : readers_) still.push_back(reader->still());
    for (auto* reader : readers_) partitions_.push_back(reader->pin());
  }
  ~PinnedCut() override {
    for (auto* reader : readers_) reader->unpin();
  }
  PinnedCut(const PinnedCut&) = delete;
  PinnedCut& operator=(const PinnedCut&) = delete;
  const std::vector<PartitionCut>& partitions() const override { return partitions_; }

 private:
  const std::vector<PartitionReader*> readers_;
  std::vector<PartitionCut> partitions_;
};

class SegmentedLog final : public EmbeddedLog {
 public:
  SegmentedLog(std::unique_ptr<FileSystem::Lock> lock, std::vector<Partition> partitions,
               AtPoint at_point)
      : lock_{std::move(lock)},
        partitions_{std::move(partitions)},
        at_point_{std::move(at_point)} {}

  std::uint32_t partitions() const override {
    return static_cast<std::uint32_t>(partitions_.size());
  }
  void append(Topic topic, PartitionId partition, std::vector<std::string> records,
              Done done) override {
    at(partition).writer->append(topic, std::move(records), std::move(done), false);
  }
  void append_soon(Topic topic, PartitionId partition, std::vector<std::string> records,
                   Done done) override {
    at(partition).writer->append(topic, std::move(records), std::move(done), true);
  }
  Result<LogBatch> read(Topic topic, PartitionId partition, Position from,
                        std::size_t bytes_max) override {
    return at(partition).reader->read(topic, from, bytes_max);
  }
  Result<Position> end(Topic topic, PartitionId partition) override {
    return at(partition).reader->end(topic);
  }
  Result<Position> begin(Topic topic, PartitionId partition) override {
    return at(partition).reader->begin(topic);
  }
  void listen(PartitionId partition, std::function<void()> wake) override {
    at(partition).writer->listen(std::move(wake));
  }
  Result<void> release_before(PartitionId partition, Position events, Position decisions) override {
    return at(partition).reader->release_before({events, decisions}, [this] {
      if (at_point_) at_point_("release.removed");
    });
  }
  LogStatus status(PartitionId partition) const override {
    const auto& one = at(partition);
    return {one.torn_bytes, one.writer->stopped(), one.writer->queued_bytes(),
            one.writer->queue_bytes_max()};
  }
  std::vector<SegmentInfo> segments(PartitionId partition) const override {
    return at(partition).reader->segments();
  }
  Result<std::unique_ptr<Cut>> cut() override {
    std::vector<PartitionReader*> readers;
    for (const auto& partition : partitions_) {
      if (const auto damage = partition.reader->damage()) return to_error(*damage);
      readers.push_back(partition.reader.get());
    }
    return std::unique_ptr<Cut>{std::make_unique<PinnedCut>(std::move(readers))};
  }

 private:
  const Partition& at(PartitionId partition) const {
    DW_ASSERT(partition < partitions_.size());
    return partitions_[partition];
  }

  std::unique_ptr<FileSystem::Lock> lock_;  // the last to go
  std::vector<Partition> partitions_;
  AtPoint at_point_;
};

Hash128 random_log_id() {
  std::random_device device;
  const auto word = [&] { return (std::uint64_t{device()} << 32) | device(); };
  return Hash128{word(), word()};
}

Result<void> check(const Options& options) {
  if (options.partitions == 0 || options.partitions > 4096) {
    return Error{Code::kInvalid, "a log has 1 to 4096 partitions"};
  }
  if (options.segment_bytes < kSegmentBytesMin) {
    return Error{Code::kInvalid, fmt::format("a segment has at least {} bytes", kSegmentBytesMin)};
  }
  if (options.queue_bytes_max > kQueueBytesMax || options.group_bytes_max > kQueueBytesMax) {
    return Error{Code::kInvalid,
                 fmt::format("a queue and a group have at most {} bytes", kQueueBytesMax)};
  }
  return ok();
}

// Removes what a creation left that did not come to its end. A log is created once its meta file is
// there, so without it nobody has written a frame; a segment with frames means that it was lost.
Result<void> clear_unfinished(FileSystem& files, const std::string& data, PartitionId partition) {
  const auto directory = partition_directory(data, partition);
  DW_TRY(const auto names, files.list(directory));
  for (const auto& name : names) {
    const auto path = directory + "/" + name;
    if (std::uint64_t first = 0; parse_segment_name(name, first)) {
      DW_TRY(const auto file, files.open(path, FileSystem::Mode::kRead));
      std::string frame(kFrameBytes, '\0');
      DW_TRY(const auto count, file->read_at(kHeaderBytes, frame.size(), frame.data()));
      if (first != 0 || !all_zero(std::string_view{frame}.substr(0, count))) {
        return Error{Code::kDamaged,
                     fmt::format("{} is missing but {} has records; restore it from a backup of "
                                 "this log",
                                 meta_path(data), path)};
      }
    }
    DW_TRY(files.remove(path));
  }
  return ok();
}

Result<Meta> create(FileSystem& files, const Clock& clock, const std::string& data,
                    const Options& options) {
  Meta meta;
  meta.log_id = options.log_id ? *options.log_id : random_log_id();
  meta.partitions = options.partitions;
  DW_TRY(create_durable(files, log_directory(data)));
  for (PartitionId p = 0; p < meta.partitions; ++p) {
    const auto directory = partition_directory(data, p);
    DW_TRY(create_durable(files, directory));
    DW_TRY(clear_unfinished(files, data, p));
    const SegmentHeader header{p, meta.log_id, 0, {}, kNoSegment, clock.wall(), 0};
    DW_TRY(create_segment(files, directory, header, nullptr));
  }
  DW_TRY(write_meta(files, data, meta));
  return meta;
}

// The last segment, ready to be written on. An unfinished write is cut off its tail.
Result<OpenSegment> open_last(FileSystem& files, const SegmentFile& segment, const Tail& tail) {
  DW_TRY(auto file, files.open(segment.path, FileSystem::Mode::kReadWrite));
  if (tail.torn_bytes > 0) {
    DW_TRY(file->truncate(tail.end.offset));
  }
  DW_TRY(const auto size, file->size());
  // A crash may have left a frame that was read here but never synced; from here on it counts.
  DW_TRY(file->sync());
  return OpenSegment{segment, std::move(file), tail.end, size, tail.sealed};
}

struct Context {
  FileSystem& files;
  const Clock& clock;
  const std::string& data;
  const Meta& meta;
  const Options& options;
};

// Reads the last segment of `chain`; where it ends or is damaged, and marks for the index.
Result<Tail> read_last(FileSystem& files, Chain& chain, std::vector<Place>& marks) {
  const auto& segment = chain.segments.back();
  DW_TRY(const auto file, files.open(segment.path, FileSystem::Mode::kRead));
  DW_TRY(auto tail, read_tail(*file, segment, [&](const Place& place, const Frame&) {
           const auto last = marks.empty() ? 0 : marks.back().offset;
           if (place.offset >= last + PartitionReader::kMarkBytes) marks.push_back(place);
         }));
  if (!chain.damage) chain.damage = tail.damage;
  return tail;
}

Result<Partition> open_partition(const Context& in, PartitionId id) {
  const auto directory = partition_directory(in.data, id);
  DW_TRY(auto chain, load_chain(in.files, in.data, in.meta, id));
  Tail tail;
  std::vector<Place> marks;
  if (!chain.segments.empty()) {
    DW_TRY(tail, read_last(in.files, chain, marks));
  }
  Partition partition;
  std::optional<OpenSegment> last;
  const auto damage = chain.damage;
  if (!damage) {
    // Whoever made the last segment may have stopped before its name was durable.
    DW_TRY(in.files.sync_directory(directory));
    DW_TRY(last, open_last(in.files, chain.segments.back(), tail));
    partition.torn_bytes = tail.torn_bytes;
  }
  const ReaderLimits reader_limits{in.options.tail_cache_bytes, in.options.index_bytes_max,
                                   in.options.open_files_max};
  partition.reader = std::make_unique<PartitionReader>(in.files, directory, std::move(chain),
                                                       tail.end, std::move(marks), reader_limits);
  if (damage) {
    partition.writer =
        std::make_unique<PartitionWriter>(in.files, in.clock, *partition.reader, to_error(*damage));
    return partition;
  }
  const WriterLimits limits{in.options.segment_bytes,
                            in.options.queue_bytes_max,
                            in.options.group_bytes_max,
                            in.options.ahead_bytes,
                            in.options.soon,
                            in.options.meter};
  partition.writer =
      std::make_unique<PartitionWriter>(in.files, in.clock, directory, limits, in.options.at_point,
                                        *partition.reader, std::move(*last));
  return partition;
}

}  // namespace

Result<std::unique_ptr<EmbeddedLog>> open(FileSystem& files, const Clock& clock,
                                          const std::string& data, Options options) {
  DW_TRY(check(options));
  DW_TRY(create_durable(files, data));
  DW_TRY(auto lock, files.lock(data + "/LOCK"));
  DW_TRY(auto meta, read_meta(files, data));
  if (!meta) {
    DW_TRY(meta, create(files, clock, data, options));
  }
  if (meta->partitions != options.partitions) {
    return Error{
        Code::kInvalid,
        fmt::format("the log in {} was created with {} partitions, not {}; their number is "
                    "fixed for its life",
                    data, meta->partitions, options.partitions)};
  }
  const Context context{files, clock, data, *meta, options};
  std::vector<Partition> partitions;
  for (PartitionId p = 0; p < meta->partitions; ++p) {
    DW_TRY(auto partition, open_partition(context, p));
    partitions.push_back(std::move(partition));
  }
  return std::unique_ptr<EmbeddedLog>{std::make_unique<SegmentedLog>(
      std::move(lock), std::move(partitions), std::move(options.at_point))};
}

}  // namespace dealwright::embedded_log
