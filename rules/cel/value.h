// Values of the condition language. A user's mistake at run time is a value too: an Error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/value.h"

namespace dealwright::rules::cel {

// Closed list; the names stand in explanations.
enum class Fault : std::uint8_t {
  kAbsent,  // a declared field without value: asks for has() or orValue()
  kNoSuchField,
  kNoSuchKey,
  kNoSuchOverload,
  kOverflow,
  kDivideByZero,
  kInvalidArgument,
  kCurrencyMismatch,
  kBudget,
};
std::string_view fault_name(Fault fault);

struct Error {
  Fault fault = Fault::kNoSuchOverload;
  std::string detail;
};

class Value;
using List = std::vector<Value>;
using Map = std::vector<std::pair<Value, Value>>;  // in order of insertion; keys unique

struct Bytes {
  std::string bytes;
};
struct Timestamp {  // since 1970; nanos 0..999,999,999
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;
  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
};
struct Span {  // CEL's duration, in nanoseconds
  std::int64_t nanos = 0;
  friend auto operator<=>(const Span&, const Span&) = default;
};
struct TypeName {
  std::string name;
};
struct Optional {
  std::shared_ptr<const Value> value;  // null: none
};

class Value {
 public:
  using Variant = std::variant<Error, Null, bool, std::int64_t, std::uint64_t, double, std::string,
                               Bytes, Money, LocalDate, Timestamp, Span, TypeName, Optional,
                               std::shared_ptr<const List>, std::shared_ptr<const Map>>;
  Value() : data_{Error{}} {}
  template <class T>
  requires std::is_constructible_v<Variant, T&&> &&
      (!std::is_same_v<std::decay_t<T>, Value>)Value(T&& v)
      : data_{std::forward<T>(v)} {}
  static Value list(List list) { return Value{std::make_shared<const List>(std::move(list))}; }
  static Value map(Map map) { return Value{std::make_shared<const Map>(std::move(map))}; }
  static Value fault(Fault fault, std::string detail) {
    return Value{Error{fault, std::move(detail)}};
  }

  template <class T>
  const T* get() const {
    return std::get_if<T>(&data_);
  }
  bool failed() const { return data_.index() == 0; }
  const Error* error() const { return get<Error>(); }
  const bool* as_bool() const { return get<bool>(); }
  const std::string* as_text() const { return get<std::string>(); }
  const List* as_list() const {
    const auto* p = get<std::shared_ptr<const List>>();
    return p == nullptr ? nullptr : p->get();
  }
  const Map* as_map() const {
    const auto* p = get<std::shared_ptr<const Map>>();
    return p == nullptr ? nullptr : p->get();
  }
  bool is_true() const {
    const auto* v = as_bool();
    return v != nullptr && *v;
  }
  const Variant& variant() const { return data_; }

 private:
  Variant data_;
};

// CEL's ==: numbers by value across types, NaN differs from all; of unlike types: false.
bool equal(const Value& a, const Value& b);
// -1, 0, 1; kUnordered where CEL has no order (NaN, unlike types).
inline constexpr int kUnordered = 2;
int compare(const Value& a, const Value& b);
std::string type_name(const Value& value);

// From the engine's data and back. An absent value becomes the fault kAbsent.
Value from_base(const dealwright::Value& value, std::string_view what);
dealwright::Value to_base(const Value& value);
inline Timestamp to_timestamp(Instant at) {
  const auto seconds = at.ms >= 0 ? at.ms / 1000 : -((-at.ms + 999) / 1000);
  return {seconds, static_cast<std::int32_t>((at.ms - seconds * 1000) * 1'000'000)};
}
inline Instant to_instant(const Timestamp& t) { return {t.seconds * 1000 + t.nanos / 1'000'000}; }

}  // namespace dealwright::rules::cel
