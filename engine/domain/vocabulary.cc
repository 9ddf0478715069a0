#include "engine/domain/vocabulary.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "engine/base/assert.h"

namespace dealwright {
namespace {

struct Named {
  std::uint16_t number;
  std::string_view name;
};

constexpr Named kFieldNames[] = {
#define DW_FIELD(number, constant, name) {number, name},
#include "engine/domain/fields.def"
#undef DW_FIELD
};

constexpr std::string_view kKindNames[kKinds] = {
    "",       "account", "contact", "lead",      "deal",  "offer",   "contract", "task",
    "ticket", "survey",  "product", "user",      "team",  "target",  "pipeline", "calendar",
    "rule",   "import",  "fx",      "workspace", "event", "template"};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Kind ref_kind(std::string_view name) {
  const auto kind = kind_of(name);
  DW_ASSERT(kind.has_value());
  return *kind;
}

void parse_type(std::string_view type, FieldSpec& spec) {
  static constexpr std::pair<std::string_view, FieldType> kTypes[] = {
      {"", FieldType::kText},    {"i", FieldType::kInt},     {"b", FieldType::kBool},
      {"m", FieldType::kMoney},  {"t", FieldType::kInstant}, {"d", FieldType::kDate},
      {"z", FieldType::kZone},   {"n", FieldType::kDecimal}, {"x", FieldType::kJson},
      {"[s]", FieldType::kTexts}};
  for (const auto& [text, value] : kTypes) {
    if (text == type) {
      spec.type = value;
      return;
    }
  }
  if (type.starts_with(">")) {
    spec.type = FieldType::kRef;
    spec.ref = ref_kind(type.substr(1));
  } else if (type.starts_with("[>")) {
    spec.type = FieldType::kRefs;
    spec.ref = ref_kind(type.substr(2, type.size() - 3));
  } else {
    spec.type = FieldType::kEnum;
    spec.values = split(type, '/');
    DW_ASSERT(spec.values.size() > 1);
  }
}

// name[:type][!|~]
FieldSpec parse_field(std::string_view word) {
  FieldSpec spec;
  for (; word.ends_with("!") || word.ends_with("~"); word.remove_suffix(1)) {
    (word.back() == '!' ? spec.required : spec.personal) = true;
  }
  const auto colon = std::min(word.find(':'), word.size());
  const auto field = field_of(word.substr(0, colon));
  DW_ASSERT(field.has_value());
  spec.field = *field;
  parse_type(colon < word.size() ? word.substr(colon + 1) : std::string_view{}, spec);
  return spec;
}

std::vector<FieldSpec> parse_fields(std::string_view text) {
  std::vector<FieldSpec> out;
  for (const auto word : split(text, ' ')) out.push_back(parse_field(word));
  return out;
}

std::uint32_t parse_subjects(std::string_view text) {
  if (text == "*") return ~std::uint32_t{0};
  std::uint32_t bits = 0;
  for (const auto name : split(text, ' ')) bits |= 1U << static_cast<unsigned>(ref_kind(name));
  return bits;
}

const std::vector<EventSpec>& event_table() {
  static const std::vector<EventSpec> table = [] {
    std::vector<EventSpec> out;
#define DW_EVENT(number, constant, name, subjects, group, data) \
  out.push_back(                                                \
      {TypeId{number}, name, parse_subjects(subjects), EventGroup::k##group, parse_fields(data)});
#include "engine/domain/events.def"
#undef DW_EVENT
    for (std::size_t i = 0; i < out.size(); ++i) {
      DW_ASSERT(static_cast<std::size_t>(out[i].type) ==
                i + 1);  // dense, so the number is the index
    }
    return out;
  }();
  return table;
}

const std::array<KindSpec, kKinds>& kind_table() {
  static const std::array<KindSpec, kKinds> table = [] {
    std::array<KindSpec, kKinds> out;
#define DW_KIND(constant, name, fields)             \
  out[static_cast<std::size_t>(Kind::constant)] = { \
      Kind::constant, parse_fields(fields " owner:>user team:>team merged_into deleted:b")};
#include "engine/domain/kinds.def"
#undef DW_KIND
    return out;
  }();
  return table;
}

const FieldSpec* find_in(std::span<const FieldSpec> specs, Field field) {
  const auto it = std::find_if(specs.begin(), specs.end(),
                               [&](const FieldSpec& spec) { return spec.field == field; });
  return it == specs.end() ? nullptr : &*it;
}

// Sorted index over a table's names, for look-up by text.
template <class Entry>
const Entry* find_name(const std::vector<std::pair<std::string_view, const Entry*>>& index,
                       std::string_view name) {
  const auto it = std::lower_bound(index.begin(), index.end(), name,
                                   [](const auto& e, std::string_view n) { return e.first < n; });
  return it != index.end() && it->first == name ? it->second : nullptr;
}

}  // namespace

std::string_view kind_name(Kind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

std::optional<Kind> kind_of(std::string_view name) {
  for (std::size_t i = 1; i < kKinds; ++i) {
    if (kKindNames[i] == name) return static_cast<Kind>(i);
  }
  return std::nullopt;
}

std::string_view field_name(Field field) {
  const auto number = static_cast<std::size_t>(field);
  return number == 0 || number > std::size(kFieldNames) ? std::string_view{}
                                                        : kFieldNames[number - 1].name;
}

std::optional<Field> field_of(std::string_view name) {
  static const auto index = [] {
    std::vector<std::pair<std::string_view, const Named*>> out;
    for (const auto& entry : kFieldNames) out.emplace_back(entry.name, &entry);
    std::sort(out.begin(), out.end());
    return out;
  }();
  const auto* entry = find_name(index, name);
  if (entry == nullptr) return std::nullopt;
  return Field{entry->number};
}

std::string_view name_of(const FieldSpec& spec) {
  return spec.custom.empty() ? field_name(spec.field) : spec.custom;
}

std::string_view field_type_name(FieldType type) {
  static constexpr std::string_view kNames[] = {
      "text",    "int", "bool", "money",        "instant",     "date", "zone",
      "decimal", "id",  "enum", "list of text", "list of ids", "json"};
  return kNames[static_cast<std::size_t>(type)];
}

const FieldSpec* KindSpec::find(Field field) const { return find_in(fields, field); }
const FieldSpec* EventSpec::find(Field field) const { return find_in(data, field); }

const KindSpec& spec_of(Kind kind) { return kind_table()[static_cast<std::size_t>(kind)]; }

const EventSpec& spec_of(TypeId type) {
  const auto number = static_cast<std::size_t>(type);
  DW_ASSERT(number >= 1 && number <= event_table().size());
  return event_table()[number - 1];
}

const EventSpec* event_spec(std::string_view name) {
  static const auto index = [] {
    std::vector<std::pair<std::string_view, const EventSpec*>> out;
    for (const auto& spec : event_table()) out.emplace_back(spec.name, &spec);
    std::sort(out.begin(), out.end());
    return out;
  }();
  return find_name(index, name);
}

std::span<const EventSpec> all_event_specs() { return event_table(); }

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string_view nearest_event_type(std::string_view word) {
  std::string_view best;
  std::size_t least = word.size() / 3 + 2;
  for (const auto& spec : event_table()) {
    const auto distance = edit_distance(word, spec.name);
    if (distance < least) {
      least = distance;
      best = spec.name;
    }
  }
  return best;
}

std::string_view nearest_field(std::string_view word, std::span<const FieldSpec> among) {
  std::string_view best;
  std::size_t least = word.size() / 3 + 2;
  for (const auto& spec : among) {
    const auto distance = edit_distance(word, field_name(spec.field));
    if (distance < least) {
      least = distance;
      best = field_name(spec.field);
    }
  }
  return best;
}

}  // namespace dealwright
