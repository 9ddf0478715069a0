#include "engine/domain/record.h"

#include <algorithm>

namespace dealwright {
namespace {

const Value* find_named(const std::vector<NamedRegister>& registers, std::string_view name) {
  const auto it = std::lower_bound(registers.begin(), registers.end(), name,
                                   [](const auto& r, std::string_view n) { return r.name < n; });
  return it == registers.end() || it->name != name || it->value.absent() ? nullptr : &it->value;
}

}  // namespace

std::string_view status_name(DealStatus status) {
  static constexpr std::string_view kNames[] = {"open", "won", "lost"};
  return kNames[static_cast<std::size_t>(status)];
}

const Value* Record::find(Field field) const {
  for (const auto& r : fields) {  // sorted, a dozen
    if (r.field == field) return r.value.absent() ? nullptr : &r.value;
    if (r.field > field) break;
  }
  return nullptr;
}
const Value* Record::find_custom(std::string_view name) const { return find_named(custom, name); }
const Value* Record::find_extra(std::string_view name) const { return find_named(extra, name); }

std::uint32_t Record::count(TypeId type) const {
  for (const auto& [t, n] : counts) {
    if (t == type) return n;
  }
  return 0;
}

}  // namespace dealwright
