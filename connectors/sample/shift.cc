#include "connectors/sample/shift.h"

#include <utility>

namespace dealwright::sample {
namespace {

Value shifted(const Value& value, std::int64_t by) {
  if (const auto* at = value.as_instant()) return Value{*at + days(by)};
  if (const auto* date = value.as_date())
    return Value{LocalDate{date->days + static_cast<std::int32_t>(by)}};
  if (const auto* list = value.as_list()) {
    List out;
    for (const auto& item : *list) out.push_back(shifted(item, by));
    return Value{std::move(out)};
  }
  if (const auto* map = value.as_map()) {
    Map out;
    for (const auto& [name, member] : *map) out.emplace_back(name, shifted(member, by));
    return Value{std::move(out)};
  }
  return value;
}

}  // namespace

void shift(Event& event, std::int64_t by) {
  if (event.time) event.time = *event.time + days(by);
  Fields moved;
  for (const auto& [field, value] : event.data) moved.append(field, shifted(value, by));
  event.data = std::move(moved);
}

}  // namespace dealwright::sample
