#include "engine/runtime/record_table.h"

#include <string>
#include <utility>

#include "engine/codec/event_codec.h"

namespace dealwright::runtime {
namespace {

constexpr std::size_t kLine = 64;

void fetch_bytes(const void* from, std::size_t bytes) {
  const auto* at = static_cast<const char*>(from);
  for (std::size_t i = 0; i < bytes; i += kLine) __builtin_prefetch(at + i, 1);
}

void fetch_end(std::string_view bytes) { fetch_bytes(bytes.data() + bytes.size(), 1); }

}  // namespace

std::uint64_t RecordTable::hash_of(Kind kind, std::string_view id) {
  return hash64(id) ^ (static_cast<std::uint64_t>(kind) * 0x9e3779b97f4a7c15U);
}

RecordSlot* RecordTable::find(const RecordKey& key, std::uint64_t hash) const {
  const auto mask = buckets_.size() - 1;
  for (auto at = hash & mask;; at = (at + 1) & mask) {
    const auto& bucket = buckets_[at];
    if (bucket.slot == nullptr) return nullptr;
    if (bucket.hash == hash && bucket.slot->record.key == key) return bucket.slot.get();
  }
}

RecordSlot& RecordTable::insert(std::unique_ptr<RecordSlot> slot) {
  if (2 * (size_ + 1) > buckets_.size()) grow(buckets_.size() * 2);
  const auto mask = buckets_.size() - 1;
  auto at = slot->hash & mask;
  while (buckets_[at].slot != nullptr) at = (at + 1) & mask;
  buckets_[at] = {slot->hash, std::move(slot)};
  ++size_;
  return *buckets_[at].slot;
}

void RecordTable::grow(std::size_t buckets) {
  auto old = std::exchange(buckets_, std::vector<Bucket>(buckets));
  const auto mask = buckets - 1;
  size_ = 0;
  for (auto& bucket : old) {  // slots are not touched: they are far apart
    if (bucket.slot == nullptr) continue;
    auto at = bucket.hash & mask;
    while (buckets_[at].slot != nullptr) at = (at + 1) & mask;
    buckets_[at] = std::move(bucket);
    ++size_;
  }
}

void RecordTable::erase_if(const std::function<bool(RecordSlot&)>& gone) {
  constexpr std::size_t kAhead = 16;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    if (i + kAhead < buckets_.size()) __builtin_prefetch(buckets_[i + kAhead].slot.get(), 1);
    auto& slot = buckets_[i].slot;
    if (slot != nullptr && gone(*slot)) slot.reset();
  }
  grow(buckets_.size());
}

const RecordSlot* RecordTable::first(std::uint64_t hash) const {
  const auto mask = buckets_.size() - 1;
  for (auto at = hash & mask;; at = (at + 1) & mask) {
    const auto& bucket = buckets_[at];
    if (bucket.slot == nullptr || bucket.hash == hash) return bucket.slot.get();
  }
}

void RecordTable::fetch(const RecordSlot& slot) {
  const auto* first = reinterpret_cast<const char*>(&slot);
  const auto* behind = reinterpret_cast<const char*>(&slot.record.base);
  fetch_bytes(first, static_cast<std::size_t>(behind - first));
}

void RecordTable::fetch_parts(const RecordSlot& slot) {
  const auto& record = slot.record;
  fetch_bytes(record.fields.data(), record.fields.size() * sizeof(Register));
  fetch_bytes(record.counts.data(), 1);
  fetch_end(record.facts.bytes());
  fetch_end(record.history.bytes());
}

void RecordTable::fetch(std::uint64_t hash) const {
  if (const auto* slot = first(hash)) fetch(*slot);
}

void RecordTable::fetch_parts(std::uint64_t hash) const {
  if (const auto* slot = first(hash)) fetch_parts(*slot);
}

void LookAhead::see(const LogRecord& event, std::size_t index) {
  auto& hash = hashes_[index % hashes_.size()];
  hash = 0;
  if (const auto subject = codec::peek_subject(event.bytes)) {
    hash = RecordTable::hash_of(subject->first, subject->second);
    records_.fetch(hash);
  }
}

void LookAhead::at(const std::vector<LogRecord>& events, std::size_t next) {
  if (next == 0) {
    for (std::size_t i = 1; i < kFar && i < events.size(); ++i) see(events[i], i);
  }
  if (next + kFar < events.size()) see(events[next + kFar], next + kFar);
  if (next + kNear < events.size()) {
    const auto hash = hashes_[(next + kNear) % hashes_.size()];
    if (hash != 0) records_.fetch_parts(hash);
  }
}

std::string veiled(const RecordKey& key) {
  return std::string{kind_name(key.kind)} + " #" +
         std::to_string(RecordTable::hash_of(key.kind, key.id));
}

}  // namespace dealwright::runtime
