// Bodies that come compressed, inflated to no more than a limit.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace dealwright::http {

// One gzip member. kOverload: more than `bytes_max` would come out; kInvalid: no sound gzip.
Result<std::string> inflate_gzip(std::string_view bytes, std::size_t bytes_max);

}  // namespace dealwright::http
