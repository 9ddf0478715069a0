// Base64 by RFC 4648 4, with padding.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace dealwright {

std::string base64(std::string_view bytes);
// kInvalid: no such text, or one of several spellings that encoding does not give.
Result<std::string> parse_base64(std::string_view text);

}  // namespace dealwright
