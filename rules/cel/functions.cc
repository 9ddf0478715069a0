// Operators and functions on values.
#include <re2/re2.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "rules/cel/eval.h"

namespace dealwright::rules::cel {
namespace {

using Args = std::vector<Value>;
using Function = Value (*)(const Args&);

Value none(std::string_view what) {
  return Value::fault(Fault::kNoSuchOverload, "no such overload: " + std::string{what});
}
Value overflow() { return Value::fault(Fault::kOverflow, "the number overflows"); }
Value by_zero() { return Value::fault(Fault::kDivideByZero, "division by zero"); }
Value invalid(std::string detail) {
  return Value::fault(Fault::kInvalidArgument, std::move(detail));
}
Value mixed() {
  return Value::fault(Fault::kCurrencyMismatch, "two currencies do not add or compare");
}

constexpr std::int64_t kNanos = 1'000'000'000;
constexpr std::int64_t kTimeMin = -62'135'596'800;
constexpr std::int64_t kTimeMax = 253'402'300'799;

template <class T, class F>
Value checked(T a, T b, F overflows) {
  T out{};
  return overflows(a, b, &out) ? overflow() : Value{out};
}

Value shift(const Timestamp& at, std::int64_t nanos) {
  auto seconds = at.seconds + nanos / kNanos;
  auto rest = static_cast<std::int64_t>(at.nanos) + nanos % kNanos;
  if (rest < 0) {
    rest += kNanos;
    --seconds;
  }
  seconds += rest / kNanos;
  if (seconds < kTimeMin || seconds > kTimeMax) return overflow();
  return Value{Timestamp{seconds, static_cast<std::int32_t>(rest % kNanos)}};
}

template <class T>
bool both(const Args& a) {
  return a[0].get<T>() != nullptr && a[1].get<T>() != nullptr;
}

Value add(const Args& a) {
  if (both<std::int64_t>(a))
    return checked(*a[0].get<std::int64_t>(), *a[1].get<std::int64_t>(),
                   [](auto x, auto y, auto* o) { return __builtin_add_overflow(x, y, o); });
  if (both<std::uint64_t>(a))
    return checked(*a[0].get<std::uint64_t>(), *a[1].get<std::uint64_t>(),
                   [](auto x, auto y, auto* o) { return __builtin_add_overflow(x, y, o); });
  if (both<double>(a)) return Value{*a[0].get<double>() + *a[1].get<double>()};
  if (both<std::string>(a)) return Value{*a[0].as_text() + *a[1].as_text()};
  if (both<Bytes>(a)) return Value{Bytes{a[0].get<Bytes>()->bytes + a[1].get<Bytes>()->bytes}};
  if (both<Span>(a)) {
    std::int64_t out = 0;
    return __builtin_add_overflow(a[0].get<Span>()->nanos, a[1].get<Span>()->nanos, &out)
               ? overflow()
               : Value{Span{out}};
  }
  if (both<Money>(a)) {
    const auto &x = *a[0].get<Money>(), &y = *a[1].get<Money>();
    std::int64_t out = 0;
    if (x.currency != y.currency) return mixed();
    return __builtin_add_overflow(x.minor, y.minor, &out) ? overflow()
                                                          : Value{Money{out, x.currency}};
  }
  if (a[0].get<Timestamp>() != nullptr && a[1].get<Span>() != nullptr)
    return shift(*a[0].get<Timestamp>(), a[1].get<Span>()->nanos);
  if (a[0].get<Span>() != nullptr && a[1].get<Timestamp>() != nullptr)
    return shift(*a[1].get<Timestamp>(), a[0].get<Span>()->nanos);
  if (a[0].as_list() != nullptr && a[1].as_list() != nullptr) {
    List out = *a[0].as_list();
    out.insert(out.end(), a[1].as_list()->begin(), a[1].as_list()->end());
    return Value::list(std::move(out));
  }
  return none("_+_");
}

Value subtract_times(const Timestamp& a, const Timestamp& b) {
  std::int64_t nanos = 0;
  if (__builtin_mul_overflow(a.seconds - b.seconds, kNanos, &nanos) ||
      __builtin_add_overflow(nanos, static_cast<std::int64_t>(a.nanos) - b.nanos, &nanos))
    return overflow();
  return Value{Span{nanos}};
}

Value subtract(const Args& a) {
  if (both<std::int64_t>(a))
    return checked(*a[0].get<std::int64_t>(), *a[1].get<std::int64_t>(),
                   [](auto x, auto y, auto* o) { return __builtin_sub_overflow(x, y, o); });
  if (both<std::uint64_t>(a))
    return checked(*a[0].get<std::uint64_t>(), *a[1].get<std::uint64_t>(),
                   [](auto x, auto y, auto* o) { return __builtin_sub_overflow(x, y, o); });
  if (both<double>(a)) return Value{*a[0].get<double>() - *a[1].get<double>()};
  if (both<Span>(a)) {
    std::int64_t out = 0;
    return __builtin_sub_overflow(a[0].get<Span>()->nanos, a[1].get<Span>()->nanos, &out)
               ? overflow()
               : Value{Span{out}};
  }
  if (both<Money>(a)) {
    const auto &x = *a[0].get<Money>(), &y = *a[1].get<Money>();
    std::int64_t out = 0;
    if (x.currency != y.currency) return mixed();
    return __builtin_sub_overflow(x.minor, y.minor, &out) ? overflow()
                                                          : Value{Money{out, x.currency}};
  }
  if (both<Timestamp>(a)) return subtract_times(*a[0].get<Timestamp>(), *a[1].get<Timestamp>());
  if (a[0].get<Timestamp>() != nullptr && a[1].get<Span>() != nullptr)
    return shift(*a[0].get<Timestamp>(), -a[1].get<Span>()->nanos);
  return none("_-_");
}

Value multiply(const Args& a) {
  if (both<std::int64_t>(a))
    return checked(*a[0].get<std::int64_t>(), *a[1].get<std::int64_t>(),
                   [](auto x, auto y, auto* o) { return __builtin_mul_overflow(x, y, o); });
  if (both<std::uint64_t>(a))
    return checked(*a[0].get<std::uint64_t>(), *a[1].get<std::uint64_t>(),
                   [](auto x, auto y, auto* o) { return __builtin_mul_overflow(x, y, o); });
  if (both<double>(a)) return Value{*a[0].get<double>() * *a[1].get<double>()};
  const auto* money = a[0].get<Money>() != nullptr ? a[0].get<Money>() : a[1].get<Money>();
  const auto* times =
      a[0].get<Money>() != nullptr ? a[1].get<std::int64_t>() : a[0].get<std::int64_t>();
  if (money != nullptr && times != nullptr) {
    std::int64_t out = 0;
    return __builtin_mul_overflow(money->minor, *times, &out) ? overflow()
                                                              : Value{Money{out, money->currency}};
  }
  return none("_*_");
}

Value divide(const Args& a) {
  if (both<std::int64_t>(a)) {
    const auto x = *a[0].get<std::int64_t>(), y = *a[1].get<std::int64_t>();
    if (y == 0) return by_zero();
    return y == -1 && x == std::numeric_limits<std::int64_t>::min() ? overflow() : Value{x / y};
  }
  if (both<std::uint64_t>(a))
    return *a[1].get<std::uint64_t>() == 0
               ? by_zero()
               : Value{*a[0].get<std::uint64_t>() / *a[1].get<std::uint64_t>()};
  if (both<double>(a)) return Value{*a[0].get<double>() / *a[1].get<double>()};
  return none("_/_");
}

Value modulo(const Args& a) {
  if (both<std::int64_t>(a)) {
    const auto x = *a[0].get<std::int64_t>(), y = *a[1].get<std::int64_t>();
    if (y == 0) return Value::fault(Fault::kDivideByZero, "modulus by zero");
    return y == -1 && x == std::numeric_limits<std::int64_t>::min()
               ? overflow()
               : Value{y == -1 ? std::int64_t{0} : x % y};
  }
  if (both<std::uint64_t>(a))
    return *a[1].get<std::uint64_t>() == 0
               ? by_zero()
               : Value{*a[0].get<std::uint64_t>() % *a[1].get<std::uint64_t>()};
  return none("_%_");
}

Value negate(const Args& a) {
  if (const auto* i = a[0].get<std::int64_t>())
    return *i == std::numeric_limits<std::int64_t>::min() ? overflow() : Value{-*i};
  if (const auto* d = a[0].get<double>()) return Value{-*d};
  if (const auto* s = a[0].get<Span>()) return Value{Span{-s->nanos}};
  if (const auto* m = a[0].get<Money>()) return Value{Money{-m->minor, m->currency}};
  return none("-_");
}

Value invert(const Args& a) {
  const auto* v = a[0].as_bool();
  return v == nullptr ? none("!_") : Value{!*v};
}

bool numeric(const Value& v) {
  return v.get<std::int64_t>() != nullptr || v.get<std::uint64_t>() != nullptr ||
         v.get<double>() != nullptr;
}

template <class P>
Value ordered(const Args& a, P holds) {
  const bool alike = a[0].variant().index() == a[1].variant().index();
  if (both<Money>(a) && a[0].get<Money>()->currency != a[1].get<Money>()->currency) return mixed();
  if (!alike && !(numeric(a[0]) && numeric(a[1])))
    return none("comparison of " + type_name(a[0]) + " with " + type_name(a[1]));
  const bool no_order = a[0].get<Null>() != nullptr || a[0].as_list() != nullptr ||
                        a[0].as_map() != nullptr || a[0].get<TypeName>() != nullptr ||
                        a[0].get<Optional>() != nullptr;
  if (no_order) return none("comparison of " + type_name(a[0]));
  const auto result = compare(a[0], a[1]);
  return Value{result != kUnordered && holds(result)};
}

Value contains_in(const Args& a) {
  if (const auto* list = a[1].as_list()) {
    for (const auto& entry : *list) {
      if (equal(entry, a[0])) return Value{true};
    }
    return Value{false};
  }
  if (const auto* map = a[1].as_map()) {
    for (const auto& entry : *map) {
      if (equal(entry.first, a[0])) return Value{true};
    }
    return Value{false};
  }
  return none("@in");
}

std::int64_t code_points(std::string_view text) {
  std::int64_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  return n;
}

Value size(const Args& a) {
  if (const auto* text = a[0].as_text()) return Value{code_points(*text)};
  if (const auto* bytes = a[0].get<Bytes>())
    return Value{static_cast<std::int64_t>(bytes->bytes.size())};
  if (const auto* list = a[0].as_list()) return Value{static_cast<std::int64_t>(list->size())};
  if (const auto* map = a[0].as_map()) return Value{static_cast<std::int64_t>(map->size())};
  return none("size");
}

Value matches(const Args& a) {
  if (!both<std::string>(a)) return none("matches");
  const RE2 pattern{*a[1].as_text(), RE2::Quiet};
  if (!pattern.ok()) return invalid("no regular expression: " + pattern.error());
  return Value{RE2::PartialMatch(*a[0].as_text(), pattern)};
}

template <class F>
Value texts(const Args& a, F f, std::string_view name) {
  if (!both<std::string>(a)) return none(name);
  return Value{f(std::string_view{*a[0].as_text()}, std::string_view{*a[1].as_text()})};
}

// ---- conversions

Value to_int(const Args& a) {
  if (a[0].get<std::int64_t>() != nullptr) return a[0];
  if (const auto* u = a[0].get<std::uint64_t>())
    return *u > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
               ? overflow()
               : Value{static_cast<std::int64_t>(*u)};
  if (const auto* d = a[0].get<double>())
    return !(*d > -9223372036854775808.0 && *d < 9223372036854775808.0)
               ? overflow()
               : Value{static_cast<std::int64_t>(*d)};
  if (const auto* t = a[0].get<Timestamp>()) return Value{t->seconds};
  if (const auto* s = a[0].get<Span>()) return Value{s->nanos};
  if (const auto* text = a[0].as_text()) {
    std::int64_t value = 0;
    const auto* end = text->data() + text->size();
    const auto read = std::from_chars(text->data() + (text->starts_with("+") ? 1 : 0), end, value);
    return read.ec == std::errc{} && read.ptr == end ? Value{value}
                                                     : invalid("'" + *text + "' is no int");
  }
  return none("int");
}

Value to_uint(const Args& a) {
  if (a[0].get<std::uint64_t>() != nullptr) return a[0];
  if (const auto* i = a[0].get<std::int64_t>())
    return *i < 0 ? overflow() : Value{static_cast<std::uint64_t>(*i)};
  if (const auto* d = a[0].get<double>())
    return !(*d > -1.0 && *d < 18446744073709551616.0) ? overflow()
                                                       : Value{static_cast<std::uint64_t>(*d)};
  if (const auto* text = a[0].as_text()) {
    std::uint64_t value = 0;
    const auto* end = text->data() + text->size();
    const auto read = std::from_chars(text->data(), end, value);
    return read.ec == std::errc{} && read.ptr == end ? Value{value}
                                                     : invalid("'" + *text + "' is no uint");
  }
  return none("uint");
}

Value to_double(const Args& a) {
  if (a[0].get<double>() != nullptr) return a[0];
  if (const auto* i = a[0].get<std::int64_t>()) return Value{static_cast<double>(*i)};
  if (const auto* u = a[0].get<std::uint64_t>()) return Value{static_cast<double>(*u)};
  if (const auto* text = a[0].as_text()) {
    double value = 0;
    const auto* end = text->data() + text->size();
    const auto read = std::from_chars(text->data(), end, value);
    return read.ec == std::errc{} && read.ptr == end ? Value{value}
                                                     : invalid("'" + *text + "' is no double");
  }
  return none("double");
}

std::string span_text(const Span& span) {
  const bool negative = span.nanos < 0;
  const auto magnitude = negative ? 0 - static_cast<std::uint64_t>(span.nanos)
                                  : static_cast<std::uint64_t>(span.nanos);
  auto out = (negative ? "-" : "") + std::to_string(magnitude / 1'000'000'000);
  if (auto rest = magnitude % 1'000'000'000; rest != 0) {
    auto digits = std::to_string(rest);
    digits.insert(0, 9 - digits.size(), '0');
    while (digits.back() == '0') digits.pop_back();
    out += "." + digits;
  }
  return out + "s";
}

std::string time_text(const Timestamp& t) {
  auto out = to_short_text(Instant{t.seconds * 1000});
  if (t.nanos != 0) {
    auto digits = std::to_string(t.nanos);
    digits.insert(0, 9 - digits.size(), '0');
    while (digits.back() == '0') digits.pop_back();
    out.insert(out.size() - 1, "." + digits);
  }
  return out;
}

bool valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t n = c < 0x80                ? 1
                          : c >= 0xc2 && c < 0xe0 ? 2
                          : c >= 0xe0 && c < 0xf0 ? 3
                          : c >= 0xf0 && c < 0xf5 ? 4
                                                  : 0;
    if (n == 0 || i + n > text.size()) return false;
    for (std::size_t k = 1; k < n; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
    }
    i += n;
  }
  return true;
}

std::string double_text(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "+Inf" : "-Inf";
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v);
  return {buffer, end.ptr};
}

Value to_string(const Args& a) {
  if (a[0].as_text() != nullptr) return a[0];
  if (const auto* v = a[0].as_bool()) return Value{std::string{*v ? "true" : "false"}};
  if (const auto* v = a[0].get<std::int64_t>()) return Value{std::to_string(*v)};
  if (const auto* v = a[0].get<std::uint64_t>()) return Value{std::to_string(*v)};
  if (const auto* v = a[0].get<double>()) return Value{double_text(*v)};
  if (const auto* v = a[0].get<Bytes>())
    return valid_utf8(v->bytes) ? Value{v->bytes} : invalid("the bytes are no UTF-8");
  if (const auto* v = a[0].get<Timestamp>()) return Value{time_text(*v)};
  if (const auto* v = a[0].get<Span>()) return Value{span_text(*v)};
  if (const auto* v = a[0].get<Money>()) return Value{dealwright::to_text(*v)};
  if (const auto* v = a[0].get<LocalDate>()) return Value{dealwright::to_text(*v)};
  return none("string");
}

Value to_bytes(const Args& a) {
  if (a[0].get<Bytes>() != nullptr) return a[0];
  if (const auto* text = a[0].as_text()) return Value{Bytes{*text}};
  return none("bytes");
}

Value to_bool(const Args& a) {
  if (a[0].as_bool() != nullptr) return a[0];
  const auto* text = a[0].as_text();
  if (text == nullptr) return none("bool");
  for (const auto* yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (*text == yes) return Value{true};
  }
  for (const auto* no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (*text == no) return Value{false};
  }
  return invalid("'" + *text + "' is no bool");
}

Value timestamp(const Args& a) {
  if (a[0].get<Timestamp>() != nullptr) return a[0];
  if (const auto* seconds = a[0].get<std::int64_t>()) {
    return *seconds < kTimeMin || *seconds > kTimeMax ? overflow() : Value{Timestamp{*seconds, 0}};
  }
  const auto* text = a[0].as_text();
  if (text == nullptr) return none("timestamp");
  const auto at = parse_instant(*text);
  if (!at) return invalid(at.error().detail);
  auto out = to_timestamp(at.value());
  if (const auto point = text->find('.'); point != std::string::npos) {  // finer than milliseconds
    std::string digits =
        text->substr(point + 1, text->find_first_not_of("0123456789", point + 1) - point - 1);
    digits.resize(9, '0');
    out.nanos = 0;
    for (const char c : digits) out.nanos = out.nanos * 10 + (c - '0');
  }
  return Value{out};
}

Value duration(const Args& a) {
  if (a[0].get<Span>() != nullptr) return a[0];
  const auto* text = a[0].as_text();
  if (text == nullptr) return none("duration");
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"ms", 1e6}, {"us", 1e3}, {"ns", 1.0}, {"h", 3.6e12}, {"m", 6e10}, {"s", 1e9}};
  std::string_view rest = *text;
  const bool negative = rest.starts_with("-");
  if (negative || rest.starts_with("+")) rest.remove_prefix(1);
  long double total = 0;
  const auto bad = [&] {
    return invalid("'" + *text + "' is no duration; write days(3), hours(2), duration(\"90s\")");
  };
  if (rest.empty()) return bad();
  while (!rest.empty()) {
    double number = 0;
    const auto read =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (read.ec != std::errc{}) return bad();
    rest.remove_prefix(static_cast<std::size_t>(read.ptr - rest.data()));
    bool known = false;
    for (const auto& [unit, nanos] : kUnits) {
      if (!rest.starts_with(unit)) continue;
      total += static_cast<long double>(number) * static_cast<long double>(nanos);
      rest.remove_prefix(unit.size());
      known = true;
      break;
    }
    if (!known) return bad();
  }
  if (total > 315'576'000'000.0L * 1e9L || total > 9.2e18L) return overflow();
  const auto nanos = static_cast<std::int64_t>(std::llroundl(total));
  return Value{Span{negative ? -nanos : nanos}};
}

template <std::int64_t kUnit>
Value span_of(const Args& a) {
  const auto* n = a[0].get<std::int64_t>();
  if (n == nullptr) return none("days, hours, minutes, weeks");
  std::int64_t nanos = 0;
  return __builtin_mul_overflow(*n, kUnit * kNanos, &nanos) ? overflow() : Value{Span{nanos}};
}

Value money(const Args& a) {
  const auto* text = a[0].as_text();
  if (text == nullptr) return none("money");
  const auto value = parse_money(*text);
  return value ? Value{value.value()} : invalid(value.error().detail);
}
Value date(const Args& a) {
  if (const auto* at = a[0].get<Timestamp>()) return Value{utc_date(to_instant(*at))};
  const auto* text = a[0].as_text();
  if (text == nullptr) return none("date");
  const auto value = parse_date(*text);
  return value ? Value{value.value()} : invalid(value.error().detail);
}
Value days_between(const Args& a) {
  if (!both<LocalDate>(a)) return none("days_between");
  return Value{std::int64_t{a[1].get<LocalDate>()->days} - a[0].get<LocalDate>()->days};
}
Value type_of(const Args& a) { return Value{TypeName{type_name(a[0])}}; }
Value dyn(const Args& a) { return a[0]; }

struct Entry {
  Function function;
  std::size_t arity;
};

const std::map<std::string_view, Entry>& functions() {
  static const std::map<std::string_view, Entry> kTable = {
      {"_+_", {add, 2}},
      {"_-_", {subtract, 2}},
      {"_*_", {multiply, 2}},
      {"_/_", {divide, 2}},
      {"_%_", {modulo, 2}},
      {"-_", {negate, 1}},
      {"!_", {invert, 1}},
      {"_==_", {[](const Args& a) { return Value{equal(a[0], a[1])}; }, 2}},
      {"_!=_", {[](const Args& a) { return Value{!equal(a[0], a[1])}; }, 2}},
      {"_<_", {[](const Args& a) { return ordered(a, [](int c) { return c < 0; }); }, 2}},
      {"_<=_", {[](const Args& a) { return ordered(a, [](int c) { return c <= 0; }); }, 2}},
      {"_>_", {[](const Args& a) { return ordered(a, [](int c) { return c > 0; }); }, 2}},
      {"_>=_", {[](const Args& a) { return ordered(a, [](int c) { return c >= 0; }); }, 2}},
      {"@in", {contains_in, 2}},
      {"size", {size, 1}},
      {"matches", {matches, 2}},
      {"int", {to_int, 1}},
      {"uint", {to_uint, 1}},
      {"double", {to_double, 1}},
      {"string", {to_string, 1}},
      {"bytes", {to_bytes, 1}},
      {"bool", {to_bool, 1}},
      {"timestamp", {timestamp, 1}},
      {"duration", {duration, 1}},
      {"type", {type_of, 1}},
      {"dyn", {dyn, 1}},
      {"minutes", {span_of<60>, 1}},
      {"hours", {span_of<3600>, 1}},
      {"days", {span_of<86'400>, 1}},
      {"weeks", {span_of<604'800>, 1}},
      {"money", {money, 1}},
      {"date", {date, 1}},
      {"days_between", {days_between, 2}}};
  return kTable;
}

}  // namespace

Value call_function(std::string_view name, const std::vector<Value>& args) {
  const auto it = functions().find(name);
  if (it == functions().end() || it->second.arity != args.size()) return none(name);
  return it->second.function(args);
}
bool is_function(std::string_view name) { return functions().count(name) > 0; }

}  // namespace dealwright::rules::cel
