// A value while a condition is evaluated: 16 bytes, copied freely, owning nothing. Texts, lists and
// maps lie in an arena, in the program or with the caller, and must outlive the Val. An error is a
// value too: it travels through operators until && || ?: or has() settle it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "engine/base/instant.h"
#include "engine/base/money.h"
#include "engine/base/value.h"
#include "rules/cel/arena.h"

namespace dealwright::rules::cel {

enum class Tag : std::uint8_t {
  kError, kNull, kBool, kInt, kUint, kDouble, kString, kBytes, kMoney, kDate, kTimestamp, kDuration,
  kList, kMap, kRecord, kType, kOptional,
};

// Why there is no value. The names (fault_name) are stable: explanations show them.
enum class Fault : std::uint8_t {
  kAbsent,            // a declared field without value; counts as no fault of the rule
  kNoSuchOverload,    // types that the operator or function does not take
  kNoSuchField,       // a record or a value of another type has no such field
  kNoSuchKey,         // a map lacks the key
  kOutOfRange,        // an index beyond a list, an instant or length beyond what can be said
  kOverflow,          // integer arithmetic
  kDivideByZero,
  kCurrencyMismatch,
  kInvalid,           // a text that is no number, date, pattern ...; a repeated key
  kUnknownName,       // neither variable nor function (unchecked conditions only)
  kNotAtHand,         // sealed, or gone after a wait
  kBudget,            // the evaluation costs more than it may
};
std::string_view fault_name(Fault fault);

class Val;
struct Entry;

// A record as a value: an element of a list, what manager(u) gives. Lives with the caller.
class Record {
 public:
  virtual ~Record() = default;
  virtual std::string_view kind() const = 0;
  virtual std::string_view id() const = 0;
  // Absent: Fault::kAbsent; no such field: Fault::kNoSuchField.
  virtual Val field(std::string_view name, Arena& arena) const = 0;
};

class Val {
 public:
  Val() = default;  // null
  static Val null() { return {}; }
  static Val boolean(bool v) { return {Tag::kBool, 0, std::int64_t{v}}; }
  static Val integer(std::int64_t v) { return {Tag::kInt, 0, v}; }
  static Val natural(std::uint64_t v) { return {Tag::kUint, 0, static_cast<std::int64_t>(v)}; }
  static Val real(double v);
  static Val text(std::string_view v) { return borrowed(Tag::kString, v); }
  static Val bytes(std::string_view v) { return borrowed(Tag::kBytes, v); }
  static Val type(std::string_view name) { return borrowed(Tag::kType, name); }
  static Val money(Money v);
  static Val date(LocalDate v) { return {Tag::kDate, 0, std::int64_t{v.days}}; }
  static Val instant(Instant v);
  static Val length(Duration v);
  // Nanoseconds are 0 to 999,999,999, also of lengths below zero (-0.5 s is -1 s + 0.5 s).
  static Val timestamp(std::int64_t seconds, std::uint32_t nanos) {
    return {Tag::kTimestamp, nanos, seconds};
  }
  static Val duration(std::int64_t seconds, std::uint32_t nanos) {
    return {Tag::kDuration, nanos, seconds};
  }
  static Val list(std::span<const Val> items);
  // REQUIRES: sorted by key_less, keys unique (see make_map).
  static Val map(std::span<const Entry> entries);
  static Val record(const Record* v) { return pointing(Tag::kRecord, 0, v); }
  static Val some(const Val* inner) { return pointing(Tag::kOptional, 1, inner); }
  static Val none() { return {Tag::kOptional, 0, 0}; }
  static Val error(Fault fault, std::string_view detail = {});
  static Val absent() { return error(Fault::kAbsent); }

  Tag tag() const { return tag_; }
  bool is(Tag tag) const { return tag_ == tag; }
  bool is_error() const { return tag_ == Tag::kError; }
  bool is_error(Fault fault) const { return is_error() && sub_ == static_cast<std::uint8_t>(fault); }
  bool is_true() const { return tag_ == Tag::kBool && number_ != 0; }
  bool is_false() const { return tag_ == Tag::kBool && number_ == 0; }
  // Each REQUIRES its tag.
  bool as_bool() const { return number_ != 0; }
  std::int64_t as_int() const { return number_; }
  std::uint64_t as_uint() const { return static_cast<std::uint64_t>(number_); }
  double as_double() const { return real_; }
  std::string_view as_text() const { return {text_, extra_}; }  // string, bytes, type, error
  Money as_money() const;
  LocalDate as_date() const { return {static_cast<std::int32_t>(number_)}; }
  std::int64_t seconds() const { return number_; }
  std::uint32_t nanos() const { return extra_; }
  Instant as_instant() const;  // cut to milliseconds
  Duration as_length() const;  // cut to milliseconds
  std::span<const Val> as_list() const;
  std::span<const Entry> as_map() const;
  const Record& as_record() const { return *static_cast<const Record*>(data_); }
  const Val* as_optional() const { return static_cast<const Val*>(data_); }  // null: none
  Fault fault() const { return static_cast<Fault>(sub_); }
  std::uint32_t size() const { return extra_; }  // bytes of a text, elements of a list or map
  std::uint32_t currency_bits() const { return extra_; }

 private:
  Val(Tag tag, std::uint32_t extra, std::int64_t number) : tag_{tag}, extra_{extra}, number_{number} {}
  static Val borrowed(Tag tag, std::string_view text);
  static Val pointing(Tag tag, std::uint32_t extra, const void* data);

  Tag tag_ = Tag::kNull;
  std::uint8_t sub_ = 0;
  std::uint32_t extra_ = 0;
  union {
    std::int64_t number_ = 0;
    double real_;
    const char* text_;
    const void* data_;
  };
};
static_assert(sizeof(Val) == 16 && std::is_trivially_copyable_v<Val>);

struct Entry {
  Val key;
  Val value;
};

// CEL's ==: a boolean; numbers compare across types exactly, values of unlike types are unequal;
// an error for money of two currencies. REQUIRES: neither is an error.
Val equal(const Val& a, const Val& b);
enum class Order : std::uint8_t { kLess, kLessEqual, kGreater, kGreaterEqual };
// CEL's < <= > >=: a boolean, kNoSuchOverload or kCurrencyMismatch.
Val ordered(Order order, const Val& a, const Val& b);
// The entry of a map with that key (numbers match across types), or null.
const Val* find_key(const Val& map, const Val& key);
bool is_key(const Val& key);  // bool, int, uint, string
// Sorts `entries` in place; a repeated key or a key of a wrong type is an error.
Val make_map(std::span<Entry> entries);

// A stored value as a value of conditions; absent becomes Fault::kAbsent, sealed kNotAtHand. Texts
// are borrowed from `value`, which must outlive the Val; lists and maps go into the arena.
Val from_value(const Value& value, Arena& arena);
// And back, copying; errors and records (by id) have no other form than text.
Value to_value(const Val& val);
Val deep_copy(const Val& val, Arena& arena);
std::string_view type_name(const Val& val);  // int, google.protobuf.Timestamp, money ...
// For people and tests: 3, 3u, 2.5, "text", b"\x01", money("3.00 EUR"), [1, 2], error(absent) ...
std::string to_text(const Val& val);

}  // namespace dealwright::rules::cel
