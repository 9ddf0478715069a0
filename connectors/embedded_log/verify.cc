#include "connectors/embedded_log/verify.h"

#include <fmt/format.h>

#include "connectors/embedded_log/frame_walk.h"

namespace dealwright::embedded_log {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

using VisitFrame = std::function<void(const SegmentFile&, const Place&, const Frame&)>;

Result<Meta> meta_of(FileSystem& files, const std::string& data, PartitionId partition) {
  DW_TRY(auto meta, read_meta(files, data));
  if (!meta) return Error{Code::kNotFound, fmt::format("there is no log in {}", data)};
  if (partition >= meta->partitions) {
    return Error{Code::kNotFound,
                 fmt::format("{} has the partitions 0 to {}", data, meta->partitions - 1)};
  }
  return *meta;
}

// What a segment that is not the last must say at its end, given the one behind it.
std::optional<Damage> break_at_end(const SegmentFile& segment, const Tail& tail,
                                   const SegmentFile& next) {
  const Damage missing{segment.path, tail.end.offset,
                       fmt::format("frames up to {} are missing", next.header.first_sequence)};
  if (tail.torn_bytes > 0) {
    return Damage{segment.path, tail.end.offset, "no frame, in a segment that was completed"};
  }
  if (tail.end.sequence != next.header.first_sequence) return missing;
  if (tail.end.positions != next.header.first_positions) {
    return Damage{next.path, 0, "its positions do not follow the segment before"};
  }
  if (tail.end.link != next.header.link) {
    return Damage{next.path, 0, "broken link to the segment before"};
  }
  return {};
}

Result<VerifyReport> examine(FileSystem& files, const std::string& data, PartitionId partition,
                             const VisitFrame& visit) {
  DW_TRY(const auto meta, meta_of(files, data, partition));
  DW_TRY(auto chain, load_chain(files, data, meta, partition));
  VerifyReport report;
  if (!chain.segments.empty()) {
    report.begins = report.ends = chain.segments.front().header.first_positions;
  }
  for (std::size_t i = 0; i < chain.segments.size(); ++i) {
    const auto& segment = chain.segments[i];
    DW_TRY(const auto file, files.open(segment.path, FileSystem::Mode::kRead));
    DW_TRY(auto tail, read_tail(*file, segment, [&](const Place& place, const Frame& frame) {
             if (visit) visit(segment, place, frame);
           }));
    ++report.segments;
    report.frames += tail.frames;
    report.bytes += tail.end.offset - kHeaderBytes;
    report.ends = tail.end.positions;
    const bool last = i + 1 == chain.segments.size();
    if (!last && !tail.damage) {
      tail.damage = break_at_end(segment, tail, chain.segments[i + 1]);
    }
    if (tail.damage) {
      report.damage = std::move(tail.damage);
      return report;
    }
    if (last) report.torn_bytes = tail.torn_bytes;
  }
  report.damage = std::move(chain.damage);
  return report;
}

}  // namespace

Result<VerifyReport> verify(FileSystem& files, const std::string& data, PartitionId partition) {
  return examine(files, data, partition, nullptr);
}

struct RecordCursor::State {
  FileSystem& files;
  Chain chain;
  std::uint32_t seed;
  Kind kind;
  std::size_t next_segment = 0;
  std::unique_ptr<File> file = nullptr;
  std::optional<FrameWalk> walk = std::nullopt;
};

RecordCursor::RecordCursor(std::unique_ptr<State> state) : state_{std::move(state)} {}
RecordCursor::RecordCursor(RecordCursor&&) noexcept = default;
RecordCursor::~RecordCursor() = default;

Result<RecordCursor> RecordCursor::open(FileSystem& files, const std::string& data,
                                        PartitionId partition, Topic topic) {
  DW_TRY(const auto meta, meta_of(files, data, partition));
  DW_TRY(auto chain, load_chain(files, data, meta, partition));
  if (chain.damage) return to_error(*chain.damage);
  return RecordCursor{std::unique_ptr<State>{
      new State{files, std::move(chain), frame_seed(meta.log_id, partition), kind_of(topic)}}};
}

Result<std::optional<LogRecord>> RecordCursor::next() {
  auto& s = *state_;
  for (;;) {
    if (!s.walk) {
      if (s.next_segment == s.chain.segments.size()) return std::optional<LogRecord>{};
      const auto& segment = s.chain.segments[s.next_segment++];
      DW_TRY(s.file, s.files.open(segment.path, FileSystem::Mode::kRead));
      s.walk.emplace(file_source(*s.file, kChunkBytes), segment.first, s.seed);
    }
    const auto& segment = s.chain.segments[s.next_segment - 1];
    switch (s.walk->next()) {
      case FrameWalk::Step::kFrame: {
        const auto& frame = s.walk->frame();
        if (frame.kind != s.kind) break;
        return std::optional{LogRecord{frame.position, frame.payload}};
      }
      case FrameWalk::Step::kFailed:
        return s.walk->error();
      case FrameWalk::Step::kBad:
        if (s.next_segment < s.chain.segments.size()) {
          return to_error({segment.path, s.walk->place().offset, s.walk->reason()});
        }
        s.walk.reset();
        break;
      case FrameWalk::Step::kEnd:
        s.walk.reset();
    }
  }
}

Result<void> dump(FileSystem& files, const std::string& data, PartitionId partition,
                  const std::function<void(const DumpedFrame&)>& visit) {
  DW_TRY(const auto report,
         examine(files, data, partition,
                 [&](const SegmentFile& segment, const Place& place, const Frame& frame) {
                   visit(DumpedFrame{frame.kind, frame.position, frame.sequence, segment.path,
                                     place.offset, frame.payload});
                 }));
  if (report.damage) return to_error(*report.damage);
  return ok();
}

}  // namespace dealwright::embedded_log
