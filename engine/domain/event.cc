#include "engine/domain/event.h"

#include <algorithm>
#include <cstring>

namespace dealwright {

std::string to_text(const RecordKey& key) {
  if (key.kind == Kind::kForeign) return key.id;
  std::string out{kind_name(key.kind)};
  out += '/';
  out += key.id;
  return out;
}

RecordKey parse_record_key(std::string_view text) {
  const auto slash = text.find('/');
  if (slash != std::string_view::npos && slash + 1 < text.size()) {
    if (const auto kind = kind_of(text.substr(0, slash))) {
      return RecordKey{*kind, std::string{text.substr(slash + 1)}};
    }
  }
  return RecordKey{Kind::kForeign, std::string{text}};
}

const Value* Fields::find(Field field) const {
  for (const auto& [f, value] : entries_) {  // a dozen entries: shorter than a search
    if (f == field) return &value;
  }
  return nullptr;
}

void Fields::set(Field field, Value value) {
  const auto it = std::lower_bound(entries_.begin(), entries_.end(), field,
                                   [](const Entry& e, Field f) { return e.first < f; });
  const bool found = it != entries_.end() && it->first == field;
  if (value.absent()) {
    if (found) entries_.erase(it);
  } else if (found) {
    it->second = std::move(value);
  } else {
    entries_.emplace(it, field, std::move(value));
  }
}

void Fields::normalize() {
  const auto less = [](const Entry& a, const Entry& b) { return a.first < b.first; };
  if (!std::is_sorted(entries_.begin(), entries_.end(), less)) {
    std::stable_sort(entries_.begin(), entries_.end(), less);
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const bool last = i + 1 == entries_.size() || entries_[i + 1].first != entries_[i].first;
    if (!last || entries_[i].second.absent()) continue;
    if (kept != i) entries_[kept] = std::move(entries_[i]);
    ++kept;
  }
  entries_.resize(kept);
}

std::string_view Fields::text(Field field) const {
  const auto* value = find(field);
  return value == nullptr ? std::string_view{} : value->text_or_empty();
}
std::optional<std::int64_t> Fields::integer(Field field) const {
  const auto* value = find(field);
  const auto* v = value == nullptr ? nullptr : value->as_int();
  return v == nullptr ? std::nullopt : std::optional{*v};
}
bool Fields::flag(Field field) const {
  const auto* value = find(field);
  const auto* v = value == nullptr ? nullptr : value->as_bool();
  return v != nullptr && *v;
}
std::optional<Money> Fields::money(Field field) const {
  const auto* value = find(field);
  const auto* v = value == nullptr ? nullptr : value->as_money();
  return v == nullptr ? std::nullopt : std::optional{*v};
}
std::optional<Instant> Fields::instant(Field field) const {
  const auto* value = find(field);
  const auto* v = value == nullptr ? nullptr : value->as_instant();
  return v == nullptr ? std::nullopt : std::optional{*v};
}
std::optional<LocalDate> Fields::date(Field field) const {
  const auto* value = find(field);
  const auto* v = value == nullptr ? nullptr : value->as_date();
  return v == nullptr ? std::nullopt : std::optional{*v};
}

std::string_view policy_name(Policy policy) {
  static constexpr std::string_view kNames[] = {"", "fire", "drip", "shadow", "suppress"};
  return kNames[static_cast<std::size_t>(policy)];
}

std::optional<Policy> policy_of(std::string_view name) {
  for (const auto policy : {Policy::kFire, Policy::kDrip, Policy::kShadow, Policy::kSuppress}) {
    if (policy_name(policy) == name) return policy;
  }
  return std::nullopt;
}

std::string placement_key(const Event& event) {
  return event.partition_key.empty() ? to_text(event.subject) : event.partition_key;
}

std::uint32_t partition_of(std::string_view key, std::uint32_t partitions) {
  constexpr std::uint32_t kM = 0x5bd1e995;
  std::uint32_t h = 0x9747b28cU ^ static_cast<std::uint32_t>(key.size());
  const char* p = key.data();
  std::size_t left = key.size();
  for (; left >= 4; left -= 4, p += 4) {
    std::uint32_t k;
    std::memcpy(&k, p, 4);
    k *= kM;
    k ^= k >> 24;
    k *= kM;
    h *= kM;
    h ^= k;
  }
  if (left >= 3) h ^= static_cast<std::uint32_t>(static_cast<std::uint8_t>(p[2])) << 16;
  if (left >= 2) h ^= static_cast<std::uint32_t>(static_cast<std::uint8_t>(p[1])) << 8;
  if (left >= 1) {
    h ^= static_cast<std::uint8_t>(p[0]);
    h *= kM;
  }
  h ^= h >> 13;
  h *= kM;
  h ^= h >> 15;
  return (h & 0x7fffffffU) % partitions;
}

}  // namespace dealwright
