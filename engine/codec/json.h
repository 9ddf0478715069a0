// JSON to values, with limits (reliability.md 8): a hostile text costs an error, never memory or
// time.
#pragma once

#include <cstddef>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/value.h"

namespace dealwright::codec {

struct JsonLimits {
  std::size_t bytes = std::size_t{1} << 20;
  std::size_t depth = 64;
  std::size_t values = 10'000;  // keys and elements together
  std::size_t number_bytes = 400;
};

// kInvalid: no JSON, a duplicate key, bad UTF-8, or past a limit; the detail says where. Integers
// are exact up to 64 bits; beyond that the number is refused rather than rounded.
Result<Value> parse_json(std::string_view text, const JsonLimits& limits = {});

}  // namespace dealwright::codec
