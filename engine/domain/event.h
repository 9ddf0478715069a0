// A fact as it came in: envelope and typed data. A value type; nothing here judges it.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/value.h"
#include "engine/domain/vocabulary.h"

namespace dealwright {

// Which record: "deal/d1". A foreign kind keeps its whole text in `id`.
struct RecordKey {
  Kind kind = Kind::kForeign;
  std::string id;
  friend auto operator<=>(const RecordKey&, const RecordKey&) = default;
};
std::string to_text(const RecordKey& key);
// Any text of 1 to 200 bytes; what has no known prefix becomes foreign.
RecordKey parse_record_key(std::string_view text);

// Values by field, sorted by number, no field twice, none absent. Small: a vector.
class Fields {
 public:
  using Entry = std::pair<Field, Value>;
  const Value* find(Field field) const;
  void set(Field field, Value value);  // an absent value erases
  void append(Field field, Value value) { entries_.emplace_back(field, std::move(value)); }
  // REQUIRES: call once after append() of unordered fields; of equal fields the last stands.
  void normalize();
  void clear() { entries_.clear(); }
  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  friend bool operator==(const Fields&, const Fields&) = default;

  // Shortcuts: the value if it has that type, else none or empty.
  std::string_view text(Field field) const;
  std::optional<std::int64_t> integer(Field field) const;
  bool flag(Field field) const;
  std::optional<Money> money(Field field) const;
  std::optional<Instant> instant(Field field) const;
  std::optional<LocalDate> date(Field field) const;

 private:
  std::vector<Entry> entries_;
};

// What an import (or an event of it) lets rules do; the stricter of event and batch holds.
enum class Policy : std::uint8_t { kUnset = 0, kFire = 1, kDrip = 2, kShadow = 3, kSuppress = 4 };
std::string_view policy_name(Policy policy);
std::optional<Policy> policy_of(std::string_view name);

struct Event {
  std::string source;  // with `id`: what duplicates are found by
  std::string id;
  TypeId type = TypeId::kForeignType;
  std::string foreign_type;  // the name, if the type is not ours
  RecordKey subject;
  std::optional<Instant> time;  // when it happened
  std::string partition_key;    // "" : by subject
  Fields data;                  // declared fields of the type
  Map extra;                    // undeclared ones, as they came
  std::string actor;            // user/u1, rule/offer-silence, system/import
  std::string import_batch;
  std::uint64_t import_row = 0;
  Policy policy = Policy::kUnset;
  std::string causation_id;
  std::string correlation_id;
  std::string traceparent;
  Map extensions;      // CloudEvents attributes that are not ours
  std::string key_id;  // of `mac`: only on what the engine itself appends
  std::string mac;
  std::string opaque;  // data that is not JSON, with its content type
  std::string content_type;

  std::string_view type_name() const {
    return type == TypeId::kForeignType ? std::string_view{foreign_type} : spec_of(type).name;
  }
  friend bool operator==(const Event&, const Event&) = default;
};

// The text that a fact is placed by: partition key, else subject (design 7.1).
std::string placement_key(const Event& event);
// murmur2 as Kafka's Java client computes it, made positive, modulo the count: the same fact lands
// on the same partition on every log.
std::uint32_t partition_of(std::string_view key, std::uint32_t partitions);

}  // namespace dealwright
