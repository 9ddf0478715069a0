// What this is.
#pragma once

#include <string_view>

namespace dealwright::daemon {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace dealwright::daemon
