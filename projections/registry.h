// All views, a line each.
#pragma once

#include <span>
#include <string_view>

#include "engine/ports/view.h"

namespace dealwright::projections {

std::span<const View* const> all_views();
// kUnsupported: the view cannot tell that; the detail names those that can.
Result<void> check_asked(const View& view, const ViewQuery& query);
const View* find_view(std::string_view name);  // none: no such view

}  // namespace dealwright::projections
