#include "rules/file/event_set.h"

#include <fmt/core.h>

#include <algorithm>

namespace dealwright::rules {
namespace {

bool is_ours(std::string_view name) {  // looks like a type of ours: its first word is one of ours
  const auto dot = name.find('.');
  if (dot == std::string_view::npos) return true;
  const auto prefix = name.substr(0, dot + 1);
  if (kind_of(name.substr(0, dot))) return true;
  for (const auto& spec : all_event_specs()) {
    if (spec.name.starts_with(prefix)) return true;
  }
  return name.find('.', dot + 1) == std::string_view::npos;  // foreign ones have two dots
}

bool matches(const std::string& pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return pattern == name;
  return name.starts_with(std::string_view{pattern}.substr(0, pattern.size() - 1));
}

}  // namespace

void EventSet::add(TypeId type) {
  const auto at = std::lower_bound(types_.begin(), types_.end(), type);
  if (at == types_.end() || *at != type) types_.insert(at, type);
}

void EventSet::add_foreign(const std::string& name) {
  const auto at = std::lower_bound(foreign_.begin(), foreign_.end(), name);
  if (at == foreign_.end() || *at != name) foreign_.insert(at, name);
}

void EventSet::read_one(const yaml::Node& node, Diagnostics& out) {
  if (!node.is_scalar()) {
    out.error(2002, node.at, "an event type is a text", "Write such as offer.sent");
    return;
  }
  const auto& name = node.text;
  if (const auto* spec = event_spec(name)) {
    add(spec->type);
    return;
  }
  if (name.ends_with(".*")) {
    const auto prefix = std::string_view{name}.substr(0, name.size() - 1);
    bool found = false;
    for (const auto& spec : all_event_specs()) {
      if (!spec.name.starts_with(prefix)) continue;
      add(spec.type);
      found = true;
    }
    if (found) return;
  }
  if (is_ours(name)) {
    const auto nearest = nearest_event_type(name);
    out.error(2002, node.at, fmt::format("unknown event type '{}'", name),
              nearest.empty() ? "Types of others have two dots, such as com.example.cart_left"
                              : fmt::format("Did you mean '{}'?", nearest));
    return;
  }
  add_foreign(name);
}

EventSet EventSet::read(const yaml::Node& node, Diagnostics& out) {
  EventSet set;
  if (node.is_list()) {
    for (const auto& item : node.items) set.read_one(item, out);
    if (node.items.empty()) out.error(1005, node.at, "an empty list of event types");
  } else {
    set.read_one(node, out);
  }
  return set;
}

bool EventSet::contains(TypeId type) const {
  return std::binary_search(types_.begin(), types_.end(), type);
}
bool EventSet::contains(const Event& event) const {
  if (event.type != TypeId::kForeignType) return contains(event.type);
  return std::any_of(foreign_.begin(), foreign_.end(),
                     [&](const std::string& p) { return matches(p, event.foreign_type); });
}

std::uint32_t EventSet::subjects() const {
  if (!foreign_.empty()) return ~std::uint32_t{0};
  std::uint32_t out = 0;
  for (const auto type : types_) out |= spec_of(type).subjects;
  return out;
}

}  // namespace dealwright::rules
