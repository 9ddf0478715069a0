#include "engine/ports/fake/fake_store.h"

#include <utility>

#include "engine/base/assert.h"

namespace dealwright {

Result<std::optional<std::string>> FakeStore::get(std::string_view key) const {
  const std::lock_guard lock{mutex_};
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::optional<std::string>{};
  return std::optional<std::string>{found->second};
}

// Whether a write may go on; counts it.
Result<void> FakeStore::admit() {
  DW_ASSERT(scans_ == 0);
  if (failed_) return *failed_;
  if (++writes_ == fail_at_) {
    failed_ = Error{fail_code_, "the fake store was told to fail; open it again"};
    return *failed_;
  }
  return ok();
}

void FakeStore::put(const std::string& key, std::optional<std::string> value, Undo& undo) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    undo.push_back(StoreWrite{key, {}});
  } else {
    bytes_ -= key.size() + found->second.size();
    undo.push_back(StoreWrite{key, std::move(found->second)});
    entries_.erase(found);
  }
  if (!value) return;
  bytes_ += key.size() + value->size();
  entries_.emplace(key, std::move(*value));
}

Result<void> FakeStore::write(std::span<const StoreEntry> batch) {
  const std::lock_guard lock{mutex_};
  for (std::size_t i = 1; i < batch.size(); ++i) DW_ASSERT(batch[i - 1].key < batch[i].key);
  DW_TRY(admit());
  std::uint64_t more = 0;
  for (const auto& write : batch) more += write.value ? write.key.size() + write.value->size() : 0;
  if (bytes_ + more > capacity_) {
    failed_ = Error{Code::kNoSpace, "the fake store is full; open it again"};
    return *failed_;
  }
  Undo undo;
  for (const auto& write : batch) {
    put(std::string{write.key},
        write.value ? std::optional{std::string{*write.value}} : std::nullopt, undo);
  }
  unflushed_.push_back(std::move(undo));
  return ok();
}

Result<void> FakeStore::scan(
    std::string_view from, std::string_view to,
    const std::function<bool(std::string_view, std::string_view)>& visit) const {
  const std::lock_guard lock{mutex_};
  ++scans_;
  for (auto it = entries_.lower_bound(from); it != entries_.end() && it->first < to; ++it) {
    if (!visit(it->first, it->second)) break;
  }
  --scans_;
  return ok();
}

Result<void> FakeStore::erase_range(std::string_view from, std::string_view to) {
  const std::lock_guard lock{mutex_};
  DW_TRY(admit());
  Undo undo;
  std::vector<std::string> keys;
  for (auto it = entries_.lower_bound(from); it != entries_.end() && it->first < to; ++it) {
    keys.push_back(it->first);
  }
  for (const auto& key : keys) put(key, {}, undo);
  unflushed_.push_back(std::move(undo));
  return ok();
}

Result<void> FakeStore::flush() {
  const std::lock_guard lock{mutex_};
  DW_TRY(admit());
  unflushed_.clear();
  return ok();
}

std::uint64_t FakeStore::approximate_bytes() const {
  const std::lock_guard lock{mutex_};
  return bytes_;
}

void FakeStore::crash(std::size_t keep_writes) {
  const std::lock_guard lock{mutex_};
  DW_ASSERT(scans_ == 0);
  while (unflushed_.size() > keep_writes) {
    auto undo = std::move(unflushed_.back());
    unflushed_.pop_back();
    Undo ignored;
    for (auto write = undo.rbegin(); write != undo.rend(); ++write) {
      put(write->key, std::move(write->value), ignored);
    }
  }
  unflushed_.clear();
  failed_.reset();
  fail_at_ = 0;
}

std::size_t FakeStore::unflushed_writes() const {
  const std::lock_guard lock{mutex_};
  return unflushed_.size();
}

void FakeStore::fail_write(std::uint64_t n, Code code) {
  const std::lock_guard lock{mutex_};
  fail_at_ = writes_ + n;
  fail_code_ = code;
}

std::uint64_t FakeStore::writes() const {
  const std::lock_guard lock{mutex_};
  return writes_;
}

void FakeStore::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock{mutex_};
  capacity_ = bytes;
}

std::map<std::string, std::string> FakeStore::contents() const {
  const std::lock_guard lock{mutex_};
  return {entries_.begin(), entries_.end()};
}

}  // namespace dealwright
