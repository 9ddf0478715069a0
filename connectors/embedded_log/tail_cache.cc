#include "connectors/embedded_log/tail_cache.h"

#include <algorithm>
#include <tuple>

namespace dealwright::embedded_log {

void TailCache::put(std::uint64_t segment, std::uint64_t offset, Bytes bytes) {
  bytes_ += bytes->capacity();
  pieces_.push_back(Piece{segment, offset, std::move(bytes)});
  while (bytes_ > bytes_max_ && !pieces_.empty()) {
    bytes_ -= pieces_.front().bytes->capacity();
    pieces_.pop_front();
  }
}

TailCache::Hit TailCache::find(std::uint64_t segment, std::uint64_t offset) const {
  auto piece = std::upper_bound(pieces_.begin(), pieces_.end(), std::tuple{segment, offset},
                                [](const auto& key, const Piece& p) {
                                  return key < std::tuple{p.segment, p.offset};
                                });
  if (piece == pieces_.begin()) return {};
  --piece;
  if (piece->segment != segment || offset - piece->offset >= piece->bytes->size()) return {};
  return Hit{piece->bytes, offset - piece->offset};
}

}  // namespace dealwright::embedded_log
