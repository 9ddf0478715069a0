// What every fuzz target shares: the bytes as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dealwright::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace dealwright::fuzz
