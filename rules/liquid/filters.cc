#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/base/overloaded.h"
#include "rules/liquid/template.h"

namespace dealwright::rules::liquid {
namespace {

using Arguments = std::vector<Value>;

std::string plain(double v) {
  if (std::isfinite(v) && std::trunc(v) == v && std::abs(v) < 1e15) {
    return std::to_string(static_cast<std::int64_t>(v)) + ".0";
  }
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
  return {buffer, end};
}

// Upper or lower case of ASCII and of the Latin letters of two bytes that differ by one bit there.
std::string with_case(std::string_view text, bool upper, std::size_t only_first) {
  std::string out{text};
  std::size_t n = 0;
  for (std::size_t i = 0; i < out.size() && n < only_first; ++i) {
    const auto c = static_cast<unsigned char>(out[i]);
    if ((c & 0xc0) != 0x80) ++n;
    if (c >= (upper ? 'a' : 'A') && c <= (upper ? 'z' : 'Z')) {
      out[i] = static_cast<char>(c ^ 0x20);
    } else if (c == 0xc3 && i + 1 < out.size()) {  // U+00C0..U+00FE but the signs and U+00DF
      const auto low = static_cast<unsigned char>(out[i + 1]);
      const bool letter = low != 0x97 && low != 0xb7 && low != 0x9f && low != 0xbf;
      if (letter && (upper ? low >= 0xa0 : low < 0xa0)) out[i + 1] = static_cast<char>(low ^ 0x20);
    }
  }
  return out;
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string_view first_points(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80 && count-- == 0) break;
  }
  return text.substr(0, at);
}

std::int64_t to_int(const Value& v, std::int64_t otherwise) {
  if (const auto* n = v.as_int()) return *n;
  if (const auto* d = v.as_double()) return static_cast<std::int64_t>(*d);
  return otherwise;
}

std::optional<double> to_number(const Value& v) {
  if (const auto* n = v.as_int()) return static_cast<double>(*n);
  if (const auto* d = v.as_double()) return *d;
  const auto text = v.text_or_empty();
  double out = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || parsed.ec != std::errc{}) return std::nullopt;
  return out;
}

Value round_to(const Value& v, const Arguments& a, double (*rounding)(double)) {
  if (v.as_int() != nullptr) return v;
  const auto number = to_number(v);
  if (!number) return v;
  const auto digits = a.empty() ? 0 : std::clamp<std::int64_t>(to_int(a[0], 0), 0, 9);
  double scale = 1;
  for (std::int64_t i = 0; i < digits; ++i) scale *= 10;
  const auto out = rounding(*number * scale) / scale;
  if (digits == 0 && std::abs(out) < 9e15) return Value{static_cast<std::int64_t>(out)};
  return Value{out};
}

template <class WholeOp, class RealOp>
Value calculate(const Value& v, const Value& other, WholeOp whole, RealOp real) {
  if (v.as_int() != nullptr && other.as_int() != nullptr) {
    std::int64_t out = 0;
    if (!whole(*v.as_int(), *other.as_int(), &out)) return Value{out};
  }
  const auto a = to_number(v);
  const auto b = to_number(other);
  return a && b ? Value{real(*a, *b)} : v;
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  if (from.empty()) return text;
  for (auto at = text.find(from); at != std::string::npos && text.size() < kTextBytesMax;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::optional<Instant> instant_of(const Value& v) {
  if (const auto* at = v.as_instant()) return *at;
  if (const auto* date = v.as_date()) return start_of(*date);
  const auto parsed = parse_instant_lenient(v.text_or_empty());
  return parsed ? std::optional{parsed.value()} : std::nullopt;
}

constexpr std::string_view kMonths[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
constexpr std::string_view kDays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                      "Friday", "Saturday", "Sunday"};

std::string format_field(char field, LocalTime t) {
  const auto c = civil(t.date());
  const auto minute = t.minute_of_day();
  const auto day = kDays[static_cast<std::size_t>(((t.date().days + 3) % 7 + 7) % 7)];
  switch (field) {
    case 'Y':
      return fmt::format("{:04}", c.year);
    case 'y':
      return fmt::format("{:02}", ((c.year % 100) + 100) % 100);
    case 'm':
      return fmt::format("{:02}", c.month);
    case 'd':
      return fmt::format("{:02}", c.day);
    case 'e':
      return std::to_string(c.day);
    case 'H':
      return fmt::format("{:02}", minute / 60);
    case 'M':
      return fmt::format("{:02}", minute % 60);
    case 'S':
      return fmt::format("{:02}", ((t.ms / 1000) % 60 + 60) % 60);
    case 'B':
      return std::string{kMonths[c.month - 1]};
    case 'b':
      return std::string{kMonths[c.month - 1].substr(0, 3)};
    case 'A':
      return std::string{day};
    case 'a':
      return std::string{day.substr(0, 3)};
    case 'F':
      return to_text(t.date());
    case 'R':
      return fmt::format("{:02}:{:02}", minute / 60, minute % 60);
    case '%':
      return "%";
    default:
      return std::string{'%', field};
  }
}

Value dated(const Value& v, std::string_view format, const Zone& zone) {
  std::optional<LocalTime> local;
  if (const auto* date = v.as_date()) {
    local = local_time(*date, 0);
  } else if (const auto at = instant_of(v)) {
    local = zone.local(*at);
  }
  if (!local) return v;
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
    } else {
      out += format_field(format[++i], *local);
    }
  }
  return Value{out};
}

std::string_view text_argument(const Arguments& a, std::string_view otherwise) {
  return a.empty() ? otherwise : a[0].text_or_empty();
}
const Zone& zone_of(const Context& context) {
  return context.zone == nullptr ? utc() : *context.zone;
}

Value size_of(const Value& v) {
  if (const auto* list = v.as_list()) return Value{static_cast<std::int64_t>(list->size())};
  return Value{static_cast<std::int64_t>(code_points(print(v)))};
}

Value truncated(const Value& v, const Arguments& a) {
  const auto text = print(v);
  const auto limit =
      static_cast<std::size_t>(std::max<std::int64_t>(0, a.empty() ? 50 : to_int(a[0], 50)));
  const std::string end = a.size() > 1 ? print(a[1]) : "...";
  if (code_points(text) <= limit) return Value{text};
  const auto tail = code_points(end);
  return Value{std::string{first_points(text, limit > tail ? limit - tail : 0)} + end};
}

Value joined(const Value& v, const Arguments& a) {
  const auto* list = v.as_list();
  if (list == nullptr) return v;
  std::string out;
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (i > 0) out += a.empty() ? " " : print(a[0]);
    out += print((*list)[i]);
  }
  return Value{out};
}

bool is_empty(const Value& v) {
  if (v.absent() || v.null()) return true;
  if (const auto* text = v.as_text()) return text->empty();
  if (const auto* list = v.as_list()) return list->empty();
  return v.as_bool() != nullptr && !*v.as_bool();
}

Value trimmed(const Value& v) {
  const auto text = print(v);
  const auto begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  return Value{text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin)};
}

}  // namespace

std::string print(const Value& value) {
  return std::visit(overloaded{
                        [](std::monostate) { return std::string{}; },
                        [](Null) { return std::string{}; },
                        [](bool v) { return std::string{v ? "true" : "false"}; },
                        [](std::int64_t v) { return std::to_string(v); },
                        [](double v) { return plain(v); },
                        [](const std::string& v) { return v; },
                        [](const Money& v) { return to_text(v); },
                        [](Instant v) { return to_short_text(v); },
                        [](LocalDate v) { return to_text(v); },
                        [&](const auto&) { return to_json(value); },
                    },
                    value.variant());
}

#define DW_FILTER [](const Value& v, const Arguments& a, const Context& c) -> Value
#define DW_UNUSED (void)v, (void)a, (void)c

const std::vector<Filter>& filters() {
  static const std::vector<Filter> table = {{"default", 1, 1, DW_FILTER{DW_UNUSED;
  return is_empty(v) ? a[0] : v;
}
}  // namespace dealwright::rules::liquid
, {"upcase", 0, 0, DW_FILTER{DW_UNUSED;
return Value{with_case(print(v), true, ~std::size_t{0})};
}
}
, {"downcase", 0, 0, DW_FILTER{DW_UNUSED;
return Value{with_case(print(v), false, ~std::size_t{0})};
}
}
, {"capitalize", 0, 0, DW_FILTER{DW_UNUSED;
return Value{with_case(with_case(print(v), false, ~std::size_t{0}), true, 1)};
}
}
, {"append", 1, 1, DW_FILTER{DW_UNUSED;
return Value{print(v) + print(a[0])};
}
}
, {"prepend", 1, 1, DW_FILTER{DW_UNUSED;
return Value{print(a[0]) + print(v)};
}
}
, {"strip", 0, 0, DW_FILTER{DW_UNUSED;
return trimmed(v);
}
}
, {"replace", 2, 2, DW_FILTER{DW_UNUSED;
return Value{replace_all(print(v), print(a[0]), print(a[1]))};
}
}
, {"remove", 1, 1, DW_FILTER{DW_UNUSED;
return Value{replace_all(print(v), print(a[0]), "")};
}
}
, {"truncate", 0, 2, DW_FILTER{DW_UNUSED;
return truncated(v, a);
}
}
, {"size", 0, 0, DW_FILTER{DW_UNUSED;
return size_of(v);
}
}
, {"join", 0, 1, DW_FILTER{DW_UNUSED;
return joined(v, a);
}
}
, {"first", 0, 0, DW_FILTER{DW_UNUSED;
const auto* l = v.as_list();
return l == nullptr || l->empty() ? Value{} : l->front();
}
}
, {"last", 0, 0, DW_FILTER{DW_UNUSED;
const auto* l = v.as_list();
return l == nullptr || l->empty() ? Value{} : l->back();
}
}
, {"round", 0, 1, DW_FILTER{DW_UNUSED;
return round_to(v, a, std::round);
}
}
, {"ceil", 0, 0, DW_FILTER{DW_UNUSED;
return round_to(v, a, std::ceil);
}
}
, {"floor", 0, 0, DW_FILTER{DW_UNUSED;
return round_to(v, a, std::floor);
}
}
, {"plus", 1, 1, DW_FILTER{DW_UNUSED;
return calculate(
    v, a[0], [](auto x, auto y, auto* o) { return __builtin_add_overflow(x, y, o); },
    [](double x, double y) { return x + y; });
}
}
, {"minus", 1, 1, DW_FILTER{DW_UNUSED;
return calculate(
    v, a[0], [](auto x, auto y, auto* o) { return __builtin_sub_overflow(x, y, o); },
    [](double x, double y) { return x - y; });
}
}
, {"times", 1, 1, DW_FILTER{DW_UNUSED;
return calculate(
    v, a[0], [](auto x, auto y, auto* o) { return __builtin_mul_overflow(x, y, o); },
    [](double x, double y) { return x * y; });
}
}
, {"date", 1, 1, DW_FILTER{DW_UNUSED;
return dated(v, text_argument(a, "%F"), utc());
}
}
, {"local_date", 0, 1, DW_FILTER{DW_UNUSED;
return dated(v, text_argument(a, "%F"), zone_of(c));
}
}
, {"local_time", 0, 1, DW_FILTER{DW_UNUSED;
return dated(v, text_argument(a, "%F %R"), zone_of(c));
}
}
, {"money", 0, 0, DW_FILTER{DW_UNUSED;
return v.as_money() == nullptr ? v : Value{to_text(*v.as_money())};
}
}
,
}
;
return table;
}

#undef DW_FILTER
#undef DW_UNUSED

}  // namespace dealwright::rules::liquid
