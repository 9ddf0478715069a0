#include "rules/cel/value.h"

#include <cmath>
#include <limits>

#include "engine/base/overloaded.h"

namespace dealwright::rules::cel {
namespace {

template <class T>
int order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

// Exact comparison of an integer with a double, save for one: 2^63 is equal to the greatest int. No
// double lies between them, and the specification's tests hold them equal.
template <class I>
int order_mixed(I a, double b) {
  if (std::isnan(b)) return kUnordered;
  constexpr double kTop = std::is_signed_v<I> ? 9223372036854775808.0 : 18446744073709551616.0;
  constexpr double kBottom = std::is_signed_v<I> ? -9223372036854775808.0 : 0.0;
  if (std::is_signed_v<I> && b == kTop) return order(a, std::numeric_limits<I>::max());
  if (b >= kTop) return -1;
  if (b < kBottom) return 1;
  const auto whole = static_cast<I>(b);
  if (a != whole) return order(a, whole);
  const double rest = b - static_cast<double>(whole);
  return rest > 0 ? -1 : rest < 0 ? 1 : 0;
}

int order_numbers(std::int64_t a, std::uint64_t b) {
  return a < 0 ? -1 : order(static_cast<std::uint64_t>(a), b);
}

// kUnordered if they are not both numbers.
int compare_numbers(const Value& a, const Value& b, bool& numbers) {
  numbers = true;
  const auto *ai = a.get<std::int64_t>(), *bi = b.get<std::int64_t>();
  const auto *au = a.get<std::uint64_t>(), *bu = b.get<std::uint64_t>();
  const auto *ad = a.get<double>(), *bd = b.get<double>();
  const auto flip = [](int v) { return v == kUnordered ? v : -v; };
  if (ai != nullptr && bi != nullptr) return order(*ai, *bi);
  if (au != nullptr && bu != nullptr) return order(*au, *bu);
  if (ad != nullptr && bd != nullptr) {
    return std::isnan(*ad) || std::isnan(*bd) ? kUnordered : order(*ad, *bd);
  }
  if (ai != nullptr && bu != nullptr) return order_numbers(*ai, *bu);
  if (au != nullptr && bi != nullptr) return -order_numbers(*bi, *au);
  if (ai != nullptr && bd != nullptr) return order_mixed(*ai, *bd);
  if (au != nullptr && bd != nullptr) return order_mixed(*au, *bd);
  if (ad != nullptr && bi != nullptr) return flip(order_mixed(*bi, *ad));
  if (ad != nullptr && bu != nullptr) return flip(order_mixed(*bu, *ad));
  numbers = false;
  return kUnordered;
}

bool equal_maps(const Map& a, const Map& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [key, value] : a) {
    bool found = false;
    for (const auto& [other_key, other_value] : b) {
      if (equal(key, other_key)) {
        found = equal(value, other_value);
        break;
      }
    }
    if (!found) return false;
  }
  return true;
}

}  // namespace

std::string_view fault_name(Fault fault) {
  static constexpr std::string_view kNames[] = {
      "absent",           "no_such_field",     "no_such_key",
      "no_such_overload", "overflow",          "divide_by_zero",
      "invalid_argument", "currency_mismatch", "budget"};
  return kNames[static_cast<std::size_t>(fault)];
}

int compare(const Value& a, const Value& b) {
  bool numbers = false;
  const auto by_number = compare_numbers(a, b, numbers);
  if (numbers) return by_number;
  if (a.variant().index() != b.variant().index()) return kUnordered;
  return std::visit(overloaded{
                        [&](bool v) { return order(v, *b.get<bool>()); },
                        [&](const std::string& v) { return order(v, *b.get<std::string>()); },
                        [&](const Bytes& v) { return order(v.bytes, b.get<Bytes>()->bytes); },
                        [&](const Money& v) {
                          const auto& other = *b.get<Money>();
                          return v.currency == other.currency ? order(v.minor, other.minor)
                                                              : kUnordered;
                        },
                        [&](LocalDate v) { return order(v, *b.get<LocalDate>()); },
                        [&](const Timestamp& v) { return order(v, *b.get<Timestamp>()); },
                        [&](const Span& v) { return order(v, *b.get<Span>()); },
                        [&](const auto&) { return kUnordered; },
                    },
                    a.variant());
}

bool equal(const Value& a, const Value& b) {
  bool numbers = false;
  const auto by_number = compare_numbers(a, b, numbers);
  if (numbers) return by_number == 0;
  if (a.variant().index() != b.variant().index()) return false;
  if (a.get<Null>() != nullptr) return true;
  if (const auto* type = a.get<TypeName>()) return type->name == b.get<TypeName>()->name;
  if (const auto* list = a.as_list()) {
    const auto* other = b.as_list();
    if (list->size() != other->size()) return false;
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (!equal((*list)[i], (*other)[i])) return false;
    }
    return true;
  }
  if (const auto* map = a.as_map()) return equal_maps(*map, *b.as_map());
  if (const auto* optional = a.get<Optional>()) {
    const auto& other = b.get<Optional>()->value;
    if (optional->value == nullptr || other == nullptr) return optional->value == other;
    return equal(*optional->value, *other);
  }
  return compare(a, b) == 0;
}

std::string type_name(const Value& value) {
  return std::visit(overloaded{
                        [](const Error&) { return "error"; },
                        [](Null) { return "null_type"; },
                        [](bool) { return "bool"; },
                        [](std::int64_t) { return "int"; },
                        [](std::uint64_t) { return "uint"; },
                        [](double) { return "double"; },
                        [](const std::string&) { return "string"; },
                        [](const Bytes&) { return "bytes"; },
                        [](const Money&) { return "money"; },
                        [](LocalDate) { return "date"; },
                        [](const Timestamp&) { return "google.protobuf.Timestamp"; },
                        [](const Span&) { return "google.protobuf.Duration"; },
                        [](const TypeName&) { return "type"; },
                        [](const Optional&) { return "optional_type"; },
                        [](const std::shared_ptr<const List>&) { return "list"; },
                        [](const std::shared_ptr<const Map>&) { return "map"; },
                    },
                    value.variant());
}

Value from_base(const dealwright::Value& value, std::string_view what) {
  return std::visit(overloaded{
                        [&](std::monostate) {
                          return Value::fault(Fault::kAbsent, std::string{what} + " has no value");
                        },
                        [](Null) { return Value{Null{}}; },
                        [](bool v) { return Value{v}; },
                        [](std::int64_t v) { return Value{v}; },
                        [](double v) { return Value{v}; },
                        [](const std::string& v) { return Value{v}; },
                        [](const Money& v) { return Value{v}; },
                        [](Instant v) { return Value{to_timestamp(v)}; },
                        [](LocalDate v) { return Value{v}; },
                        [&](const std::shared_ptr<const dealwright::List>& v) {
                          List out;
                          for (const auto& entry : *v) out.push_back(from_base(entry, what));
                          return Value::list(std::move(out));
                        },
                        [&](const std::shared_ptr<const dealwright::Map>& v) {
                          Map out;
                          for (const auto& [key, entry] : *v)
                            out.emplace_back(Value{key}, from_base(entry, what));
                          return Value::map(std::move(out));
                        },
                        [&](const std::shared_ptr<const Sealed>&) {
                          return Value::fault(Fault::kAbsent, std::string{what} + " is sealed");
                        },
                    },
                    value.variant());
}

dealwright::Value to_base(const Value& value) {
  using Base = dealwright::Value;
  return std::visit(
      overloaded{
          [](const Error&) { return Base{}; },
          [](Null) { return Base{Null{}}; },
          [](bool v) { return Base{v}; },
          [](std::int64_t v) { return Base{v}; },
          [](std::uint64_t v) { return Base{static_cast<std::int64_t>(v)}; },
          [](double v) { return Base{v}; },
          [](const std::string& v) { return Base{v}; },
          [](const Bytes& v) { return Base{v.bytes}; },
          [](const Money& v) { return Base{v}; },
          [](LocalDate v) { return Base{v}; },
          [](const Timestamp& v) { return Base{to_instant(v)}; },
          [](const Span& v) { return Base{v.nanos / 1'000'000}; },
          [](const TypeName& v) { return Base{v.name}; },
          [](const Optional& v) { return v.value == nullptr ? Base{} : to_base(*v.value); },
          [](const std::shared_ptr<const List>& v) {
            dealwright::List out;
            for (const auto& entry : *v) out.push_back(to_base(entry));
            return Base{std::move(out)};
          },
          [](const std::shared_ptr<const Map>& v) {
            dealwright::Map out;
            for (const auto& [key, entry] : *v) {
              const auto* text = key.as_text();
              out.emplace_back(text != nullptr ? *text : to_json(to_base(key)), to_base(entry));
            }
            return Base{std::move(out)};
          },
      },
      value.variant());
}

}  // namespace dealwright::rules::cel
