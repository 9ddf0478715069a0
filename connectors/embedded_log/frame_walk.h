// Walks the frames of one segment, checking each.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "connectors/embedded_log/format.h"
#include "engine/ports/file_system.h"

namespace dealwright::embedded_log {

// Bytes of a segment from `offset` on: at least `least` of them unless the file ends before. The
// view lives until the next call.
using Source = std::function<Result<std::string_view>(std::uint64_t offset, std::size_t least)>;

// Reads `file` in pieces of `chunk_bytes`. REQUIRES: `file` outlives the source
Source file_source(const File& file, std::size_t chunk_bytes);

// One thread.
class FrameWalk {
 public:
  enum class Step : std::uint8_t {
    kFrame,
    kEnd,     // the given stop, the end of the file, or zeros
    kBad,     // reason() says why these bytes are no frame, or not the one that belongs here
    kFailed,  // error() says why the bytes could not be read
  };

  FrameWalk(Source source, const Place& from, std::uint32_t seed,
            std::uint64_t stop = std::numeric_limits<std::uint64_t>::max())
      : source_{std::move(source)}, place_{from}, seed_{seed}, stop_{stop} {}

  Step next();
  // The frame of the last kFrame; its payload lives until the next call of next().
  const Frame& frame() const { return frame_; }
  // Where next() looks on.
  const Place& place() const { return place_; }
  const std::string& reason() const { return reason_; }
  // A kBad whose bytes are an intact frame, only not the one that belongs here.
  bool bad_but_intact() const { return bad_but_intact_; }
  const Error& error() const { return error_; }

 private:
  Step bad(std::string reason);
  // Makes view_ start at place_ with `least` bytes, or fewer at the end of the file.
  bool fill(std::size_t least);

  Source source_;
  Place place_;
  std::uint32_t seed_;
  std::uint64_t stop_;
  std::string_view view_;  // from place_ on
  Frame frame_;
  std::string reason_;
  bool bad_but_intact_ = false;
  Error error_{Code::kIo, {}};
};

}  // namespace dealwright::embedded_log
