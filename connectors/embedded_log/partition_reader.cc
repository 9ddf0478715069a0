#include "connectors/embedded_log/partition_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "connectors/embedded_log/frame_walk.h"
#include "engine/base/assert.h"

namespace dealwright::embedded_log {
namespace {

constexpr std::size_t kBatchBytesMax = std::size_t{16} << 20;
constexpr std::size_t kChunkBytesMin = std::size_t{16} << 10;
constexpr std::size_t kChunkBytesMax = std::size_t{1} << 20;

}  // namespace

// The records of one read, copied together so that a batch holds no bytes of the other topic.
class PartitionReader::Gather {
 public:
  Gather(Topic topic, Position from, std::size_t bytes_max)
      : topic_{topic},
        next_{from},
        bytes_max_{std::clamp<std::size_t>(bytes_max, 1, kBatchBytesMax)} {}

  Topic topic() const { return topic_; }
  Position next() const { return next_; }
  bool empty() const { return records_.empty(); }
  std::size_t chunk_bytes() const {
    return std::clamp(bytes_max_ + bytes_max_ / 4, kChunkBytesMin, kChunkBytesMax);
  }
  bool wants(const Frame& frame) const {
    return frame.kind == kind_of(topic_) && frame.position >= next_;
  }
  // At most `bytes` more can come: memory for them is taken at once.
  void expect(std::uint64_t bytes) {
    if (records_.empty()) buffer_.reserve(std::min<std::uint64_t>(bytes, bytes_max_));
  }
  bool has_room(const Frame& frame) const {
    return records_.empty() || buffer_.size() + frame.length <= bytes_max_;
  }
  void add(const Frame& frame) {
    buffer_.append(frame.payload);
    records_.push_back(LogRecord{frame.position, {}});
    sizes_.push_back(frame.length);
    next_ = frame.position + 1;
  }
  // True once reading on costs more than it brings.
  bool enough(std::uint64_t looked_at) const {
    return !records_.empty() && looked_at > 4 * std::max(bytes_max_, kChunkBytesMax);
  }
  LogBatch finish() && {
    auto buffer = std::make_shared<const std::string>(std::move(buffer_));
    std::string_view rest{*buffer};
    for (std::size_t i = 0; i < records_.size(); ++i) {
      records_[i].bytes = rest.substr(0, sizes_[i]);
      rest.remove_prefix(sizes_[i]);
    }
    return LogBatch{std::move(buffer), std::move(records_), next_};
  }

 private:
  Topic topic_;
  Position next_;
  std::size_t bytes_max_;
  std::string buffer_;
  std::vector<LogRecord> records_;
  std::vector<std::uint32_t> sizes_;
};

PartitionReader::PartitionReader(FileSystem& files, std::string directory, Chain chain,
                                 const Place& end, std::vector<Place> index_of_last,
                                 const ReaderLimits& limits)
    : files_{files},
      directory_{std::move(directory)},
      limits_{limits},
      damage_{std::move(chain.damage)},
      end_{end},
      tail_{limits.tail_cache_bytes} {
  segments_ = std::move(chain.segments);
  if (segments_.empty()) return;
  segments_.back().bytes = end.offset;
  add_marks(hot_[segments_.back().header.first_sequence], index_of_last);
}

Error PartitionReader::before_begin(Topic topic, Position from) const {
  const auto& first = segments_.front().header;
  return Error{
      Code::kNotFound,
      fmt::format("{}: {} before {} were let go; {} is not kept any more", directory_,
                  topic_name(topic), first.first_positions[static_cast<std::size_t>(topic)], from)};
}

Result<Position> PartitionReader::begin(Topic topic) const {
  const std::lock_guard lock{mutex_};
  if (segments_.empty()) return to_error(*damage_);
  return segments_.front().header.first_positions[static_cast<std::size_t>(topic)];
}

Result<Position> PartitionReader::end(Topic topic) const {
  const std::lock_guard lock{mutex_};
  if (segments_.empty()) return to_error(*damage_);
  return end_.positions[static_cast<std::size_t>(topic)];
}

Result<LogBatch> PartitionReader::read(Topic topic, Position from, std::size_t bytes_max) {
  DW_TRY(auto spot, seek(topic, from));
  Gather gather{topic, from, bytes_max};
  while (spot) {
    const auto walked = walk(*spot, gather);
    if (!walked && gather.empty()) return walked.error();
    if (!walked || spot->place.offset < spot->stop) break;
    DW_TRY(spot, following(*spot, topic));
  }
  if (gather.empty() && damage_) return to_error(*damage_);
  return std::move(gather).finish();
}

// Reads frames into `gather` until it is full or the segment ends; leaves `spot` at the next frame.
Result<void> PartitionReader::walk(Spot& spot, Gather& gather) {
  FrameWalk frames{source_of(spot, gather.chunk_bytes()), spot.place, spot.seed, spot.stop};
  gather.expect(spot.stop - spot.place.offset);
  std::vector<Place> marks;
  const auto start = spot.place.offset;
  auto last_mark = spot.last_mark;
  auto step = FrameWalk::Step::kFrame;
  for (;;) {
    spot.place = frames.place();
    if (spot.place.offset >= last_mark + kMarkBytes) {
      marks.push_back(spot.place);
      last_mark = spot.place.offset;
    }
    if (gather.enough(spot.place.offset - start)) break;
    step = frames.next();
    if (step != FrameWalk::Step::kFrame) break;
    if (!gather.wants(frames.frame())) continue;
    if (frames.frame().position != gather.next()) {
      return to_error(
          Damage{spot.path, spot.place.offset,
                 fmt::format("{} {} to {} are missing before it", topic_name(gather.topic()),
                             gather.next(), frames.frame().position - 1)});
    }
    if (!gather.has_room(frames.frame())) break;
    gather.add(frames.frame());
  }
  remember(spot, gather.topic(), gather.next(), marks);
  if (step == FrameWalk::Step::kFrame) return ok();
  if (step == FrameWalk::Step::kFailed) return frames.error();
  if (step == FrameWalk::Step::kBad) {
    return to_error(Damage{spot.path, spot.place.offset, frames.reason()});
  }
  const bool whole = spot.next_sequence ? spot.place.sequence == *spot.next_sequence
                                        : spot.place.offset >= spot.stop;
  if (!whole) {
    return to_error(Damage{spot.path, spot.place.offset,
                           "frames are missing: the segment ends before it should"});
  }
  spot.stop = spot.place.offset;
  return ok();
}

Source PartitionReader::source_of(const Spot& spot, std::size_t chunk_bytes) {
  auto from_file = file_source(*spot.file, chunk_bytes);
  return [this, segment = spot.segment, file = spot.file, from_file = std::move(from_file),
          piece = TailCache::Bytes{}](std::uint64_t offset,
                                      std::size_t least) mutable -> Result<std::string_view> {
    TailCache::Hit hit;
    {
      const std::lock_guard lock{mutex_};
      hit = tail_.find(segment, offset);
    }
    if (!hit.bytes || hit.bytes->size() - hit.skip < least) return from_file(offset, least);
    piece = std::move(hit.bytes);
    return std::string_view{*piece}.substr(hit.skip);
  };
}

// The last segment that starts at or before `position`.
std::size_t PartitionReader::segment_of(Topic topic, Position position) const {
  const auto behind =
      std::partition_point(segments_.begin(), segments_.end(), [&](const SegmentFile& segment) {
        return segment.header.first_positions[static_cast<std::size_t>(topic)] <= position;
      });
  return static_cast<std::size_t>(behind - segments_.begin()) - 1;
}

Place PartitionReader::nearest_place(std::size_t i, Topic topic, Position from) const {
  const auto& segment = segments_[i];
  for (const auto& cursor : cursors_) {
    if (cursor.segment == segment.header.first_sequence && cursor.topic == topic &&
        cursor.next == from) {
      return cursor.place;
    }
  }
  const auto hot = hot_.find(segment.header.first_sequence);
  if (hot == hot_.end()) return segment.first;
  const auto& marks = hot->second.marks;
  const auto behind = std::partition_point(marks.begin(), marks.end(), [&](const Place& mark) {
    return mark.positions[static_cast<std::size_t>(topic)] <= from;
  });
  return behind == marks.begin() ? segment.first : *(behind - 1);
}

// REQUIRES: mutex_ held
Result<PartitionReader::Spot> PartitionReader::spot_at(std::size_t i, const Place& place) {
  const auto& segment = segments_[i];
  const auto& header = segment.header;
  const auto id = header.first_sequence;
  auto& hot = hot_[id];
  hot.used = ++uses_;
  if (!hot.file) {
    DW_TRY(std::shared_ptr<const File> file, files_.open(segment.path, FileSystem::Mode::kRead));
    hot.file = std::move(file);
    ++open_files_;
  }
  Spot spot{id,       segment.path,
            hot.file, frame_seed(header.log_id, header.partition),
            place,    0,
            {},       hot.marks.empty() ? 0 : hot.marks.back().offset};
  if (i + 1 < segments_.size()) {
    DW_TRY(spot.stop, hot.file->size());
    spot.next_sequence = segments_[i + 1].header.first_sequence;
  } else {
    spot.stop = end_.offset;
  }
  cool_down();
  return spot;
}

Result<std::optional<PartitionReader::Spot>> PartitionReader::seek(Topic topic, Position from) {
  const std::lock_guard lock{mutex_};
  const auto t = static_cast<std::size_t>(topic);
  if (segments_.empty()) return to_error(*damage_);
  if (from < segments_.front().header.first_positions[t]) return before_begin(topic, from);
  if (from >= end_.positions[t]) return std::optional<Spot>{};
  const auto i = segment_of(topic, from);
  DW_TRY(auto spot, spot_at(i, nearest_place(i, topic, from)));
  return std::optional<Spot>{std::move(spot)};
}

// Where to read on behind `before`: what came to its segment since, else the start of the next
// segment that holds records of `topic`; none at the end.
Result<std::optional<PartitionReader::Spot>> PartitionReader::following(const Spot& before,
                                                                        Topic topic) {
  const std::lock_guard lock{mutex_};
  const auto t = static_cast<std::size_t>(topic);
  auto next = std::partition_point(
      segments_.begin(), segments_.end(),
      [&](const SegmentFile& segment) { return segment.header.first_sequence <= before.segment; });
  if (next != segments_.end() && next->header.first_sequence != before.place.sequence) {
    // Frames came, and then a new segment, since `before` looked where the log ends: what is left
    // of its own segment comes first. (Gone by retention meanwhile: the next read says so.)
    const bool kept =
        next != segments_.begin() && (next - 1)->header.first_sequence == before.segment;
    if (!kept) return std::optional<Spot>{};
    DW_TRY(auto rest,
           spot_at(static_cast<std::size_t>(next - segments_.begin()) - 1, before.place));
    return std::optional<Spot>{std::move(rest)};
  }
  for (; next != segments_.end(); ++next) {
    const bool last = next + 1 == segments_.end();
    const auto& first = next->header.first_positions;
    const auto end = last ? end_.positions[t] : (next + 1)->header.first_positions[t];
    if (end == first[t]) continue;
    DW_TRY(auto spot, spot_at(static_cast<std::size_t>(next - segments_.begin()), next->first));
    return std::optional<Spot>{std::move(spot)};
  }
  return std::optional<Spot>{};
}

void PartitionReader::remember(const Spot& spot, Topic topic, Position next,
                               const std::vector<Place>& marks) {
  const std::lock_guard lock{mutex_};
  auto* oldest = &cursors_[0];
  for (auto& cursor : cursors_) {
    if (cursor.used < oldest->used) oldest = &cursor;
  }
  *oldest = Cursor{topic, next, spot.segment, spot.place, ++uses_};
  const auto hot = hot_.find(spot.segment);
  if (hot != hot_.end()) add_marks(hot->second, marks);
}

// REQUIRES: mutex_ held
void PartitionReader::add_marks(Hot& hot, const std::vector<Place>& marks) {
  for (const auto& mark : marks) {
    if (!hot.marks.empty() && mark.offset < hot.marks.back().offset + kMarkBytes) continue;
    hot.marks.push_back(mark);
    index_bytes_ += sizeof mark;
  }
}

// Keeps open files and marks within their limits: what was used longest ago goes. The last segment
// stays. REQUIRES: mutex_ held
void PartitionReader::cool_down() {
  while (open_files_ > limits_.open_files_max || index_bytes_ > limits_.index_bytes_max) {
    const bool files = open_files_ > limits_.open_files_max;
    auto oldest = hot_.end();
    for (auto it = hot_.begin(); it != hot_.end(); ++it) {
      if (it->first == segments_.back().header.first_sequence) continue;
      if (files ? it->second.file == nullptr : it->second.marks.empty()) continue;
      if (oldest == hot_.end() || it->second.used < oldest->second.used) oldest = it;
    }
    if (oldest == hot_.end()) return;
    if (oldest->second.file) --open_files_;
    oldest->second.file.reset();
    if (!files) {
      index_bytes_ -= oldest->second.marks.size() * sizeof(Place);
      hot_.erase(oldest);
    }
  }
}

void PartitionReader::publish(const Place& end, TailCache::Bytes bytes,
                              const std::vector<Place>& marks) {
  const std::lock_guard lock{mutex_};
  const auto segment = segments_.back().header.first_sequence;
  tail_.put(segment, end_.offset, std::move(bytes));
  end_ = end;
  segments_.back().bytes = end.offset;
  add_marks(hot_[segment], marks);
}

void PartitionReader::add_segment(SegmentFile segment, std::shared_ptr<const File> file) {
  const std::lock_guard lock{mutex_};
  DW_ASSERT(segment.header.first_sequence == end_.sequence);
  end_ = segment.first;
  hot_[segment.header.first_sequence] = Hot{std::move(file), {}, ++uses_};
  ++open_files_;
  segments_.push_back(std::move(segment));
  cool_down();
}

std::vector<SegmentInfo> PartitionReader::segments() const {
  const std::lock_guard lock{mutex_};
  std::vector<SegmentInfo> out;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const bool last = i + 1 == segments_.size();
    const auto* next = last ? nullptr : &segments_[i + 1].header;
    out.push_back(SegmentInfo{segments_[i].header.first_sequence, segments_[i].bytes,
                              last ? kAfterAll : next->created,
                              last ? end_.positions : next->first_positions, last});
  }
  return out;
}

PartitionCut PartitionReader::pin() {
  ++pins_;
  return PartitionCut{segments_, end_};
}

void PartitionReader::unpin() {
  const std::lock_guard lock{mutex_};
  --pins_;
}

Result<void> PartitionReader::release_before(const std::array<Position, kTopics>& released,
                                             const std::function<void()>& removed) {
  const std::lock_guard release{release_mutex_};
  {
    const std::lock_guard lock{mutex_};
    while (pins_ == 0 && segments_.size() > 1) {
      const auto& next = segments_[1].header.first_positions;
      bool covered = true;
      for (std::size_t t = 0; t < kTopics; ++t) covered = covered && next[t] <= released[t];
      if (!covered) break;
      const auto hot = hot_.find(segments_.front().header.first_sequence);
      if (hot != hot_.end()) {
        if (hot->second.file) --open_files_;
        index_bytes_ -= hot->second.marks.size() * sizeof(Place);
        hot_.erase(hot);
      }
      doomed_.push_back(segments_.front().path);
      segments_.erase(segments_.begin());
    }
  }
  // Oldest first and each durably gone before the next, so that a crash leaves no hole in the
  // chain.
  while (!doomed_.empty()) {
    const auto gone = files_.remove(doomed_.front());
    if (!gone && gone.error().code != Code::kNotFound) return gone.error();
    DW_TRY(files_.sync_directory(directory_));
    doomed_.pop_front();
    removed();
  }
  return ok();
}

}  // namespace dealwright::embedded_log
