// The language's own functions by name, and those that are no conversion.
#include <map>

#include "rules/cel/builtins.h"
#include "rules/cel/eval.h"

namespace dealwright::rules::cel {
namespace {

std::int64_t code_points(std::string_view text) {
  std::int64_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  return n;
}

Value size(Args a) {
  if (const auto* text = a[0].as_text()) return Value{code_points(*text)};
  if (const auto* bytes = a[0].get<Bytes>())
    return Value{static_cast<std::int64_t>(bytes->bytes.size())};
  if (const auto* list = a[0].as_list()) return Value{static_cast<std::int64_t>(list->size())};
  if (const auto* map = a[0].as_map()) return Value{static_cast<std::int64_t>(map->size())};
  return no_overload("size");
}

template <std::int64_t kUnit>
Value span_of(Args a) {
  const auto* n = a[0].get<std::int64_t>();
  if (n == nullptr) return no_overload("days, hours, minutes, weeks");
  std::int64_t nanos = 0;
  if (__builtin_mul_overflow(*n, kUnit * kNanosPerSecond, &nanos)) return overflow();
  return Value{Span{nanos}};
}

Value money(Args a) {
  const auto* text = a[0].as_text();
  if (text == nullptr) return no_overload("money");
  const auto value = parse_money(*text);
  return value ? Value{value.value()} : invalid(value.error().detail);
}
Value date(Args a) {
  if (const auto* at = a[0].get<Timestamp>()) return Value{utc_date(to_instant(*at))};
  const auto* text = a[0].as_text();
  if (text == nullptr) return no_overload("date");
  const auto value = parse_date(*text);
  return value ? Value{value.value()} : invalid(value.error().detail);
}
Value days_between(Args a) {
  if (!both<LocalDate>(a)) return no_overload("days_between");
  return Value{std::int64_t{a[1].get<LocalDate>()->days} - a[0].get<LocalDate>()->days};
}
Value type_of(Args a) { return Value{TypeName{type_name(a[0])}}; }
Value dyn(Args a) { return a[0]; }

template <Order kOrder>
Value compared(Args a) {
  return ordered(a[0], a[1], kOrder);
}

const std::map<std::string_view, Function>& functions() {
  static const std::map<std::string_view, Function> kTable = {
      {"_+_", {add, 2}},
      {"_-_", {subtract, 2}},
      {"_*_", {multiply, 2}},
      {"_/_", {divide, 2}},
      {"_%_", {modulo, 2}},
      {"-_", {negate, 1}},
      {"!_", {invert, 1}},
      {"_==_", {[](Args a) { return equals(a[0], a[1], true); }, 2}},
      {"_!=_", {[](Args a) { return equals(a[0], a[1], false); }, 2}},
      {"_<_", {compared<Order::kLess>, 2}},
      {"_<=_", {compared<Order::kLessEqual>, 2}},
      {"_>_", {compared<Order::kGreater>, 2}},
      {"_>=_", {compared<Order::kGreaterEqual>, 2}},
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

const Function* find_function(std::string_view name) {
  const auto it = functions().find(name);
  return it == functions().end() ? nullptr : &it->second;
}

Value call_function(std::string_view name, const std::vector<Value>& args) {
  const auto* function = find_function(name);
  if (function == nullptr || function->arity != args.size()) return no_overload(name);
  return function->call(args);
}
bool is_function(std::string_view name) { return find_function(name) != nullptr; }

}  // namespace dealwright::rules::cel
