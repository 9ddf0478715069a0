// The segment files of one partition: created, listed, and their last one brought in order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/embedded_log/format.h"
#include "connectors/embedded_log/meta.h"
#include "engine/ports/file_system.h"

namespace dealwright::embedded_log {

struct Damage {
  std::string file;
  std::uint64_t offset = 0;
  std::string reason;
};
// kDamaged: "<file>, byte <offset>: <reason>"
Error to_error(const Damage& damage);

struct SegmentFile {
  std::string path;
  SegmentHeader header;
  Place first;              // of its first frame
  std::uint64_t bytes = 0;  // of the file; of the last segment: where its frames end
};

// Segments in order, up to the first damage of a header or of the chain.
struct Chain {
  std::vector<SegmentFile> segments;
  std::optional<Damage> damage;
};

// Reads all headers and checks that each segment follows the one before; reads no frames.
Result<Chain> load_chain(FileSystem& files, const std::string& data, const Meta& meta,
                         PartitionId partition);

using AtPoint = std::function<void(std::string_view point)>;

// A new segment without frames, durable under its name in `directory`. kNoSpace, kIo: before it had
// its name; kUnknownOutcome: behind that. `at_point` may be empty.
Result<std::unique_ptr<File>> create_segment(FileSystem& files, const std::string& directory,
                                             const SegmentHeader& header, const AtPoint& at_point);

// What lies behind the good frames of the last segment.
struct Tail {
  Place end;                     // behind the last good frame
  std::uint64_t size = 0;        // of the file
  std::uint64_t torn_bytes = 0;  // of an unfinished write, from `end` on
  bool sealed = false;           // the last good frame is a seal
  std::uint64_t frames = 0;
  std::optional<Damage> damage;  // neither frames, zeros nor an unfinished write
};

// Called with the place of each good frame before it is stepped over.
using AtPlace = std::function<void(const Place& place, const Frame& frame)>;

// Reads all frames of `segment`; changes nothing. kIo: could not read.
Result<Tail> read_tail(const File& file, const SegmentFile& segment, const AtPlace& at_place);

}  // namespace dealwright::embedded_log
