#include "engine/domain/registers.h"

#include <algorithm>

namespace dealwright {
namespace {

// What is said outright beats what only fills a gap, whenever it was said; of two that were said
// the newer stands, of two that fill the older.
template <class R>
bool stands_against(const R& there, Stamp stamp, bool fills) {
  if (there.fills != fills) return fills;
  return fills ? !(stamp < there.stamp) : stamp < there.stamp;
}

}  // namespace

void set_register(Record& record, Field field, const Value& value, Stamp stamp, Folded& out,
                  bool fills) {
  auto& all = record.fields;
  const auto it = std::lower_bound(all.begin(), all.end(), field,
                                   [](const Register& r, Field f) { return r.field < f; });
  if (it == all.end() || it->field != field) {
    if (!value.absent()) out.changed.push_back({field, Value{}});
    all.insert(it, Register{field, value, stamp, fills});
    return;
  }
  if (stands_against(*it, stamp, fills)) return;
  it->stamp = stamp;
  it->fills = fills;
  if (it->value == value) return;
  out.changed.push_back({field, std::move(it->value)});
  it->value = value;
}

void set_named(std::vector<NamedRegister>& all, std::string_view name, const Value& value,
               Stamp stamp, bool fills) {
  const auto it = std::lower_bound(all.begin(), all.end(), name,
                                   [](const auto& r, std::string_view n) { return r.name < n; });
  if (it == all.end() || it->name != name) {
    all.insert(it, NamedRegister{std::string{name}, value, stamp, fills});
  } else if (!stands_against(*it, stamp, fills)) {
    it->value = value;
    it->stamp = stamp;
    it->fills = fills;
  }
}

}  // namespace dealwright
