// The frames written last, as they lie in the file. Bounded in bytes. Not synchronised.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace dealwright::embedded_log {

class TailCache {
 public:
  using Bytes = std::shared_ptr<const std::string>;
  explicit TailCache(std::uint64_t bytes_max) : bytes_max_{bytes_max} {}

  // REQUIRES: (segment, offset) behind all that were put before
  void put(std::uint64_t segment, std::uint64_t offset, Bytes bytes);

  struct Hit {
    Bytes bytes;  // null: not here
    std::size_t skip = 0;
  };
  // The piece that holds byte `offset` of `segment`, and how far into it that byte lies.
  Hit find(std::uint64_t segment, std::uint64_t offset) const;

 private:
  struct Piece {
    std::uint64_t segment;
    std::uint64_t offset;
    Bytes bytes;
  };
  std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;
  std::deque<Piece> pieces_;
};

}  // namespace dealwright::embedded_log
