#include "projections/rows.h"

#include <algorithm>

namespace dealwright::projections {

std::string decimal_text(std::int64_t numerator, std::int64_t denominator, int decimals) {
  std::int64_t scale = 1;
  for (int i = 0; i < decimals; ++i) scale *= 10;
  const auto scaled = scale_half_even(numerator, scale, denominator);
  if (!scaled) return "overflow";
  const bool negative = scaled.value() < 0;
  auto digits = std::to_string(negative ? -scaled.value() : scaled.value());
  const auto places = static_cast<std::size_t>(decimals);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  if (places > 0) digits.insert(digits.size() - places, ".");
  return (negative ? "-" : "") + digits;
}

Value rate(std::int64_t num, std::int64_t den) {
  if (den == 0) return Value{Null{}};
  return Value{decimal_text(num, den, 6)};
}

bool passes(const ViewQuery& query,
            const std::vector<std::pair<std::string_view, std::string_view>>& dimensions) {
  return std::all_of(query.filters.begin(), query.filters.end(), [&](const auto& filter) {
    return std::any_of(dimensions.begin(), dimensions.end(), [&](const auto& dimension) {
      return dimension.first == filter.first && dimension.second == filter.second;
    });
  });
}

Result<void> check_present(const ViewQuery& query, std::string_view view) {
  if (query.as_of == kAfterAll && query.known_by == kAfterAll) return ok();
  return Error{Code::kInvalid, "view " + std::string{view} +
                                   " tells the present only; leave out as_of and known_by"};
}

Result<void> check_columns(const ViewQuery& query,
                           const std::vector<std::string_view>& dimensions) {
  const auto known = [&](std::string_view name) {
    return std::find(dimensions.begin(), dimensions.end(), name) != dimensions.end();
  };
  const auto refuse = [&](std::string_view name) {
    std::string list;
    for (const auto dimension : dimensions) list += " " + std::string{dimension};
    return Error{Code::kInvalid,
                 "no column '" + std::string{name} + "' to group or filter by; there are:" + list};
  };
  for (const auto& filter : query.filters) {
    if (!known(filter.first)) return refuse(filter.first);
  }
  for (const auto& name : query.group_by) {
    if (!known(name)) return refuse(name);
  }
  return ok();
}

}  // namespace dealwright::projections
