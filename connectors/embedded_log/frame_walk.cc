#include "connectors/embedded_log/frame_walk.h"

#include <algorithm>
#include <memory>

namespace dealwright::embedded_log {

Source file_source(const File& file, std::size_t chunk_bytes) {
  auto buffer = std::make_shared<std::string>();
  return [&file, chunk_bytes, buffer](std::uint64_t offset,
                                      std::size_t least) -> Result<std::string_view> {
    const auto want = std::max(chunk_bytes, least);
    if (buffer->size() < want) buffer->resize(want);
    DW_TRY(const auto count, file.read_at(offset, want, buffer->data()));
    return std::string_view{buffer->data(), count};
  };
}

FrameWalk::Step FrameWalk::bad(std::string reason) {
  reason_ = std::move(reason);
  return Step::kBad;
}

bool FrameWalk::fill(std::size_t least) {
  if (view_.size() >= least) return true;
  auto bytes = source_(place_.offset, least);
  if (!bytes) {
    error_ = bytes.error();
    return false;
  }
  view_ = bytes.value();
  return true;
}

FrameWalk::Step FrameWalk::next() {
  if (place_.offset >= stop_) return Step::kEnd;
  if (!fill(kFrameBytes)) return Step::kFailed;
  const auto head = view_.substr(0, kFrameBytes);
  if (all_zero(head)) return Step::kEnd;
  if (head.size() < kFrameBytes) return bad("the file ends within a frame");
  frame_ = decode_frame(head.data());
  if (frame_.length > kRecordBytesMax) return bad("bad checksum");
  const auto bytes = kFrameBytes + frame_.length;
  if (!fill(bytes)) return Step::kFailed;
  if (view_.size() < bytes) return bad("the file ends within a frame");
  if (!checksum_holds(view_.substr(0, bytes), seed_)) return bad("bad checksum");
  frame_.payload = view_.substr(kFrameBytes, frame_.length);
  if (auto why = misfit(frame_, place_); !why.empty()) {
    bad_but_intact_ = true;
    return bad(std::move(why));
  }
  view_.remove_prefix(bytes);
  step_over(place_, frame_);
  return Step::kFrame;
}

}  // namespace dealwright::embedded_log
