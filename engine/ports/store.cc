#include "engine/ports/store.h"

namespace dealwright {

Result<void> Store::write(const std::vector<StoreWrite>& batch) {
  std::vector<StoreEntry> entries;
  entries.reserve(batch.size());
  for (const auto& entry : batch) entries.push_back({entry.key, entry.value});
  return write(std::span<const StoreEntry>{entries});
}

Result<void> Store::get_sorted(
    std::span<const std::string> keys,
    const std::function<void(std::size_t index, std::string_view value)>& visit) const {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    DW_TRY(const auto value, get(keys[i]));
    if (value) visit(i, *value);
  }
  return ok();
}

std::string prefix_end(std::string_view prefix) {
  std::string end{prefix};
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(end.back() + 1);
  return end;
}

}  // namespace dealwright
