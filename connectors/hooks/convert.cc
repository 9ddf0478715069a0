#include "connectors/hooks/convert.h"

#include <algorithm>
#include <cmath>

#include "engine/domain/form.h"

namespace dealwright::hooks {
namespace {

// What the specification's texts give: the first that is not empty, recoded; a lone reference keeps
// the type of what it finds.
Value raw(const ValueSpec& spec, const HookConfig& config, Scope& scope) {
  Value found;
  for (const auto& text : spec.from) {
    const auto* lone = text.lone();
    found = lone != nullptr ? scope.find(*lone) : Value{scope.render(text)};
    const auto* written = found.as_text();
    if (!found.absent() && !found.null() && (written == nullptr || !written->empty())) break;
    found = Value{};
  }
  const auto* table = spec.table.empty() ? &spec.recode : config.table(spec.table);
  const bool recodes = (table != nullptr && !table->empty()) || spec.otherwise;
  if (found.absent() || !recodes || found.as_list() != nullptr || found.as_map() != nullptr)
    return found;
  const auto text = scalar_text(found);
  if (table != nullptr) {
    for (const auto& [from, to] : *table) {
      if (from == text) return to.empty() ? Value{} : Value{to};
    }
  }
  if (!spec.otherwise) return found;
  return spec.otherwise->empty() ? Value{} : Value{*spec.otherwise};
}

bool scalar(const Value& value) { return value.as_list() == nullptr && value.as_map() == nullptr; }

Error no_fit(const Value& value, std::string_view type) {
  auto text = to_json(value);
  if (text.size() > 60) text = "what stands there";
  return Error{Code::kInvalid, text + " is no " + std::string{type}};
}

Result<Value> to_money(const Value& value, const ValueSpec& spec, Scope& scope) {
  if (!scalar(value)) return value;  // {minor, currency}: form.h reads it
  auto text = scalar_text(value);
  const bool bare = text.find_first_not_of("0123456789.+-eE") == std::string::npos;
  if (bare) {
    std::string currency;
    for (const auto& from : spec.currency) {
      if (currency.empty()) currency = scope.render(from);
    }
    if (currency.empty())
      return Error{Code::kInvalid, text + " has no currency; set settings: { currency: EUR }"};
    // Zeros behind what the currency has say nothing: 40000.0 JPY.
    if (const auto point = text.find('.'); point != std::string::npos) {
      text.erase(text.find_last_not_of('0') + 1);
      if (text.ends_with('.')) text.pop_back();
    }
    text += ' ' + currency;
  }
  DW_TRY(auto money, parse_money(text));
  return Value{money};
}

Result<Value> to_date(const Value& value) {
  if (const auto* text = value.as_text(); text != nullptr && text->size() == 10) {
    if (auto date = parse_date(*text)) return Value{date.value()};
  }
  const auto at = instant_of(value);
  if (!at) return no_fit(value, "date");
  return Value{utc_date(*at)};
}

Result<Value> to_list(const Value& value) {
  List out;
  if (const auto* list = value.as_list()) {
    for (const auto& element : *list) {
      auto text = scalar_text(element);
      if (!text.empty()) out.emplace_back(std::move(text));
    }
  } else if (auto text = scalar_text(value); !text.empty()) {
    out.emplace_back(std::move(text));
  }
  return out.empty() ? Value{} : Value{std::move(out)};
}

Result<Value> to_type(FieldType type, const Value& value, const ValueSpec& spec, Scope& scope) {
  switch (type) {
    case FieldType::kMoney:
      return to_money(value, spec, scope);
    case FieldType::kInstant: {
      const auto at = instant_of(value);
      if (!at) return no_fit(value, "instant");
      return Value{*at};
    }
    case FieldType::kDate:
      return to_date(value);
    case FieldType::kBool: {
      const auto text = scalar_text(value);
      if (text != "true" && text != "false") return no_fit(value, "boolean");
      return Value{text == "true"};
    }
    case FieldType::kTexts:
    case FieldType::kRefs:
      return to_list(value);
    case FieldType::kInt:
    case FieldType::kDecimal:
    case FieldType::kJson:
      return value;
    case FieldType::kText:
    case FieldType::kZone:
    case FieldType::kRef:
    case FieldType::kEnum:
      if (!scalar(value)) return no_fit(value, "text");
      return Value{scalar_text(value)};
  }
  return value;
}

Result<Value> finish(Value value, const FieldSpec* field, const ValueSpec& spec, Scope& scope) {
  if (value.absent()) return spec.null_if_empty ? Value{Null{}} : Value{};
  const auto type =
      field != nullptr && field->type != FieldType::kJson ? std::optional{field->type} : spec.as;
  if (!type) return value;
  DW_TRY(auto typed, to_type(*type, value, spec, scope));
  if (field == nullptr || typed.absent()) return typed;
  return read_value(*field, typed);
}

// Members of a map: of `set` they are fields of the record, of other free data just names.
Result<Value> map_of(const ValueSpec& spec, const FieldSpec* field, Kind about,
                     const HookConfig& config, Scope& scope) {
  Map out;
  const bool of_record = field != nullptr && field->field == Field::kSet;
  for (const auto& [name_text, value_spec] : spec.members) {
    const auto name = scope.render(name_text);
    if (name.empty()) continue;
    const auto known = of_record ? field_of(name) : std::nullopt;
    const auto* member = known ? spec_of(about).find(*known) : nullptr;
    auto value = evaluate(value_spec, member, about, config, scope);
    if (!value) return Error{Code::kInvalid, name + ": " + value.error().detail};
    if (!value.value().absent()) out.emplace_back(name, std::move(value.value()));
  }
  return out.empty() ? Value{} : Value{std::move(out)};
}

}  // namespace

Result<Value> evaluate(const ValueSpec& spec, const FieldSpec* field, Kind about,
                       const HookConfig& config, Scope& scope) {
  switch (spec.kind) {
    case ValueSpec::Kind::kConstant:
      return finish(spec.constant, field, spec, scope);
    case ValueSpec::Kind::kText:
      return finish(raw(spec, config, scope), field, spec, scope);
    case ValueSpec::Kind::kMap:
      return map_of(spec, field, about, config, scope);
    case ValueSpec::Kind::kList:
      break;
  }
  List out;
  for (const auto& [name, member] : spec.members) {
    DW_TRY(auto value, evaluate(member, nullptr, about, config, scope));
    if (!value.absent()) out.push_back(std::move(value));
  }
  return finish(out.empty() ? Value{} : Value{std::move(out)}, field, spec, scope);
}

std::optional<Instant> evaluate_time(const ValueSpec& spec, const HookConfig& config,
                                     Scope& scope) {
  return instant_of(spec.kind == ValueSpec::Kind::kText ? raw(spec, config, scope) : spec.constant);
}

}  // namespace dealwright::hooks
