// Operators on values. Integers never wrap: what does not fit is a fault.
#include "rules/cel/builtins.h"

namespace dealwright::rules::cel {
namespace {

Value by_zero(const char* what) { return Value::fault(Fault::kDivideByZero, what); }
Value mixed() {
  return Value::fault(Fault::kCurrencyMismatch, "two currencies do not add or compare");
}

constexpr auto kAdd = [](auto x, auto y, auto* o) { return __builtin_add_overflow(x, y, o); };
constexpr auto kSubtract = [](auto x, auto y, auto* o) { return __builtin_sub_overflow(x, y, o); };
constexpr auto kMultiply = [](auto x, auto y, auto* o) { return __builtin_mul_overflow(x, y, o); };

template <class T, class F>
Value checked(T a, T b, F overflows) {
  T out{};
  return overflows(a, b, &out) ? overflow() : Value{out};
}

// Two ints, two uints, two lengths or two sums of money; none: others.
template <class F>
bool checked_pair(Args a, F overflows, Value& out) {
  if (both<std::int64_t>(a)) {
    out = checked(*a[0].get<std::int64_t>(), *a[1].get<std::int64_t>(), overflows);
  } else if (both<std::uint64_t>(a)) {
    out = checked(*a[0].get<std::uint64_t>(), *a[1].get<std::uint64_t>(), overflows);
  } else if (both<Span>(a)) {
    std::int64_t nanos = 0;
    const bool lost = overflows(a[0].get<Span>()->nanos, a[1].get<Span>()->nanos, &nanos);
    out = lost ? overflow() : Value{Span{nanos}};
  } else if (both<Money>(a)) {
    const auto &x = *a[0].get<Money>(), &y = *a[1].get<Money>();
    std::int64_t minor = 0;
    if (x.currency != y.currency) {
      out = mixed();
    } else {
      out = overflows(x.minor, y.minor, &minor) ? overflow() : Value{Money{minor, x.currency}};
    }
  } else {
    return false;
  }
  return true;
}

// `sign` is 1 or -1; the length is never negated on its own, which could overflow.
Value shift(const Timestamp& at, const Span& by, std::int64_t sign) {
  auto seconds = at.seconds + sign * (by.nanos / kNanosPerSecond);
  auto rest = std::int64_t{at.nanos} + sign * (by.nanos % kNanosPerSecond);
  if (rest < 0) {
    rest += kNanosPerSecond;
    --seconds;
  }
  seconds += rest / kNanosPerSecond;
  if (seconds < kSecondsMin || seconds > kSecondsMax) return overflow();
  return Value{Timestamp{seconds, static_cast<std::int32_t>(rest % kNanosPerSecond)}};
}

Value subtract_times(const Timestamp& a, const Timestamp& b) {
  std::int64_t nanos = 0;
  if (__builtin_mul_overflow(a.seconds - b.seconds, kNanosPerSecond, &nanos) ||
      __builtin_add_overflow(nanos, std::int64_t{a.nanos} - b.nanos, &nanos)) {
    return overflow();
  }
  return Value{Span{nanos}};
}

bool numeric(const Value& v) {
  return v.get<std::int64_t>() != nullptr || v.get<std::uint64_t>() != nullptr ||
         v.get<double>() != nullptr;
}

bool two_currencies(const Value& a, const Value& b) {
  const auto *x = a.get<Money>(), *y = b.get<Money>();
  return x != nullptr && y != nullptr && x->currency != y->currency;
}

}  // namespace

Value add(Args a) {
  Value out;
  if (both<std::string>(a)) return Value{*a[0].as_text() + *a[1].as_text()};
  if (checked_pair(a, kAdd, out)) return out;
  if (both<double>(a)) return Value{*a[0].get<double>() + *a[1].get<double>()};
  if (both<Bytes>(a)) return Value{Bytes{a[0].get<Bytes>()->bytes + a[1].get<Bytes>()->bytes}};
  if (a[0].get<Timestamp>() != nullptr && a[1].get<Span>() != nullptr)
    return shift(*a[0].get<Timestamp>(), *a[1].get<Span>(), 1);
  if (a[0].get<Span>() != nullptr && a[1].get<Timestamp>() != nullptr)
    return shift(*a[1].get<Timestamp>(), *a[0].get<Span>(), 1);
  if (a[0].as_list() != nullptr && a[1].as_list() != nullptr) {
    List list = *a[0].as_list();
    list.insert(list.end(), a[1].as_list()->begin(), a[1].as_list()->end());
    return Value::list(std::move(list));
  }
  return no_overload("_+_");
}

Value subtract(Args a) {
  Value out;
  if (checked_pair(a, kSubtract, out)) return out;
  if (both<double>(a)) return Value{*a[0].get<double>() - *a[1].get<double>()};
  if (both<Timestamp>(a)) return subtract_times(*a[0].get<Timestamp>(), *a[1].get<Timestamp>());
  if (a[0].get<Timestamp>() != nullptr && a[1].get<Span>() != nullptr)
    return shift(*a[0].get<Timestamp>(), *a[1].get<Span>(), -1);
  return no_overload("_-_");
}

Value multiply(Args a) {
  if (both<std::int64_t>(a))
    return checked(*a[0].get<std::int64_t>(), *a[1].get<std::int64_t>(), kMultiply);
  if (both<std::uint64_t>(a))
    return checked(*a[0].get<std::uint64_t>(), *a[1].get<std::uint64_t>(), kMultiply);
  if (both<double>(a)) return Value{*a[0].get<double>() * *a[1].get<double>()};
  const bool money_first = a[0].get<Money>() != nullptr;
  const auto* money = a[money_first ? 0 : 1].get<Money>();
  const auto* times = a[money_first ? 1 : 0].get<std::int64_t>();
  if (money == nullptr || times == nullptr) return no_overload("_*_");
  std::int64_t minor = 0;
  if (__builtin_mul_overflow(money->minor, *times, &minor)) return overflow();
  return Value{Money{minor, money->currency}};
}

Value divide(Args a) {
  if (both<std::int64_t>(a)) {
    const auto x = *a[0].get<std::int64_t>(), y = *a[1].get<std::int64_t>();
    if (y == 0) return by_zero("division by zero");
    return y == -1 && x == std::numeric_limits<std::int64_t>::min() ? overflow() : Value{x / y};
  }
  if (both<std::uint64_t>(a)) {
    const auto x = *a[0].get<std::uint64_t>(), y = *a[1].get<std::uint64_t>();
    return y == 0 ? by_zero("division by zero") : Value{x / y};
  }
  if (both<double>(a)) return Value{*a[0].get<double>() / *a[1].get<double>()};
  return no_overload("_/_");
}

Value modulo(Args a) {
  if (both<std::int64_t>(a)) {
    const auto x = *a[0].get<std::int64_t>(), y = *a[1].get<std::int64_t>();
    if (y == 0) return by_zero("modulus by zero");
    if (y != -1) return Value{x % y};
    return x == std::numeric_limits<std::int64_t>::min() ? overflow() : Value{std::int64_t{0}};
  }
  if (both<std::uint64_t>(a)) {
    const auto x = *a[0].get<std::uint64_t>(), y = *a[1].get<std::uint64_t>();
    return y == 0 ? by_zero("modulus by zero") : Value{x % y};
  }
  return no_overload("_%_");
}

Value negate(Args a) {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  if (const auto* i = a[0].get<std::int64_t>()) return *i == kMin ? overflow() : Value{-*i};
  if (const auto* d = a[0].get<double>()) return Value{-*d};
  if (const auto* s = a[0].get<Span>())
    return s->nanos == kMin ? overflow() : Value{Span{-s->nanos}};
  if (const auto* m = a[0].get<Money>())
    return m->minor == kMin ? overflow() : Value{Money{-m->minor, m->currency}};
  return no_overload("-_");
}

Value invert(Args a) {
  const auto* v = a[0].as_bool();
  return v == nullptr ? no_overload("!_") : Value{!*v};
}

Value equals(const Value& a, const Value& b, bool wanted) {
  if (two_currencies(a, b)) return mixed();
  return Value{equal(a, b) == wanted};
}

Value ordered(const Value& a, const Value& b, Order order) {
  const bool alike = a.variant().index() == b.variant().index();
  if (two_currencies(a, b)) return mixed();
  if (!alike && !(numeric(a) && numeric(b)))
    return no_overload("comparison of " + type_name(a) + " with " + type_name(b));
  const bool no_order = a.get<Null>() != nullptr || a.as_list() != nullptr ||
                        a.as_map() != nullptr || a.get<TypeName>() != nullptr ||
                        a.get<Optional>() != nullptr;
  if (no_order) return no_overload("comparison of " + type_name(a));
  const auto found = compare(a, b);
  if (found == kUnordered) return Value{false};
  switch (order) {
    case Order::kLess:
      return Value{found < 0};
    case Order::kLessEqual:
      return Value{found <= 0};
    case Order::kGreater:
      return Value{found > 0};
    case Order::kGreaterEqual:
      return Value{found >= 0};
  }
  return Value{false};
}

// As a chain of ||: one that is equal decides, else a fault stands.
Value contains_in(Args a) {
  if (const auto* list = a[1].as_list()) {
    bool currencies = false;
    for (const auto& entry : *list) {
      if (equal(entry, a[0])) return Value{true};
      currencies = currencies || two_currencies(entry, a[0]);
    }
    return currencies ? mixed() : Value{false};
  }
  if (const auto* map = a[1].as_map()) {
    for (const auto& entry : *map) {
      if (equal(entry.first, a[0])) return Value{true};
    }
    return Value{false};
  }
  return no_overload("@in");
}

}  // namespace dealwright::rules::cel
