// Helpers that views share: grouping, filters, rates.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/money.h"
#include "engine/ports/view.h"

namespace dealwright::projections {

// num / den with 6 decimals, half to even; null where den is 0. Exact: no floating point.
Value rate(std::int64_t num, std::int64_t den);
// `numerator` / `denominator` as text with so many decimals, half to even.
std::string decimal_text(std::int64_t numerator, std::int64_t denominator, int decimals);

// Whether a row with these dimensions passes the query's filters; an unknown column passes nothing.
bool passes(const ViewQuery& query,
            const std::vector<std::pair<std::string_view, std::string_view>>& dimensions);
// kInvalid: a filter or group names no dimension; the detail lists them.
Result<void> check_columns(const ViewQuery& query, const std::vector<std::string_view>& dimensions);
// Of a view that keeps no past: kInvalid if one is asked for.
Result<void> check_present(const ViewQuery& query, std::string_view view);

}  // namespace dealwright::projections
