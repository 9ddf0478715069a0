#include "engine/base/id.h"

#include <algorithm>

#include "engine/base/utf8.h"

namespace dealwright {

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kIdBytesMax &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }) &&
         is_utf8(text);
}

}  // namespace dealwright
