// Memory for one evaluation or one syntax tree: taken piece by piece, given back all at once. Only
// for what needs no destructor. What it gave stays where it is until clear(), also after a move.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace dealwright::rules::cel {

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&& other) noexcept;

  template <class T>
  std::span<T> array(std::size_t count) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= kAlignment);
    return {static_cast<T*>(take(count * sizeof(T))), count};
  }
  std::string_view copy(std::string_view text);
  // Everything is given back; the first block is kept for the next time.
  void clear();

 private:
  static constexpr std::size_t kAlignment = 16;
  static constexpr std::size_t kBlockBytes = 4096;
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0;
  };
  void* take(std::size_t bytes) {
    bytes = (bytes + kAlignment - 1) & ~(kAlignment - 1);
    if (bytes > left_) grow(bytes);
    auto* out = next_;
    next_ += bytes;
    left_ -= bytes;
    return out;
  }
  void grow(std::size_t bytes);

  std::vector<Block> blocks_;
  std::byte* next_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace dealwright::rules::cel
