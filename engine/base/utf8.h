// Bytes that are text. RFC 3629: shortest forms, no surrogates, up to U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace dealwright {

bool is_utf8(std::string_view text);
// Where `text`, UTF-8, may be cut so that at most `bytes_max` stay and no character is cut apart.
std::size_t utf8_end(std::string_view text, std::size_t bytes_max);

}  // namespace dealwright
