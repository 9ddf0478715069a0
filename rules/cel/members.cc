// Functions called on a value: text.startsWith("a"), at.getFullYear(), m.percent(15), o.orValue(x).
#include <map>

#include "rules/cel/builtins.h"
#include "rules/cel/eval.h"

namespace dealwright::rules::cel {
namespace {

// Minutes east of UTC: "+02:00", "-01:30", "02:00", "UTC". False: a named zone, which needs a
// table.
bool offset_of(std::string_view zone, std::int64_t& minutes_east) {
  if (zone == "UTC" || zone == "Z") {
    minutes_east = 0;
    return true;
  }
  const bool minus = zone.starts_with("-");
  if (minus || zone.starts_with("+")) zone.remove_prefix(1);
  const auto digit = [&](std::size_t i) {
    return zone[i] >= '0' && zone[i] <= '9' ? zone[i] - '0' : -100000;
  };
  if (zone.size() != 5 || zone[2] != ':') return false;
  minutes_east = (digit(0) * 10 + digit(1)) * 60 + digit(3) * 10 + digit(4);
  if (minutes_east < 0) return false;
  if (minus) minutes_east = -minutes_east;
  return true;
}

enum class Part : std::uint8_t {
  kYear,
  kMonth,
  kDate,
  kDayOfMonth,
  kDayOfWeek,
  kDayOfYear,
  kHours,
  kMinutes,
  kSeconds,
  kMillis
};

Value part_of_span(const Span& span, Part part) {
  const auto ms = span.nanos / 1'000'000;
  switch (part) {
    case Part::kHours:
      return Value{ms / 3'600'000};
    case Part::kMinutes:
      return Value{ms / 60'000};
    case Part::kSeconds:
      return Value{ms / 1000};
    case Part::kMillis:
      return Value{ms % 1000};
    default:
      return no_overload("a duration has hours, minutes, seconds, milliseconds");
  }
}

template <Part kPart>
Value part_of(Args a) {
  if (const auto* span = a[0].get<Span>()) return part_of_span(*span, kPart);
  if (const auto* date = a[0].get<LocalDate>()) {
    const Value at{to_timestamp(start_of(*date))};
    return part_of<kPart>({&at, 1});
  }
  const auto* time = a[0].get<Timestamp>();
  if (time == nullptr) return no_overload("accessor");
  std::int64_t east = 0;
  if (a.size() > 1 && (a[1].as_text() == nullptr || !offset_of(*a[1].as_text(), east))) {
    return Value::fault(Fault::kInvalidArgument, "a zone is UTC or an offset such as +02:00 here");
  }
  const Instant local = to_instant({time->seconds + east * 60, time->nanos});
  const auto day = utc_date(local);
  const auto c = civil(day);
  const auto ms = (local - start_of(day)).ms;
  switch (kPart) {
    case Part::kYear:
      return Value{std::int64_t{c.year}};
    case Part::kMonth:
      return Value{std::int64_t{c.month} - 1};
    case Part::kDate:
      return Value{std::int64_t{c.day}};
    case Part::kDayOfMonth:
      return Value{std::int64_t{c.day} - 1};
    case Part::kDayOfWeek:
      return Value{((std::int64_t{day.days} + 4) % 7 + 7) % 7};
    case Part::kDayOfYear:
      return Value{std::int64_t{day.days} - date_of({c.year, 1, 1}).days};
    case Part::kHours:
      return Value{ms / 3'600'000};
    case Part::kMinutes:
      return Value{ms / 60'000 % 60};
    case Part::kSeconds:
      return Value{ms / 1000 % 60};
    case Part::kMillis:
      return Value{ms % 1000};
  }
  return no_overload("accessor");
}

Value text_test(Args a, bool (*test)(std::string_view, std::string_view)) {
  if (a.size() != 2 || a[0].as_text() == nullptr || a[1].as_text() == nullptr)
    return no_overload("string function");
  return Value{test(*a[0].as_text(), *a[1].as_text())};
}

Value case_of(Args a, bool upper) {
  if (a.size() != 1 || a[0].as_text() == nullptr) return no_overload("case");
  auto text = *a[0].as_text();
  for (auto& c : text) {
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    if (!upper && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return Value{std::move(text)};
}

Value or_value(Args a) {
  const auto* optional = a[0].get<Optional>();
  if (optional == nullptr || a.size() != 2) return no_overload("orValue");
  return optional->value == nullptr ? a[1] : *optional->value;
}

Value value_of(Args a) {
  const auto* optional = a[0].get<Optional>();
  if (optional == nullptr) return no_overload("value");
  return optional->value == nullptr ? Value::fault(Fault::kAbsent, "the optional is none")
                                    : *optional->value;
}

Value percent(Args a) {
  const auto* money = a[0].get<Money>();
  const auto* n = a.size() == 2 ? a[1].get<std::int64_t>() : nullptr;
  if (money == nullptr || n == nullptr) return no_overload("percent");
  const auto minor = scale_half_even(money->minor, *n, 100);
  return minor ? Value{Money{minor.value(), money->currency}}
               : Value::fault(Fault::kOverflow, "too large");
}

Value plus_days(Args a) {
  const auto* date = a[0].get<LocalDate>();
  const auto* n = a.size() == 2 ? a[1].get<std::int64_t>() : nullptr;
  if (date == nullptr || n == nullptr) return no_overload("plus_days");
  const auto days = std::int64_t{date->days} + *n;
  if (days < -719'162 || days > 2'932'896)
    return Value::fault(Fault::kOverflow, "outside the years 1 to 9999");
  return Value{LocalDate{static_cast<std::int32_t>(days)}};
}

const std::map<std::string_view, Builtin>& members() {
  static const std::map<std::string_view, Builtin> kTable = {
      {"startsWith",
       [](Args a) {
         return text_test(a,
                          [](std::string_view t, std::string_view s) { return t.starts_with(s); });
       }},
      {"endsWith",
       [](Args a) {
         return text_test(a, [](std::string_view t, std::string_view s) { return t.ends_with(s); });
       }},
      {"contains",
       [](Args a) {
         return text_test(a, [](std::string_view t, std::string_view s) {
           return t.find(s) != std::string_view::npos;
         });
       }},
      {"matches", [](Args a) { return a.size() == 2 ? matches(a) : no_overload("matches"); }},
      {"size",
       [](Args a) { return a.size() == 1 ? find_function("size")->call(a) : no_overload("size"); }},
      {"lowerAscii", [](Args a) { return case_of(a, false); }},
      {"upperAscii", [](Args a) { return case_of(a, true); }},
      {"orValue", or_value},
      {"value", value_of},
      {"hasValue",
       [](Args a) {
         return a[0].get<Optional>() == nullptr ? no_overload("hasValue")
                                                : Value{a[0].get<Optional>()->value != nullptr};
       }},
      {"percent", percent},
      {"plus_days", plus_days},
      {"getFullYear", part_of<Part::kYear>},
      {"getMonth", part_of<Part::kMonth>},
      {"getDate", part_of<Part::kDate>},
      {"getDayOfMonth", part_of<Part::kDayOfMonth>},
      {"getDayOfWeek", part_of<Part::kDayOfWeek>},
      {"getDayOfYear", part_of<Part::kDayOfYear>},
      {"getHours", part_of<Part::kHours>},
      {"getMinutes", part_of<Part::kMinutes>},
      {"getSeconds", part_of<Part::kSeconds>},
      {"getMilliseconds", part_of<Part::kMillis>}};
  return kTable;
}

}  // namespace

bool is_fixed_zone(std::string_view zone) {
  std::int64_t minutes_east = 0;
  return offset_of(zone, minutes_east);
}

Builtin find_member(std::string_view name) {
  const auto it = members().find(name);
  return it == members().end() ? nullptr : it->second;
}

Value call_member(std::string_view name, const std::vector<Value>& args) {
  const auto function = find_member(name);
  return function == nullptr || args.empty() ? no_overload(name) : function(args);
}
bool is_member(std::string_view name) { return find_member(name) != nullptr; }

}  // namespace dealwright::rules::cel
