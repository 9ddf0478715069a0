#include "engine/domain/schema.h"

#include <algorithm>
#include <charconv>

#include "engine/domain/form.h"

namespace dealwright {
namespace {

struct NamedType {
  std::string_view name;
  FieldType type;
};
constexpr NamedType kTypes[] = {
    {"text", FieldType::kText},   {"int", FieldType::kInt},         {"bool", FieldType::kBool},
    {"money", FieldType::kMoney}, {"instant", FieldType::kInstant}, {"date", FieldType::kDate},
    {"zone", FieldType::kZone},   {"enum", FieldType::kEnum},       {"texts", FieldType::kTexts}};

Error bad(std::string_view what) { return Error{Code::kInvalid, std::string{what}}; }

// The text between "decimal(" and ")".
std::optional<std::string_view> argument(std::string_view text, std::string_view name) {
  if (!text.starts_with(name)) return std::nullopt;
  text.remove_prefix(name.size());
  if (text.size() < 3 || !text.starts_with("(") || !text.ends_with(")")) return std::nullopt;
  return text.substr(1, text.size() - 2);
}

template <class Named>
const Named* find_name(const std::vector<Named>& all, std::string_view name) {
  const auto it = std::lower_bound(all.begin(), all.end(), name,
                                   [](const Named& n, std::string_view t) { return n.name < t; });
  return it != all.end() && it->name == name ? &*it : nullptr;
}

Result<bool> read_flag(const Map& map, std::string_view key) {
  const auto* value = find(map, key);
  if (value == nullptr) return false;
  if (value->as_bool() == nullptr) return bad(std::string{key} + " is true or false");
  return *value->as_bool();
}

Result<CustomField> read_field(const std::string& name, const Value& value) {
  CustomField out;
  out.name = name;
  const auto* map = value.as_map();
  if (map == nullptr) return bad("a field is an object with a type");
  if (!is_custom_name(name)) {
    return bad("a name is [A-Za-z_][A-Za-z0-9_]{0,63} and not true, false, null or in");
  }
  const auto* type = find(*map, "type");
  DW_TRY(read_custom_type(type == nullptr ? "" : type->text_or_empty(), out.spec));
  const auto* values = find(*map, "values");
  const auto* list = values == nullptr ? nullptr : values->as_list();
  if ((out.spec.type == FieldType::kEnum) != (list != nullptr && !list->empty())) {
    return bad("an enum, and nothing else, has values");
  }
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const auto text = (*list)[i].text_or_empty();
    if (text.empty() || text.size() > 200) return bad("a value has 1 to 200 bytes");
    if (std::find(out.values.begin(), out.values.end(), text) != out.values.end()) {
      return bad("the value '" + std::string{text} + "' stands there twice");
    }
    out.values.emplace_back(text);
  }
  if (out.values.size() > kEnumValuesMax) return bad("an enum has at most 200 values");
  DW_TRY(out.spec.required, read_flag(*map, "required"));
  DW_TRY(out.spec.personal, read_flag(*map, "pii"));
  DW_TRY(out.dimension, read_flag(*map, "dimension"));
  return out;
}

Result<std::vector<CustomField>> read_fields(std::string_view kind, const Value& value) {
  std::vector<CustomField> out;
  const auto* map = value.as_map();
  if (map == nullptr) return bad("fields." + std::string{kind} + " is an object of fields");
  if (map->size() > kCustomFieldsMax) {
    return bad("fields." + std::string{kind} + " has more than 500 fields");
  }
  for (const auto& [name, field] : *map) {
    auto read = read_field(name, field);
    if (!read) return bad("fields." + std::string{kind} + "." + name + ": " + read.error().detail);
    out.push_back(std::move(read.value()));
  }
  // In place for good: now their specs may look into them.
  for (auto& field : out) {
    field.spec.custom = field.name;
    field.spec.values.assign(field.values.begin(), field.values.end());
  }
  return out;
}

std::string type_of(const FieldSpec& spec) { return custom_type_text(spec); }

void add_conflicts(Kind kind, const CustomField& was, const CustomField& is,
                   std::vector<SchemaConflict>& out) {
  const bool narrower = was.spec.type == FieldType::kDecimal && is.spec.digits < was.spec.digits;
  if (was.spec.type != is.spec.type || was.spec.ref != is.spec.ref || narrower) {
    out.push_back({kind, is.name, "was " + type_of(was.spec) + ", is " + type_of(is.spec)});
    return;
  }
  for (const auto& value : was.values) {
    if (std::find(is.values.begin(), is.values.end(), value) == is.values.end()) {
      out.push_back({kind, is.name, "the value '" + value + "' is gone"});
    }
  }
}

void add_faults(Kind kind, const Value* custom, const Schema& schema,
                std::vector<CustomFault>& out) {
  const auto* map = custom == nullptr ? nullptr : custom->as_map();
  if (map == nullptr) return;
  for (const auto& [name, value] : *map) {
    const auto* field = schema.find(kind, name);
    if (field == nullptr) continue;
    if (auto typed = read_value(field->spec, value); !typed) {
      out.push_back({name, typed.error().detail});
    }
  }
}

const NamedRegister* register_of(const std::vector<NamedRegister>& all, std::string_view name) {
  const auto* found = find_name(all, name);
  return found == nullptr || found->value.absent() ? nullptr : found;
}

}  // namespace

const CustomField* Schema::find(Kind kind, std::string_view name) const {
  return find_name(fields(kind), name);
}

const Purpose* Schema::purpose(std::string_view name) const { return find_name(purposes_, name); }

Result<void> read_custom_type(std::string_view text, FieldSpec& spec) {
  for (const auto& known : kTypes) {
    if (known.name != text) continue;
    spec.type = known.type;
    return ok();
  }
  if (const auto digits = argument(text, "decimal")) {
    int n = -1;
    const auto* end = digits->data() + digits->size();
    const auto parsed = std::from_chars(digits->data(), end, n);
    if (parsed.ec != std::errc{} || parsed.ptr != end || n < 0 || n > kDecimalDigitsMax) {
      return bad("decimal has 0 to 18 digits behind the point: decimal(2)");
    }
    spec.type = FieldType::kDecimal;
    spec.digits = static_cast<std::int8_t>(n);
    return ok();
  }
  if (const auto kind = argument(text, "ref")) {
    const auto known = kind_of(*kind);
    if (!known) return bad("ref names a kind of record: ref(user)");
    spec.type = FieldType::kRef;
    spec.ref = *known;
    return ok();
  }
  return bad("there is no type '" + std::string{text} + "'");
}

std::string custom_type_text(const FieldSpec& spec) {
  if (spec.type == FieldType::kDecimal) return "decimal(" + std::to_string(spec.digits) + ")";
  if (spec.type == FieldType::kRef) return "ref(" + std::string{kind_name(spec.ref)} + ")";
  for (const auto& known : kTypes) {
    if (known.type == spec.type) return std::string{known.name};
  }
  return {};
}

std::string custom_types() {
  std::string out;
  for (const auto& known : kTypes) out += std::string{known.name} + ", ";
  return out + "decimal(2), ref(user)";
}

bool is_custom_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (name.empty() || name.size() > 64 || !letter(name[0])) return false;
  for (const auto word : {"true", "false", "null", "in"}) {
    if (name == word) return false;
  }
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

bool has_custom(Kind kind) {
  return (kind >= Kind::kAccount && kind <= Kind::kSurvey) || kind == Kind::kUser ||
         kind == Kind::kTeam;
}

Result<SchemaPtr> read_schema(const Fields& data) {
  auto out = std::make_shared<Schema>();
  const auto* fields = data.find(Field::kFields);
  const auto* purposes = data.find(Field::kPurposes);
  out->text = data.text(Field::kText);
  if (fields == nullptr || fields->as_map() == nullptr) {
    return bad("a schema has fields: {deal: {tier: {type: text}}}; `dealwright schema publish`");
  }
  for (const auto& [name, of_kind] : *fields->as_map()) {
    const auto kind = kind_of(name);
    if (!kind || !has_custom(*kind)) return bad("'" + name + "' has no fields of your own");
    DW_TRY(auto read, read_fields(name, of_kind));
    out->by_kind_[static_cast<std::size_t>(*kind)] = std::move(read);
  }
  if (purposes != nullptr && purposes->as_map() == nullptr) {
    return bad("purposes is an object: {newsletter: marketing}");
  }
  for (std::size_t i = 0; purposes != nullptr && i < purposes->as_map()->size(); ++i) {
    const auto& [name, of] = (*purposes->as_map())[i];
    const bool service = of.text_or_empty() == "service";
    if (name.empty() || (!service && of.text_or_empty() != "marketing")) {
      return bad("purpose '" + name + "' is marketing or service");
    }
    out->purposes_.push_back({name, service ? PurposeClass::kService : PurposeClass::kMarketing});
  }
  out->id = sha256(to_json(
      Value{Map{{"fields", *fields}, {"purposes", purposes == nullptr ? Value{} : *purposes}}}));
  return SchemaPtr{std::move(out)};
}

const Schema* Schemas::at(std::uint64_t order) const {
  for (auto it = versions_.rbegin(); it != versions_.rend(); ++it) {
    if (it->first < order) return it->second.get();
  }
  return nullptr;
}

const CustomField* Schemas::ever(Kind kind, std::string_view name) const {
  for (auto it = versions_.rbegin(); it != versions_.rend(); ++it) {
    if (const auto* field = it->second->find(kind, name)) return field;
  }
  return nullptr;
}

void Schemas::put(SchemaPtr schema, std::uint64_t order) {
  const auto at = std::lower_bound(versions_.begin(), versions_.end(), order,
                                   [](const auto& v, std::uint64_t o) { return v.first < o; });
  if (at != versions_.end() && at->first == order) {
    at->second = std::move(schema);  // folded anew
  } else {
    versions_.emplace(at, order, std::move(schema));
  }
}

std::vector<SchemaConflict> conflicts(const Schemas& before, const Schema& next) {
  std::vector<SchemaConflict> out;
  for (std::size_t k = 0; k < kKinds; ++k) {
    const auto kind = static_cast<Kind>(k);
    for (const auto& field : next.fields(kind)) {
      if (const auto* was = before.ever(kind, field.name)) add_conflicts(kind, *was, field, out);
    }
  }
  return out;
}

std::vector<CustomFault> custom_faults(const Event& event, const Schema* schema) {
  std::vector<CustomFault> out;
  if (schema == nullptr || event.type == TypeId::kForeignType) return out;
  add_faults(event.subject.kind, event.data.find(Field::kCustom), *schema, out);
  const auto* set = event.data.find(Field::kSet);
  const auto* map = set == nullptr ? nullptr : set->as_map();
  if (map != nullptr) add_faults(event.subject.kind, find(*map, "custom"), *schema, out);
  return out;
}

std::vector<CustomFault> custom_faults(const Record& record, const Schema* schema) {
  std::vector<CustomFault> out;
  if (schema == nullptr || !record.merged_into.empty()) return out;
  const auto kind = record.key.kind;
  const bool opened = record.life.opened || kind == Kind::kAccount || kind == Kind::kContact;
  for (const auto& field : schema->fields(kind)) {
    const auto* has = register_of(record.custom, field.name);
    const auto* beside = register_of(record.extra, field.name);
    if (beside != nullptr && (has == nullptr || has->stamp < beside->stamp)) {
      if (auto typed = read_value(field.spec, beside->value); !typed) {
        out.push_back({field.name, typed.error().detail});
        continue;
      }
    }
    if (has == nullptr && field.spec.required && opened) {
      out.push_back({field.name, field.name + " is required and missing"});
    }
  }
  return out;
}

}  // namespace dealwright
