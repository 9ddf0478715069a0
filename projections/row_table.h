// Rows by key with a write-back cache: changed rows wait here until the next take_dirty.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports/view.h"

namespace dealwright::projections {

// One thread.
class RowTable {
 public:
  explicit RowTable(const ViewReader& reader) : reader_{&reader} {}
  Result<std::optional<std::string>> get(const std::string& key) const {
    const auto it = dirty_.find(key);
    if (it != dirty_.end()) return it->second;
    return reader_->get(key);
  }
  void put(std::string key, std::optional<std::string> value) {
    dirty_[std::move(key)] = std::move(value);
  }
  // REQUIRES: take_dirty was called and written since the last put.
  Result<void> scan(std::string_view prefix,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const {
    return reader_->scan(prefix, prefix.empty() ? std::string{} : prefix_end(prefix), visit);
  }
  void take_dirty(std::vector<StoreWrite>& out) {
    for (auto& [key, value] : dirty_) out.push_back({key, std::move(value)});
    dirty_.clear();
  }
  std::size_t memory_bytes() const { return dirty_.size() * 256; }

 private:
  const ViewReader* reader_;
  std::map<std::string, std::optional<std::string>> dirty_;
};

}  // namespace dealwright::projections
