// The hash chain over both logs (design.md 7.5): each accepted decision record names the SHA-256 of
// the one before it and the bytes of the events it covers, so an edit of either log shows.
#pragma once

#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"

namespace dealwright::runtime {

// Feed the covered events in order, then ask once.
class Chain {
 public:
  explicit Chain(const Sha256& record_before) { stream_.update(bytes_of(record_before)); }
  void add_event(std::string_view bytes) {
    length_.clear();
    put_fixed32(length_, static_cast<std::uint32_t>(bytes.size()));
    stream_.update(length_);
    stream_.update(bytes);
    ++count_;
  }
  std::uint32_t count() const { return count_; }
  Sha256 finish() { return stream_.finish(); }

 private:
  Sha256Stream stream_;
  std::string length_;
  std::uint32_t count_ = 0;
};

}  // namespace dealwright::runtime
