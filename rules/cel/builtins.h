// The language's own operators and functions, on values. Inside rules/cel.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "rules/cel/ast.h"

namespace dealwright::rules::cel {

using Args = std::span<const Value>;
using Builtin = Value (*)(Args);

struct Function {
  Builtin call = nullptr;
  std::size_t arity = 0;
};
// Null: there is none of that name.
const Function* find_function(std::string_view name);
Builtin find_member(std::string_view name);
// "UTC", "+02:00": a zone that needs no table.
bool is_fixed_zone(std::string_view zone);

inline Value no_overload(std::string_view what) {
  return Value::fault(Fault::kNoSuchOverload, "no such overload: " + std::string{what});
}
inline Value overflow() { return Value::fault(Fault::kOverflow, "the number overflows"); }
inline Value invalid(std::string detail) {
  return Value::fault(Fault::kInvalidArgument, std::move(detail));
}

inline constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
inline constexpr std::int64_t kSecondsMin = -62'135'596'800;  // years 1 to 9999
inline constexpr std::int64_t kSecondsMax = 253'402'300'799;

template <class T>
bool both(Args a) {
  return a[0].get<T>() != nullptr && a[1].get<T>() != nullptr;
}

// Operators, each with as many operands as it has; none is an error.
Value add(Args a);
Value subtract(Args a);
Value multiply(Args a);
Value divide(Args a);
Value modulo(Args a);
Value negate(Args a);
Value invert(Args a);
Value contains_in(Args a);
// == and != over two values: a fault for money of two currencies.
Value equals(const Value& a, const Value& b, bool wanted);
enum class Order : std::uint8_t { kLess, kLessEqual, kGreater, kGreaterEqual };
Value ordered(const Value& a, const Value& b, Order order);

// Conversions: int(), string() ... of one value.
Value to_int(Args a);
Value to_uint(Args a);
Value to_double(Args a);
Value to_string(Args a);
Value to_bytes(Args a);
Value to_bool(Args a);
Value timestamp(Args a);
Value duration(Args a);

// Regular expressions: matches() reads the pattern each time; the checker reads constant ones once.
Value matches(Args a);
std::shared_ptr<const re2::RE2> read_pattern(std::string_view text, std::string& problem);
bool found_in(std::string_view text, const re2::RE2& pattern);

}  // namespace dealwright::rules::cel
