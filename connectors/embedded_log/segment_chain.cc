#include "connectors/embedded_log/segment_chain.h"

#include <fmt/format.h>

#include <algorithm>

#include "connectors/embedded_log/frame_walk.h"
#include "engine/base/planted.h"

namespace dealwright::embedded_log {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

// Why `segment` does not follow `before`; empty if it does.
std::string break_between(const SegmentFile* before, const SegmentFile& segment,
                          std::uint64_t named, const Meta& meta, PartitionId partition) {
  const auto& header = segment.header;
  if (header.log_id != meta.log_id) return "belongs to another log";
  if (header.partition != partition) {
    return fmt::format("belongs to partition {}", header.partition);
  }
  if (header.first_sequence != named) {
    return fmt::format("its name is not its first frame, {}", header.first_sequence);
  }
  if (before == nullptr) return {};
  if (header.previous_segment != before->header.first_sequence) {
    return header.previous_segment == kNoSegment
               ? std::string{"says it is the first, but there is one before it"}
               : fmt::format("the segment before it, {}, is missing",
                             segment_name(header.previous_segment));
  }
  for (std::size_t topic = 0; topic < kTopics; ++topic) {
    if (header.first_positions[topic] < before->header.first_positions[topic]) {
      return "its positions go back";
    }
  }
  return {};
}

Result<SegmentFile> read_header(FileSystem& files, const std::string& path) {
  DW_TRY(const auto file, files.open(path, FileSystem::Mode::kRead));
  std::string bytes(kHeaderBytes, '\0');
  DW_TRY(const auto count, file->read_at(0, bytes.size(), bytes.data()));
  bytes.resize(count);
  DW_TRY(const auto header, decode_header(bytes));
  DW_TRY(const auto size, file->size());
  return SegmentFile{path, header, first_place(header, bytes), size};
}

// Looks behind a bad frame at `bad` for frames that were written later. A frame of the group that
// the bad one belonged to is no news: a crash may leave any part of an unfinished write. A frame of
// a later group says that the bad one was durable once.
class Aftermath {
 public:
  Aftermath(std::uint64_t sequence, std::uint32_t seed) : sequence_{sequence}, seed_{seed} {}

  // Offset of a frame in `bytes` that proves damage, or npos.
  std::size_t find_proof(std::string_view bytes) const {
    for (std::size_t i = 0; i + kFrameBytes <= bytes.size(); ++i) {
      if (bytes[i] == 0 && all_zero(bytes.substr(i, kFrameBytes))) {
        i = skip_zeros(bytes, i) - 1;
        continue;
      }
      const auto rest = bytes.substr(i);
      const auto frame = decode_frame(rest.data());
      if (!plausible(frame, rest.size())) continue;
      if (!checksum_holds(rest.substr(0, kFrameBytes + frame.length), seed_)) continue;
      if (frame.sequence <= sequence_ || frame.first_of_group() > sequence_) return i;
    }
    return std::string_view::npos;
  }

 private:
  // Where a frame may start again: its first bytes may be zeros too.
  static std::size_t skip_zeros(std::string_view bytes, std::size_t from) {
    const auto found = bytes.find_first_not_of('\0', from);
    if (found == std::string_view::npos) return bytes.size();
    return std::max(from + 1, found > kFrameBytes ? found - kFrameBytes : 0);
  }
  bool plausible(const Frame& frame, std::size_t room) const {
    return frame.kind <= Kind::kSeal && frame.length <= kRecordBytesMax &&
           frame.length + kFrameBytes <= room && frame.group <= frame.sequence &&
           frame.sequence <= sequence_ + room / kFrameBytes + kGroupMax;
  }

  std::uint64_t sequence_;
  std::uint32_t seed_;
};

// The whole rest of `file` from `offset` on.
Result<std::string> read_rest(const File& file, std::uint64_t offset, std::uint64_t size) {
  std::string rest(size > offset ? size - offset : 0, '\0');
  DW_TRY(const auto count, file.read_at(offset, rest.size(), rest.data()));
  rest.resize(count);
  return rest;
}

Result<void> judge_rest(const File& file, const SegmentFile& segment, const FrameWalk& walk,
                        FrameWalk::Step step, std::uint32_t seed, Tail& tail) {
  DW_TRY(const auto rest, read_rest(file, tail.end.offset, tail.size));
  const auto last = rest.find_last_not_of('\0');
  if (last == std::string::npos) return ok();
  if (step == FrameWalk::Step::kBad && walk.bad_but_intact()) {
    tail.damage = Damage{segment.path, tail.end.offset, walk.reason()};
    return ok();
  }
  const auto proof = Aftermath{tail.end.sequence, seed}.find_proof(rest);
  if (proof == std::string_view::npos ||
      DW_PLANTED(17)) {  // planted: damage is cut like a torn end
    tail.torn_bytes = last + 1;
    return ok();
  }
  tail.damage = Damage{
      segment.path, tail.end.offset,
      fmt::format("{} (and an intact frame behind it, at byte {})",
                  step == FrameWalk::Step::kBad ? walk.reason() : "no frame where one was durable",
                  tail.end.offset + proof)};
  return ok();
}

}  // namespace

Error to_error(const Damage& damage) {
  return Error{Code::kDamaged,
               fmt::format("{}, byte {}: {}", damage.file, damage.offset, damage.reason)};
}

Result<Chain> load_chain(FileSystem& files, const std::string& data, const Meta& meta,
                         PartitionId partition) {
  const auto directory = partition_directory(data, partition);
  Chain chain;
  DW_TRY(const auto there, files.exists(directory));
  if (!there) {
    chain.damage = Damage{directory, 0, "the directory of this partition is missing"};
    return chain;
  }
  DW_TRY(const auto names, files.list(directory));
  for (const auto& name : names) {
    std::uint64_t first = 0;
    if (!parse_segment_name(name, first)) continue;
    const auto path = directory + "/" + name;
    auto segment = read_header(files, path);
    if (!segment) {
      const auto code = segment.error().code;
      if (code != Code::kDamaged && code != Code::kUnsupported) return segment.error();
      chain.damage = Damage{path, 0, segment.error().detail};
      return chain;
    }
    const auto* before = chain.segments.empty() ? nullptr : &chain.segments.back();
    auto why = break_between(before, segment.value(), first, meta, partition);
    if (!why.empty()) {
      chain.damage = Damage{path, 0, std::move(why)};
      return chain;
    }
    chain.segments.push_back(std::move(segment).value());
  }
  if (chain.segments.empty()) chain.damage = Damage{directory, 0, "all segments are missing"};
  return chain;
}

Result<std::unique_ptr<File>> create_segment(FileSystem& files, const std::string& directory,
                                             const SegmentHeader& header, const AtPoint& at_point) {
  const auto path = directory + "/" + segment_name(header.first_sequence);
  const auto draft = path + ".tmp";
  DW_TRY(const auto left_over, files.exists(draft));
  if (left_over) {
    DW_TRY(files.remove(draft));
  }
  DW_TRY(auto file, files.open(draft, FileSystem::Mode::kCreate));
  DW_TRY(file->write_at(0, encode_header(header)));
  DW_TRY(file->sync());
  if (auto renamed = files.rename(draft, path); !renamed) {
    // It may have come about all the same: a later segment would then stand behind two.
    const auto there = files.exists(path);
    if (there && !there.value()) return renamed.error();
    return Error{Code::kUnknownOutcome, renamed.error().detail};
  }
  if (at_point) at_point("rotate.created");
  auto synced = files.sync_directory(directory);
  if (!synced) return Error{Code::kUnknownOutcome, synced.error().detail};
  if (at_point) at_point("rotate.synced");
  return file;
}

Result<Tail> read_tail(const File& file, const SegmentFile& segment, const AtPlace& at_place) {
  Tail tail;
  DW_TRY(tail.size, file.size());
  const auto seed = frame_seed(segment.header.log_id, segment.header.partition);
  FrameWalk walk{file_source(file, kChunkBytes), segment.first, seed};
  for (;;) {
    const Place before = walk.place();
    const auto step = walk.next();
    if (step == FrameWalk::Step::kFailed) return walk.error();
    if (step == FrameWalk::Step::kFrame) {
      if (at_place) at_place(before, walk.frame());
      tail.sealed = walk.frame().kind == Kind::kSeal;
      ++tail.frames;
      continue;
    }
    tail.end = before;
    DW_TRY(judge_rest(file, segment, walk, step, seed, tail));
    return tail;
  }
}

}  // namespace dealwright::embedded_log
