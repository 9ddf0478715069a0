// Result types of the language's functions. Inside rules/cel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/cel/check.h"

namespace dealwright::rules::cel {

// None: the function does not take these.
std::optional<Type> result_type(std::string_view name, bool member, const std::vector<Type>& args);
// The most operations that an evaluation may take; a list of unknown length counts 1,000.
std::uint64_t cost_of(const Node& node);
// The known function whose name is nearest, or "".
std::string nearest_function(std::string_view name, bool member);

}  // namespace dealwright::rules::cel
