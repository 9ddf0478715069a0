// An ordered key-value store for state and views: a cache of the logs. A write is all or nothing
// in order; after a crash the store holds some prefix of the writes, at least up to the last flush.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace dealwright {

struct StoreWrite {
  std::string key;
  std::optional<std::string> value;  // none: delete
};
// The same, of bytes that stand elsewhere.
struct StoreEntry {
  std::string_view key;
  std::optional<std::string_view> value;
};

// Thread-safe: any thread reads, one writes at a time.
class Store {
 public:
  virtual ~Store() = default;
  virtual Result<std::optional<std::string>> get(std::string_view key) const = 0;
  // The values of many keys, sorted and unique, in one go: `visit` gets the index of each key that
  // is there, in order. Cheaper than get() where keys lie near each other.
  virtual Result<void> get_sorted(
      std::span<const std::string> keys,
      const std::function<void(std::size_t index, std::string_view value)>& visit) const;
  // One atomic batch; keys unique, sorted bytewise. kNoSpace, kIo: nothing of it may be counted on;
  // reopen the store (it rolls back to the last flush).
  virtual Result<void> write(std::span<const StoreEntry> batch) = 0;
  Result<void> write(const std::vector<StoreWrite>& batch);
  // Entries with from <= key < to, in order, from one snapshot, until `visit` returns false.
  virtual Result<void> scan(
      std::string_view from, std::string_view to,
      const std::function<bool(std::string_view key, std::string_view value)>& visit) const = 0;
  // Deletes from <= key < to.
  virtual Result<void> erase_range(std::string_view from, std::string_view to) = 0;
  // Everything written so far survives a crash behind this.
  virtual Result<void> flush() = 0;
  virtual std::uint64_t approximate_bytes() const = 0;
};

// The first key behind all keys that begin with `prefix`.
std::string prefix_end(std::string_view prefix);

}  // namespace dealwright
