#include "connectors/daemon/event_schema.h"

#include <bit>
#include <utility>

namespace dealwright::daemon {
namespace {

Value types(std::initializer_list<const char*> names) {
  List out;
  for (const auto* name : names) out.emplace_back(name);
  return Value{std::move(out)};
}

Map of_type(const char* name) { return {{"type", Value{name}}}; }

Map money_schema() {
  Map pair{{"type", Value{"object"}},
           {"required", types({"currency", "minor"})},
           {"properties", Value{Map{{"currency", Value{Map{{"type", Value{"string"}},
                                                           {"pattern", Value{"^[A-Z]{3}$"}}}}},
                                    {"minor", Value{of_type("integer")}}}}}};
  Map text{{"type", Value{"string"}}, {"examples", Value{List{Value{"2500 EUR"}}}}};
  return {{"anyOf", Value{List{Value{std::move(pair)}, Value{std::move(text)}}}}};
}

// "d1", or "deal/d1" where the kind fits.
Map ref_schema(Kind kind) {
  auto out = of_type("string");
  out.emplace_back("x-kind", Value{kind_name(kind)});
  return out;
}

Map form_of(const FieldSpec& field) {
  const auto with = [](const char* type, const char* key, Value value) {
    auto out = of_type(type);
    out.emplace_back(key, std::move(value));
    return out;
  };
  switch (field.type) {
    case FieldType::kText:
      return of_type("string");
    case FieldType::kInt:
      return {{"type", types({"integer", "string"})}, {"pattern", Value{"^-?[0-9]+$"}}};
    case FieldType::kBool:
      return of_type("boolean");
    case FieldType::kMoney:
      return money_schema();
    case FieldType::kInstant:
      return with("string", "format", Value{"date-time"});
    case FieldType::kDate:
      return with("string", "format", Value{"date"});
    case FieldType::kZone:
      return with("string", "examples", Value{List{Value{"Europe/Berlin"}}});
    case FieldType::kDecimal:
      return {{"type", types({"number", "string"})}};
    case FieldType::kRef:
      return ref_schema(field.ref);
    case FieldType::kEnum: {
      List values;
      for (const auto value : field.values) values.emplace_back(value);
      return {{"enum", Value{std::move(values)}}};
    }
    case FieldType::kTexts:
      return with("array", "items", Value{of_type("string")});
    case FieldType::kRefs:
      return with("array", "items", Value{ref_schema(field.ref)});
    case FieldType::kJson:
      return {{"type", types({"array", "object"})}};
  }
  return {};
}

// null is as good as absent.
Value optional_form(Map form) {
  return Value{Map{{"anyOf", Value{List{Value{std::move(form)}, Value{of_type("null")}}}}}};
}

}  // namespace

std::string_view group_name(EventGroup group) {
  static constexpr std::string_view kNames[] = {"fact", "activity", "reference", "own"};
  return kNames[static_cast<std::size_t>(group)];
}

Value event_schema(const EventSpec& spec) {
  Map properties;
  List required, subjects;
  for (const auto& field : spec.data) {
    auto form = form_of(field);
    if (field.required) required.emplace_back(name_of(field));
    properties.emplace_back(
        name_of(field), field.required ? Value{std::move(form)} : optional_form(std::move(form)));
  }
  for (std::size_t i = 1; i < kKinds; ++i) {
    const auto kind = static_cast<Kind>(i);
    if (spec.allows(kind)) subjects.emplace_back(kind_name(kind));
  }
  return Value{Map{{"$schema", Value{"https://json-schema.org/draft/2020-12/schema"}},
                   {"$id", Value{"/v1/schemas/" + std::string{spec.name}}},
                   {"title", Value{spec.name}},
                   {"type", Value{"object"}},
                   {"properties", Value{std::move(properties)}},
                   {"required", Value{std::move(required)}},
                   {"x-subjects", Value{std::move(subjects)}},
                   {"x-group", Value{group_name(spec.group)}}}};
}

}  // namespace dealwright::daemon
