#include "connectors/http/fields.h"

#include <algorithm>

#include "connectors/http/text.h"

namespace dealwright::http {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

void Fields::set(std::string_view name, std::string_view value) {
  erase(name);
  add(name, value);
}
void Fields::erase(std::string_view name) {
  std::erase_if(list_, [&](const auto& field) { return same_name(field.first, name); });
}
const std::string* Fields::find(std::string_view name) const {
  for (const auto& field : list_) {
    if (same_name(field.first, name)) return &field.second;
  }
  return nullptr;
}
std::string_view Fields::get(std::string_view name) const {
  const auto* found = find(name);
  return found == nullptr ? std::string_view{} : std::string_view{*found};
}
std::size_t Fields::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      list_.begin(), list_.end(), [&](const auto& field) { return same_name(field.first, name); }));
}
std::string Fields::joined(std::string_view name) const {
  std::string out;
  for (const auto& field : list_) {
    if (!same_name(field.first, name)) continue;
    if (!out.empty()) out += ", ";
    out += field.second;
  }
  return out;
}
bool Fields::has_token(std::string_view name, std::string_view token) const {
  for (const auto& field : list_) {
    if (!same_name(field.first, name)) continue;
    for (const auto part : split(field.second, ',')) {
      if (same_name(trim(part), token)) return true;
    }
  }
  return false;
}

}  // namespace dealwright::http
