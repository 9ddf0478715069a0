// A value of a field, of event data or of free JSON: plain data, compared and printed alike
// everywhere. Absent is no value at all; null occurs in free data only.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/money.h"

namespace dealwright {

class Value;
struct Null {
  friend auto operator<=>(const Null&, const Null&) = default;
};
using List = std::vector<Value>;
// Sorted by key, keys unique: iteration order is part of the value.
using Map = std::vector<std::pair<std::string, Value>>;

// Ciphertext of a personal field: opaque here; sealed and opened elsewhere, under the key named.
struct Sealed {
  std::string key_id;
  std::string bytes;
  friend auto operator<=>(const Sealed&, const Sealed&) = default;
};

class Value {
 public:
  using Variant = std::variant<std::monostate, Null, bool, std::int64_t, double, std::string, Money,
                               Instant, LocalDate, std::shared_ptr<const List>,
                               std::shared_ptr<const Map>, std::shared_ptr<const Sealed>>;

  Value() = default;  // absent
  Value(Null v) : data_{v} {}
  Value(bool v) : data_{v} {}
  Value(std::int64_t v) : data_{v} {}
  Value(int v) : data_{std::int64_t{v}} {}
  Value(double v) : data_{v} {}
  Value(std::string v) : data_{std::move(v)} {}
  Value(std::string_view v) : data_{std::string{v}} {}
  Value(const char* v) : data_{std::string{v}} {}
  Value(Money v) : data_{v} {}
  Value(Instant v) : data_{v} {}
  Value(LocalDate v) : data_{v} {}
  Value(List v) : data_{std::make_shared<const List>(std::move(v))} {}
  // Sorts; of equal keys the last stands.
  Value(Map v);
  Value(Sealed v) : data_{std::make_shared<const Sealed>(std::move(v))} {}

  bool absent() const { return data_.index() == 0; }
  bool null() const { return std::holds_alternative<Null>(data_); }
  template <class T>
  const T* get() const {
    return std::get_if<T>(&data_);
  }
  const bool* as_bool() const { return get<bool>(); }
  const std::int64_t* as_int() const { return get<std::int64_t>(); }
  const double* as_double() const { return get<double>(); }
  const std::string* as_text() const { return get<std::string>(); }
  const Money* as_money() const { return get<Money>(); }
  const Instant* as_instant() const { return get<Instant>(); }
  const LocalDate* as_date() const { return get<LocalDate>(); }
  const List* as_list() const;
  const Map* as_map() const;
  const Sealed* as_sealed() const;
  // The text, or empty.
  std::string_view text_or_empty() const {
    const auto* text = as_text();
    return text == nullptr ? std::string_view{} : std::string_view{*text};
  }

  const Variant& variant() const { return data_; }
  friend bool operator==(const Value& a, const Value& b);

 private:
  Variant data_;
};

// The value of a key of a map, or null.
const Value* find(const Map& map, std::string_view key);

// Canonical text: JSON, with money as {"currency":..,"minor":..}, instants and dates as strings,
// doubles in the shortest form that reads back alike (locale-free). Absent prints as null.
void append_json(std::string& out, const Value& value);
std::string to_json(const Value& value);
void append_json_string(std::string& out, std::string_view text);

}  // namespace dealwright
