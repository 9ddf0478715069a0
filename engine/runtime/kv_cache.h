// A write-back cache over a store, in generations (design.md 7.9): the owner writes into the
// current one; a frozen one is being written by a worker; reads look through current, frozen and
// store.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/hash.h"
#include "engine/ports/store.h"

namespace dealwright::runtime {

struct TextHash {
  using is_transparent = void;
  using is_avalanching = void;
  std::size_t operator()(std::string_view text) const { return hash64(text); }
};
template <class V>
using TextMap = boost::unordered_flat_map<std::string, V, TextHash, std::equal_to<>>;

// One thread. A frozen generation is immutable and may be read by the worker that writes it.
class KvCache {
 public:
  using Ordering = std::map<std::string, std::optional<std::string>, std::less<>>;
  struct Generation {
    TextMap<std::optional<std::string>> hashed;
    Ordering ordered;
    std::size_t bytes = 0;
    bool empty() const { return hashed.empty() && ordered.empty(); }
    // All of it and `more` in the order of keys; the bytes stay where they are.
    std::vector<StoreEntry> sorted(const std::vector<StoreWrite>& more) const;
  };
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;

  // `store` outlives the cache. `ordered_letters`: tables that are scanned while hot; their writes
  // are kept in order.
  KvCache(const Store& store, std::string_view ordered_letters);

  // kIo, kDamaged from the store.
  Result<std::optional<std::string>> get(std::string_view key) const;
  // The same of many keys, sorted and unique; `visit` gets the index of each that is there, in no
  // order.
  using Take = std::function<void(std::size_t index, std::string_view value)>;
  Result<void> get_sorted(const std::vector<std::string>& keys, const Take& visit) const;
  void put(std::string key, std::string value);
  void erase(std::string key);
  // Entries with from <= key < to in order, through all layers, until `visit` says no. Of a table
  // that is kept in order it looks only at what it visits; of another, at all that is not in the
  // store yet. `visit` must not write.
  Result<void> scan(std::string_view from, std::string_view to, const Visit& visit) const;

  // Closes the current generation and starts the next. REQUIRES: no frozen one
  std::shared_ptr<const Generation> freeze();
  bool frozen() const { return frozen_ != nullptr; }
  void thaw() { frozen_.reset(); }  // it is in the store now
  std::size_t bytes() const { return current_->bytes; }

 private:
  void write(std::string key, std::optional<std::string> value);
  const std::optional<std::string>* find_in(const Generation& generation,
                                            std::string_view key) const;
  bool ordered(std::string_view key) const {
    return ordered_letters_.find(key.front()) != std::string_view::npos;
  }
  class Ordered;
  class Collected;
  template <class Dirty>
  Result<void> merge(Dirty& dirty, std::string_view from, std::string_view to,
                     const Visit& visit) const;

  const Store& store_;
  std::string_view ordered_letters_;
  std::unique_ptr<Generation> current_ = std::make_unique<Generation>();
  // Behind what was written last of the ordered tables: timers that fire go in their order.
  Ordering::iterator hint_ = current_->ordered.end();
  std::shared_ptr<const Generation> frozen_;
};

}  // namespace dealwright::runtime
