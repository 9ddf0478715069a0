#include "connectors/import/conversion.h"

#include <algorithm>
#include <charconv>

#include "engine/base/id.h"
#include "engine/domain/form.h"

namespace dealwright::import {
namespace {

std::string quoted(std::string_view text) { return "'" + std::string{text.substr(0, 60)} + "'"; }

std::string_view code_for(FieldType type) {
  switch (type) {
    case FieldType::kMoney:
      return "bad_money";
    case FieldType::kInstant:
    case FieldType::kDate:
      return "bad_time";
    default:
      return "bad_data";
  }
}

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

Result<Value> read_bool(std::string_view text) {
  for (const std::string_view yes : {"true", "TRUE", "True", "1", "yes", "Yes", "YES"}) {
    if (text == yes) return Value{true};
  }
  for (const std::string_view no : {"false", "FALSE", "False", "0", "no", "No", "NO"}) {
    if (text == no) return Value{false};
  }
  return Error{Code::kInvalid, quoted(text) + " is neither true nor false; recode it with `map`"};
}

Result<Value> read_int(std::string_view text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size()) return Value{value};
  return Error{Code::kInvalid, quoted(text) + " is no integer; digits only"};
}

Result<Value> read_list(std::string_view text, std::string_view separator) {
  List out;
  while (!text.empty()) {
    const auto end = separator.empty() ? std::string_view::npos : text.find(separator);
    const auto entry = trimmed(text.substr(0, end));
    if (!entry.empty()) out.emplace_back(entry);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + separator.size());
  }
  return out.empty() ? Value{} : Value{std::move(out)};
}

Result<Value> convert(std::string_view text, const Conversion& conversion, const Evaluation& with) {
  switch (conversion.as) {
    case FieldType::kMoney: {
      std::string currency;
      render(conversion.notation.currency, with.scope, currency);
      DW_TRY(auto money, read_amount(text, currency, conversion.notation));
      return Value{money};
    }
    case FieldType::kInstant: {
      DW_TRY(auto at, read_time(text, conversion.notation.dates, with.zone));
      return Value{at};
    }
    case FieldType::kDate: {
      DW_TRY(auto date, read_date(text, conversion.notation.dates));
      return Value{date};
    }
    case FieldType::kBool:
      return read_bool(text);
    case FieldType::kInt:
      return read_int(text);
    case FieldType::kTexts:
    case FieldType::kRefs:
      return read_list(text, conversion.split);
    default:
      return Value{text};
  }
}

bool recode(const Conversion& conversion, std::string& text) {
  if (conversion.recode.empty()) return true;
  for (const auto& [from, to] : conversion.recode) {
    if (from == text) {
      text = to;
      return true;
    }
  }
  if (!conversion.otherwise) return false;
  text = *conversion.otherwise;
  return true;
}

std::optional<std::uint32_t> column_of(const Template& text) {
  std::optional<std::uint32_t> column;
  for (const auto& part : text.parts) {
    if (part.kind != Template::Kind::kColumn) continue;
    if (column && *column != part.index) return std::nullopt;
    column = part.index;
  }
  return column;
}

bool plain_text(FieldType type) { return type == FieldType::kText || type == FieldType::kJson; }

bool fail(const Evaluation& with, FieldType type, const Conversion& conversion, std::string text) {
  with.misfit = {std::string{code_for(type)}, std::move(text), column_of(conversion.from)};
  return false;
}

bool evaluate_conversion(const Conversion& conversion, const FieldSpec* field,
                         const Evaluation& with, Value& out) {
  out = Value{};
  render(conversion.from, with.scope, with.scratch);
  if (with.scratch.empty()) return true;
  if (!recode(conversion, with.scratch)) {
    return fail(with, FieldType::kText, conversion,
                quoted(with.scratch) + " is not in `map`; add it, or give `else`");
  }
  if (with.scratch.empty()) return true;
  auto value = convert(with.scratch, conversion, with);
  if (!value) return fail(with, conversion.as, conversion, value.error().detail);
  if (field != nullptr && !plain_text(field->type) && !value.value().absent()) {
    value = read_value(*field, value.value());
    if (!value) return fail(with, field->type, conversion, value.error().detail);
  }
  out = std::move(value.value());
  return true;
}

bool evaluate_map(const ValueSpec& spec, const Evaluation& with, Value& out) {
  Map map;
  for (std::size_t i = 0; i < spec.members.size(); ++i) {
    Value value;
    if (!evaluate(spec.members[i], nullptr, with, value)) return false;
    if (!value.absent()) map.emplace_back(spec.names[i], std::move(value));
  }
  out = map.empty() ? Value{} : Value{std::move(map)};
  return true;
}

bool evaluate_list(const ValueSpec& spec, const FieldSpec* field, const Evaluation& with,
                   Value& out) {
  List list;
  for (const auto& member : spec.members) {
    Value value;
    if (!evaluate(member, nullptr, with, value)) return false;
    if (!value.absent()) list.push_back(std::move(value));
  }
  out = list.empty() ? Value{} : Value{std::move(list)};
  if (field == nullptr || out.absent() || plain_text(field->type)) return true;
  auto typed = read_value(*field, out);
  if (!typed) {
    with.misfit = {std::string{code_for(field->type)}, typed.error().detail, std::nullopt};
    return false;
  }
  out = std::move(typed.value());
  return true;
}

// Digits and at most one decimal sign, groups of three taken together: "1,234.50" to "1234.50".
// Empty: no number, or one whose groups are none, such as "1,5".
std::string plain_number(std::string_view text, char decimal) {
  const char group = decimal == '.' ? ',' : '.';
  std::string out;
  bool point = false;
  bool grouped = false;
  std::size_t run = 0;  // digits since the last sign
  const auto whole = [&] { return grouped ? run == 3 : run > 0; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c >= '0' && c <= '9') {
      out += c;
      ++run;
    } else if (c == '-' && i == 0) {
      out += c;
    } else if (c == decimal && !point && whole()) {
      point = true;
      out += '.';
    } else if ((c == group || c == ' ' || c == '\'') && !point && whole() && run <= 3) {
      grouped = true;
      run = 0;
    } else {
      return {};
    }
  }
  if (!point && !whole()) return {};
  if (out.ends_with('.')) out.pop_back();
  return out;
}

}  // namespace

bool ValueSpec::infallible() const {
  switch (kind) {
    case Kind::kConstant:
      return true;
    case Kind::kConversion:
      return plain_text(conversion.as) && conversion.recode.empty();
    default:
      return std::all_of(members.begin(), members.end(),
                         [](const auto& member) { return member.infallible(); });
  }
}

Result<Money> read_amount(std::string_view text, std::string_view currency,
                          const Notation& notation) {
  text = trimmed(text);
  std::string_view number = text;
  std::string_view code = currency;
  if (text.size() > 4 && text[text.size() - 4] == ' ' && text.back() >= 'A' && text.back() <= 'Z') {
    code = text.substr(text.size() - 3);  // "2500 EUR" says its own
    number = text.substr(0, text.size() - 4);
  }
  if (code.empty()) {
    return Error{Code::kInvalid, quoted(text) + " has no currency; give `currency: EUR`"};
  }
  DW_TRY(auto known, Currency::parse(code));
  auto plain = plain_number(number, notation.decimal);
  if (plain.empty()) {
    return Error{Code::kInvalid, quoted(text) + " is no amount; digits, or set `decimal`"};
  }
  if (notation.minor) {
    DW_TRY(auto value, read_int(plain));
    return Money{*value.as_int(), known};
  }
  // Zeros beyond the currency's digits say nothing.
  const auto digits = static_cast<std::size_t>(known.exponent());
  if (const auto point = plain.find('.'); point != std::string::npos) {
    while (plain.size() > point + 1 + digits && plain.ends_with('0')) plain.pop_back();
    if (plain.ends_with('.')) plain.pop_back();
  }
  DW_TRY(auto money, parse_money(plain + ' ' + std::string{code}));
  DW_TRY(auto scaled, scale_half_even(money.minor, notation.scale, 1));
  return Money{scaled, known};
}

bool evaluate(const ValueSpec& spec, const FieldSpec* field, const Evaluation& with, Value& out) {
  switch (spec.kind) {
    case ValueSpec::Kind::kConstant:
      out = spec.constant;
      return true;
    case ValueSpec::Kind::kConversion:
      return evaluate_conversion(spec.conversion, field, with, out);
    case ValueSpec::Kind::kMap:
      return evaluate_map(spec, with, out);
    case ValueSpec::Kind::kList:
      return evaluate_list(spec, field, with, out);
  }
  return true;
}

}  // namespace dealwright::import
