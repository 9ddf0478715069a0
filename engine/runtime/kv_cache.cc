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

void KvCache::write(std::string key, std::optional<std::string> value) {
  const std::size_t key_bytes = key.size() + 64;
  const auto put = [&](auto& table) {
    const auto [it, fresh] = table.try_emplace(std::move(key));
    current_->bytes += fresh ? key_bytes : 0;
    current_->bytes += value ? value->size() : 0;
    current_->bytes -= it->second ? it->second->size() : 0;
    it->second = std::move(value);
  };
  if (ordered(key)) {
    put(current_->ordered);
  } else {
    put(current_->hashed);
  }
}

void KvCache::put(std::string key, std::string value) { write(std::move(key), std::move(value)); }
void KvCache::erase(std::string key) { write(std::move(key), std::nullopt); }

void KvCache::collect(const Generation& generation, std::string_view from, std::string_view to,
                      std::map<std::string_view, const std::optional<std::string>*>& out) const {
  if (ordered(from)) {
    for (auto it = generation.ordered.lower_bound(from);
         it != generation.ordered.end() && it->first < to; ++it) {
      out[it->first] = &it->second;
    }
    return;
  }
  for (const auto& [key, value] : generation.hashed) {
    if (from <= key && key < to) out[key] = &value;
  }
}

Result<void> KvCache::scan(std::string_view from, std::string_view to, const Visit& visit) const {
  DW_ASSERT(!from.empty());
  std::map<std::string_view, const std::optional<std::string>*> dirty;
  if (frozen_ != nullptr) collect(*frozen_, from, to, dirty);
  collect(*current_, from, to, dirty);
  auto next = dirty.begin();
  bool going = true;
  const auto drain_to = [&](const std::string_view* key) {
    for (; going && next != dirty.end() && (key == nullptr || next->first < *key); ++next) {
      if (next->second->has_value()) going = visit(next->first, **next->second);
    }
  };
  DW_TRY(store_.scan(from, to, [&](std::string_view key, std::string_view value) {
    drain_to(&key);
    if (!going) return false;
    if (next != dirty.end() && next->first == key) {
      if (next->second->has_value()) going = visit(key, **next->second);
      ++next;
    } else {
      going = visit(key, value);
    }
    return going;
  }));
  drain_to(nullptr);
  return ok();
}

std::shared_ptr<const KvCache::Generation> KvCache::freeze() {
  DW_ASSERT(frozen_ == nullptr);
  frozen_ = std::shared_ptr<const Generation>{std::move(current_)};
  current_ = std::make_unique<Generation>();
  return frozen_;
}

}  // namespace dealwright::runtime
