#include "rules/cel/arena.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace dealwright::rules::cel {

Arena::Arena(Arena&& other) noexcept
    : blocks_{std::move(other.blocks_)},
      next_{std::exchange(other.next_, nullptr)},
      left_{std::exchange(other.left_, 0)} {
  other.blocks_.clear();
}

Arena& Arena::operator=(Arena&& other) noexcept {
  blocks_ = std::move(other.blocks_);
  other.blocks_.clear();
  next_ = std::exchange(other.next_, nullptr);
  left_ = std::exchange(other.left_, 0);
  return *this;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  const auto out = array<char>(text.size());
  std::memcpy(out.data(), text.data(), text.size());
  return {out.data(), text.size()};
}

void Arena::clear() {
  if (blocks_.empty()) return;
  blocks_.resize(1);
  next_ = blocks_.front().bytes.get();
  left_ = blocks_.front().size;
}

void Arena::grow(std::size_t bytes) {
  const auto size = std::max(bytes, kBlockBytes);
  // new[] of bytes is aligned for any scalar, which kAlignment is on our machines.
  blocks_.push_back({std::unique_ptr<std::byte[]>{new std::byte[size]}, size});
  next_ = blocks_.back().bytes.get();
  left_ = size;
}

}  // namespace dealwright::rules::cel
