#include "engine/runtime/kv_cache.h"

#include <algorithm>
#include <cstring>

#include "engine/base/assert.h"

namespace dealwright::runtime {

std::vector<StoreEntry> KvCache::Generation::sorted(const std::vector<StoreWrite>& more) const {
  struct Place {  // by the first bytes as a number: they tell most keys apart
    std::uint64_t head;
    StoreEntry entry;
  };
  std::vector<Place> places;
  places.reserve(hashed.size() + ordered.size() + more.size());
  const auto add = [&](std::string_view key, const std::optional<std::string>& value) {
    std::uint64_t head = 0;
    std::memcpy(&head, key.data(), std::min(key.size(), sizeof head));
    places.push_back({__builtin_bswap64(head), {key, value}});
  };
  for (const auto& [key, value] : hashed) add(key, value);
  for (const auto& [key, value] : ordered) add(key, value);
  for (const auto& write : more) add(write.key, write.value);
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return a.head != b.head ? a.head < b.head : a.entry.key < b.entry.key;
  });
  std::vector<StoreEntry> out;
  out.reserve(places.size());
  for (const auto& place : places) out.push_back(place.entry);
  return out;
}

KvCache::KvCache(const Store& store, std::string_view ordered_letters)
    : store_{store}, ordered_letters_{ordered_letters} {}

const std::optional<std::string>* KvCache::find_in(const Generation& generation,
                                                   std::string_view key) const {
  if (ordered(key)) {
    const auto it = generation.ordered.find(key);
    return it == generation.ordered.end() ? nullptr : &it->second;
  }
  const auto it = generation.hashed.find(key);
  return it == generation.hashed.end() ? nullptr : &it->second;
}

Result<std::optional<std::string>> KvCache::get(std::string_view key) const {
  if (const auto* value = find_in(*current_, key)) return *value;
  if (frozen_ != nullptr) {
    if (const auto* value = find_in(*frozen_, key)) return *value;
  }
  return store_.get(key);
}

Result<void> KvCache::get_sorted(const std::vector<std::string>& keys, const Take& visit) const {
  std::vector<std::string> stored;  // not in a generation
  std::vector<std::size_t> index;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto* value = find_in(*current_, keys[i]);
    if (value == nullptr && frozen_ != nullptr) value = find_in(*frozen_, keys[i]);
    if (value == nullptr) {
      stored.push_back(keys[i]);
      index.push_back(i);
    } else if (*value) {
      visit(i, **value);
    }
  }
  return store_.get_sorted(stored,
                           [&](std::size_t i, std::string_view value) { visit(index[i], value); });
}

void KvCache::write(std::string key, std::optional<std::string> value) {
  const std::size_t key_bytes = key.size() + 64;
  const auto put = [&](std::optional<std::string>& place, bool fresh) {
    current_->bytes += fresh ? key_bytes : 0;
    current_->bytes += value ? value->size() : 0;
    current_->bytes -= place ? place->size() : 0;
    place = std::move(value);
  };
  if (ordered(key)) {
    auto& table = current_->ordered;
    const auto size = table.size();
    const auto it = table.try_emplace(hint_, std::move(key));
    put(it->second, table.size() > size);
    hint_ = std::next(it);
  } else {
    const auto [it, fresh] = current_->hashed.try_emplace(std::move(key));
    put(it->second, fresh);
  }
}

void KvCache::put(std::string key, std::string value) { write(std::move(key), std::move(value)); }
void KvCache::erase(std::string key) { write(std::move(key), std::nullopt); }

// The dirty entries of an ordered table one by one: of both generations, where both have a key the
// current one's.
class KvCache::Ordered {
 public:
  Ordered(const Generation* frozen, const Generation& current, std::string_view from,
          std::string_view to) {
    add(current, from, to);
    if (frozen != nullptr) add(*frozen, from, to);
  }
  bool done() const { return !new_.ready() && !old_.ready(); }
  // REQUIRES: not done()
  std::string_view key() const { return first().at->first; }
  const std::optional<std::string>& value() const { return first().at->second; }
  void next() {
    const std::string_view taken = key();
    if (old_.ready() && old_.at->first == taken) ++old_.at;
    if (new_.ready() && new_.at->first == taken) ++new_.at;
  }

 private:
  using Table = decltype(Generation::ordered);
  struct Range {
    Table::const_iterator at;
    Table::const_iterator end;
    bool some = false;
    bool ready() const { return some && at != end; }
  };
  void add(const Generation& generation, std::string_view from, std::string_view to) {
    const auto& table = generation.ordered;
    auto& range = new_.some ? old_ : new_;
    range = {table.lower_bound(from), table.lower_bound(to), true};
  }
  const Range& first() const {
    if (!old_.ready()) return new_;
    return new_.ready() && new_.at->first <= old_.at->first ? new_ : old_;
  }
  Range new_;
  Range old_;
};

// Those of a table without order: sorted here.
class KvCache::Collected {
 public:
  Collected(const Generation* frozen, const Generation& current, std::string_view from,
            std::string_view to) {
    if (frozen != nullptr) add(*frozen, from, to);
    add(current, from, to);
    at_ = entries_.begin();
  }
  bool done() const { return at_ == entries_.end(); }
  std::string_view key() const { return at_->first; }
  const std::optional<std::string>& value() const { return *at_->second; }
  void next() { ++at_; }

 private:
  using Entries = std::map<std::string_view, const std::optional<std::string>*>;
  void add(const Generation& generation, std::string_view from, std::string_view to) {
    for (const auto& [key, value] : generation.hashed) {
      if (from <= key && key < to) entries_[key] = &value;
    }
  }
  Entries entries_;
  Entries::const_iterator at_;
};

template <class Dirty>
Result<void> KvCache::merge(Dirty& dirty, std::string_view from, std::string_view to,
                            const Visit& visit) const {
  bool going = true;
  const auto visit_dirty = [&] {
    if (const auto& value = dirty.value()) going = visit(dirty.key(), *value);
    dirty.next();
  };
  DW_TRY(store_.scan(from, to, [&](std::string_view key, std::string_view value) {
    while (going && !dirty.done() && dirty.key() < key) visit_dirty();
    if (!going) return false;
    if (!dirty.done() && dirty.key() == key) {
      visit_dirty();
    } else {
      going = visit(key, value);
    }
    return going;
  }));
  while (going && !dirty.done()) visit_dirty();
  return ok();
}

Result<void> KvCache::scan(std::string_view from, std::string_view to, const Visit& visit) const {
  DW_ASSERT(!from.empty());
  if (from >= to) return ok();
  if (ordered(from)) {
    Ordered dirty{frozen_.get(), *current_, from, to};
    return merge(dirty, from, to, visit);
  }
  Collected dirty{frozen_.get(), *current_, from, to};
  return merge(dirty, from, to, visit);
}

std::shared_ptr<const KvCache::Generation> KvCache::freeze() {
  DW_ASSERT(frozen_ == nullptr);
  frozen_ = std::shared_ptr<const Generation>{std::move(current_)};
  current_ = std::make_unique<Generation>();
  hint_ = current_->ordered.end();
  return frozen_;
}

}  // namespace dealwright::runtime
