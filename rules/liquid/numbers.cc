// Filters on numbers. Sums and products of fractions are those of their decimal digits: 10.1 + 2.2
// is 12.3.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "rules/liquid/filters.h"

namespace dealwright::rules::liquid {
namespace {

__extension__ typedef __int128 Wide;

struct Decimal {  // digits / 10^scale
  Wide digits = 0;
  int scale = 0;
};
constexpr int kScaleMax = 12;

// The digits that a number prints with; none: too many for exact sums and products.
std::optional<Decimal> decimal_of(const Number& n) {
  if (n.whole) return Decimal{n.integer, 0};
  char buffer[64];
  if (!std::isfinite(n.real) || std::abs(n.real) > 1e15) return std::nullopt;
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, n.real, std::chars_format::fixed).ptr;
  Decimal out;
  bool behind = false;
  for (const auto* at = buffer; at != end; ++at) {
    if (*at == '-') continue;
    if (*at == '.') {
      behind = true;
      continue;
    }
    out.digits = out.digits * 10 + (*at - '0');
    if (behind && ++out.scale > kScaleMax) return std::nullopt;
  }
  if (buffer[0] == '-') out.digits = -out.digits;
  return out;
}

double real_of(Decimal d) {
  std::string digits;
  const bool negative = d.digits < 0;
  auto left = negative ? -d.digits : d.digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(left % 10)));
    left /= 10;
  } while (left > 0);
  const auto text = fmt::format("{}{}e-{}", negative ? "-" : "", digits, d.scale);
  double out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

void level(Decimal& a, Decimal& b) {
  for (; a.scale < b.scale; ++a.scale) a.digits *= 10;
  for (; b.scale < a.scale; ++b.scale) b.digits *= 10;
}

Wide floor_modulo(Wide a, Wide b) {
  const auto rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

Error not_with_money(std::string_view filter) {
  return Error{Code::kInvalid,
               fmt::format("{}: money is not reckoned with in templates; print it", filter)};
}
bool is_money(const Datum& d) { return d.value() != nullptr && d.value()->as_money() != nullptr; }

enum class Op : std::uint8_t { kPlus, kMinus, kTimes, kModulo };

// None: too big for exact digits.
std::optional<Number> exact(Op op, const Number& a, const Number& b) {
  auto x = decimal_of(a);
  auto y = decimal_of(b);
  if (!x || !y) return std::nullopt;
  Decimal out;
  if (op == Op::kTimes) {
    out = {x->digits * y->digits, x->scale + y->scale};  // below 2^126
  } else {
    level(*x, *y);
    out.scale = x->scale;
    out.digits = op == Op::kPlus    ? x->digits + y->digits
                 : op == Op::kMinus ? x->digits - y->digits
                                    : floor_modulo(x->digits, y->digits);
  }
  if (!a.whole || !b.whole) return Number{false, 0, real_of(out)};
  const auto whole = static_cast<std::int64_t>(out.digits);
  if (whole != out.digits) return Number{false, 0, real_of(out)};
  return Number{true, whole, 0};
}

Result<Datum> calculate(const Call& c, Op op, std::string_view name) {
  if (is_money(c.value) || is_money(c.arguments[0])) return not_with_money(name);
  const auto a = to_number(c.value);
  const auto b = to_number(c.arguments[0]);
  if (op == Op::kModulo && b.as_real() == 0) return Error{Code::kInvalid, "modulo: by zero"};
  if (const auto out = exact(op, a, b)) return to_datum(*out);
  const double x = a.as_real();
  const double y = b.as_real();
  switch (op) {
    case Op::kPlus:
      return Datum{Value{x + y}};
    case Op::kMinus:
      return Datum{Value{x - y}};
    case Op::kTimes:
      return Datum{Value{x * y}};
    case Op::kModulo:
      break;
  }
  return Datum{Value{x - y * std::floor(x / y)}};
}
Result<Datum> plus(const Call& c) { return calculate(c, Op::kPlus, "plus"); }
Result<Datum> minus(const Call& c) { return calculate(c, Op::kMinus, "minus"); }
Result<Datum> times(const Call& c) { return calculate(c, Op::kTimes, "times"); }
Result<Datum> modulo(const Call& c) { return calculate(c, Op::kModulo, "modulo"); }

Result<Datum> divided_by(const Call& c) {
  if (is_money(c.value) || is_money(c.arguments[0])) return not_with_money("divided_by");
  const auto a = to_number(c.value);
  const auto b = to_number(c.arguments[0]);
  if (b.as_real() == 0) return Error{Code::kInvalid, "divided_by: by zero"};
  if (!a.whole || !b.whole) return Datum{Value{a.as_real() / b.as_real()}};
  if (b.integer == -1) {
    if (const auto out = exact(Op::kTimes, a, b)) return to_datum(*out);
  }
  const auto rest = a.integer % b.integer;
  return Datum{Value{a.integer / b.integer - (rest != 0 && (rest < 0) != (b.integer < 0) ? 1 : 0)}};
}

Result<Datum> absolute(const Call& c) {
  if (is_money(c.value)) return not_with_money("abs");
  auto n = to_number(c.value);
  if (!n.whole) return Datum{Value{std::abs(n.real)}};
  if (n.integer >= 0) return to_datum(n);
  if (const auto out = exact(Op::kMinus, Number{}, n)) return to_datum(*out);
  return to_datum(n);
}

Result<Datum> bounded(const Call& c, bool least) {
  if (is_money(c.value) || is_money(c.arguments[0]))
    return not_with_money(least ? "at_least" : "at_most");
  const auto a = to_number(c.value);
  const auto b = to_number(c.arguments[0]);
  return to_datum((a.as_real() < b.as_real()) == least ? b : a);
}
Result<Datum> at_least(const Call& c) { return bounded(c, true); }
Result<Datum> at_most(const Call& c) { return bounded(c, false); }

Result<Datum> rounded(const Call& c, double (*rounding)(double), std::string_view name) {
  if (is_money(c.value)) return not_with_money(name);
  const auto n = to_number(c.value);
  const auto asked = c.arguments.empty() ? Number{} : to_number(c.arguments[0]);
  const auto digits = std::clamp<std::int64_t>(
      asked.whole ? asked.integer : static_cast<std::int64_t>(std::clamp(asked.real, -20., 20.)),
      -20, 9);
  if (n.whole && digits >= 0) return to_datum(n);
  const double scale = std::pow(10.0, static_cast<double>(digits));
  const double out = rounding(n.as_real() * scale) / scale;
  if (digits <= 0 && std::abs(out) < 9e15) return Datum{Value{static_cast<std::int64_t>(out)}};
  return Datum{Value{out}};
}
Result<Datum> round(const Call& c) { return rounded(c, std::round, "round"); }
Result<Datum> ceil(const Call& c) { return rounded(c, std::ceil, "ceil"); }
Result<Datum> floor(const Call& c) { return rounded(c, std::floor, "floor"); }

struct Style {
  std::string_view language;
  std::string_view group;
  std::string_view point;
};
constexpr Style kStyles[] = {{"en", ",", "."},      {"de", ".", ","},  {"es", ".", ","},
                             {"it", ".", ","},      {"nl", ".", ","},  {"pt", ".", ","},
                             {"fr", "\u202f", ","}, {"plain", "", "."}};

// 2500.50 EUR; with a language its digits in groups: 2,500.50 EUR.
Result<Datum> money(const Call& c) {
  if (!is_money(c.value)) return c.value;
  const auto amount = *c.value.value()->as_money();
  if (c.arguments.empty()) return Datum{Value{dealwright::to_text(amount)}};
  const auto asked = print(c.arguments[0]);
  const auto* style = std::find_if(std::begin(kStyles), std::end(kStyles),
                                   [&](const Style& s) { return asked.starts_with(s.language); });
  if (style == std::end(kStyles))
    return Error{Code::kInvalid, "money: the style is en, de, es, it, nl, pt, fr or plain"};
  const auto text = amount_text(amount);
  const auto point = std::min(text.find('.'), text.size());
  std::string out;
  for (std::size_t i = 0; i < point; ++i) {
    const bool first = i == 0 || (i == 1 && text[0] == '-');
    if (!first && (point - i) % 3 == 0) out += style->group;
    out += text[i];
  }
  if (point < text.size()) out.append(style->point).append(text.substr(point + 1));
  return checked(out + ' ' + std::string{amount.currency.text()});
}

}  // namespace

std::span<const Filter> number_filters() {
  static constexpr Filter kTable[] = {
      {"abs", 0, 0, absolute}, {"at_least", 1, 1, at_least},     {"at_most", 1, 1, at_most},
      {"ceil", 0, 0, ceil},    {"divided_by", 1, 1, divided_by}, {"floor", 0, 0, floor},
      {"minus", 1, 1, minus},  {"modulo", 1, 1, modulo},         {"money", 0, 1, money},
      {"plus", 1, 1, plus},    {"round", 0, 1, round},           {"times", 1, 1, times},
  };
  return kTable;
}

}  // namespace dealwright::rules::liquid
