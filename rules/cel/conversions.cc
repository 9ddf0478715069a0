// Conversions between types of values. Locale-free; what does not fit is a fault.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "rules/cel/builtins.h"

namespace dealwright::rules::cel {
namespace {

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

template <class T>
Value parsed(const std::string& text, std::string_view digits, const char* type) {
  T value{};
  const auto* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value);
  return read.ec == std::errc{} && read.ptr == end ? Value{value}
                                                   : invalid("'" + text + "' is no " + type);
}

enum class Part : std::uint8_t { kGood, kMalformed, kTooLong };

// "90s", "1.5h": a number and its unit off the front of `rest`, in nanoseconds; finer is cut.
Part take_part(std::string_view& rest, std::int64_t& nanos) {
  static constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"ms", 1'000'000},           {"us", 1'000},         {"ns", 1}, {"h", 3'600 * kNanosPerSecond},
      {"m", 60 * kNanosPerSecond}, {"s", kNanosPerSecond}};
  const auto digits = [&] {
    const auto end = std::min(rest.find_first_not_of("0123456789"), rest.size());
    const auto out = rest.substr(0, end);
    rest.remove_prefix(end);
    return out;
  };
  const auto whole = digits();
  std::string_view fraction;
  if (rest.starts_with(".")) {
    rest.remove_prefix(1);
    fraction = digits();
  }
  if (whole.empty() && fraction.empty()) return Part::kMalformed;
  for (const auto& [unit, size] : kUnits) {
    if (!rest.starts_with(unit)) continue;
    rest.remove_prefix(unit.size());
    std::int64_t count = 0;
    const auto read = std::from_chars(whole.data(), whole.data() + whole.size(), count);
    if (!whole.empty() && read.ec != std::errc{}) return Part::kTooLong;
    if (__builtin_mul_overflow(count, size, &nanos)) return Part::kTooLong;
    std::int64_t left = size;  // what a digit at this place is worth, times ten; exact to its end
    std::int64_t worth = 0;
    for (const char c : fraction) {
      worth += left * (c - '0') / 10;
      left /= 10;
    }
    return __builtin_add_overflow(nanos, worth, &nanos) ? Part::kTooLong : Part::kGood;
  }
  return Part::kMalformed;
}

}  // namespace

Value to_int(Args a) {
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
    const bool plus = text->starts_with("+") && !text->starts_with("+-");
    return parsed<std::int64_t>(*text, std::string_view{*text}.substr(plus ? 1 : 0), "int");
  }
  return no_overload("int");
}

Value to_uint(Args a) {
  if (a[0].get<std::uint64_t>() != nullptr) return a[0];
  if (const auto* i = a[0].get<std::int64_t>())
    return *i < 0 ? overflow() : Value{static_cast<std::uint64_t>(*i)};
  if (const auto* d = a[0].get<double>())
    return !(*d > -1.0 && *d < 18446744073709551616.0) ? overflow()
                                                       : Value{static_cast<std::uint64_t>(*d)};
  if (const auto* text = a[0].as_text()) return parsed<std::uint64_t>(*text, *text, "uint");
  return no_overload("uint");
}

Value to_double(Args a) {
  if (a[0].get<double>() != nullptr) return a[0];
  if (const auto* i = a[0].get<std::int64_t>()) return Value{static_cast<double>(*i)};
  if (const auto* u = a[0].get<std::uint64_t>()) return Value{static_cast<double>(*u)};
  if (const auto* text = a[0].as_text()) return parsed<double>(*text, *text, "double");
  return no_overload("double");
}

Value to_string(Args a) {
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
  return no_overload("string");
}

Value to_bytes(Args a) {
  if (a[0].get<Bytes>() != nullptr) return a[0];
  if (const auto* text = a[0].as_text()) return Value{Bytes{*text}};
  return no_overload("bytes");
}

Value to_bool(Args a) {
  if (a[0].as_bool() != nullptr) return a[0];
  const auto* text = a[0].as_text();
  if (text == nullptr) return no_overload("bool");
  for (const auto* yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (*text == yes) return Value{true};
  }
  for (const auto* no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (*text == no) return Value{false};
  }
  return invalid("'" + *text + "' is no bool");
}

Value timestamp(Args a) {
  if (a[0].get<Timestamp>() != nullptr) return a[0];
  if (const auto* seconds = a[0].get<std::int64_t>()) {
    return *seconds < kSecondsMin || *seconds > kSecondsMax ? overflow()
                                                            : Value{Timestamp{*seconds, 0}};
  }
  const auto* text = a[0].as_text();
  if (text == nullptr) return no_overload("timestamp");
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

Value duration(Args a) {
  if (a[0].get<Span>() != nullptr) return a[0];
  const auto* text = a[0].as_text();
  if (text == nullptr) return no_overload("duration");
  const auto bad = [&] {
    return invalid("'" + *text + "' is no duration; write days(3), hours(2), duration(\"90s\")");
  };
  std::string_view rest = *text;
  const bool negative = rest.starts_with("-");
  if (negative || rest.starts_with("+")) rest.remove_prefix(1);
  if (rest == "0") return Value{Span{0}};
  if (rest.empty()) return bad();
  std::int64_t total = 0;
  while (!rest.empty()) {
    std::int64_t part = 0;
    const auto fault = take_part(rest, part);
    if (fault == Part::kMalformed) return bad();
    if (fault == Part::kTooLong || __builtin_add_overflow(total, part, &total)) return overflow();
  }
  return Value{Span{negative ? -total : total}};
}

}  // namespace dealwright::rules::cel
