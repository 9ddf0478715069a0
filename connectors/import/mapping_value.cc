#include <charconv>

#include "connectors/import/mapping_reader.h"
#include "engine/domain/form.h"

namespace dealwright::import {
namespace {

// JSON's numbers and booleans; the rest is text.
Value scalar_value(const YamlNode& node) {
  if (node.quoted) return Value{node.text};
  if (node.text == "true") return Value{true};
  if (node.text == "false") return Value{false};
  const auto* begin = node.text.data();
  const auto* end = begin + node.text.size();
  const bool number =
      !node.text.empty() && node.text.find_first_not_of("0123456789-+.eE") == std::string::npos;
  std::int64_t whole = 0;
  const auto as_int = std::from_chars(begin, end, whole);
  if (number && as_int.ec == std::errc{} && as_int.ptr == end) return Value{whole};
  double real = 0;
  const auto as_double = std::from_chars(begin, end, real);
  if (number && as_double.ec == std::errc{} && as_double.ptr == end) return Value{real};
  return Value{node.text};
}

}  // namespace

Value MappingReader::free_value(const YamlNode& node) {
  if (node.scalar()) return scalar_value(node);
  if (node.list()) {
    List list;
    for (const auto& item : node.items) list.push_back(free_value(item));
    return Value{std::move(list)};
  }
  Map map;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    map.emplace_back(node.keys[i].text, free_value(node.items[i]));
  }
  return Value{std::move(map)};
}

Template MappingReader::read_template(const YamlNode& node) {
  Template out;
  if (!node.scalar()) {
    error(node, "IM1006", "this is a text such as \"deal/{Id}\"");
    return out;
  }
  const auto wrong = parse_template(node.text, mapping_.names, out);
  if (!wrong.empty()) {
    const auto cut = wrong.find("; ");
    error(node, "IM2005", wrong.substr(0, cut),
          cut == std::string::npos ? "" : wrong.substr(cut + 2));
    out.parts.clear();
  }
  if (mapping_.names.columns.size() > kColumnsMax) error(node, "IM1009", "more than 4096 columns");
  return out;
}

void MappingReader::read_notation(const YamlNode& node, Notation& notation) {
  if (!want_map(node, "notation")) return;
  only_keys(node, {"dates", "decimal", "currency", "scale"});
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    read_notation_key(node.keys[i].text, node.items[i], notation);
  }
}

void MappingReader::read_notation_key(std::string_view key, const YamlNode& node,
                                      Notation& notation) {
  if (key == "dates") {
    notation.dates = node.text;
    const auto wrong = check_time_format(node.text);
    if (!wrong.empty()) error(node, "IM1006", wrong);
  } else if (key == "decimal") {
    const auto sign = word(node, {".", ","});
    notation.decimal = sign[0];
  } else if (key == "currency") {
    notation.currency = read_template(node);
    if (notation.currency.constant() && !Currency::parse(node.text)) {
      error(node, "IM1006", "'" + node.text.substr(0, 20) + "' is no currency",
            "such as EUR, or \"{column}\"");
    }
  } else if (key == "scale") {
    notation.minor = node.text == "minor";
    const auto* end = node.text.data() + node.text.size();
    const auto parsed = std::from_chars(node.text.data(), end, notation.scale);
    const bool number = parsed.ec == std::errc{} && parsed.ptr == end && notation.scale >= 1 &&
                        notation.scale <= 1'000'000'000;
    if (!notation.minor && !number) {
      error(node, "IM1006", "scale is what one unit of the column is worth",
            "1, 1000, ... or minor");
    }
    if (!number) notation.scale = 1;
  }
}

// A text with references, or { from, map, else, dates, decimal, currency, scale, split, as }.
Conversion MappingReader::read_conversion(const YamlNode& node, FieldType as) {
  Conversion out;
  out.as = as;
  out.notation = notation_;
  if (!node.map()) {
    out.from = read_template(node);
    return out;
  }
  only_keys(node, {"from", "map", "else", "dates", "decimal", "currency", "scale", "split", "as"});
  if (const auto* from = need(node, "from")) out.from = read_template(*from);
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const auto& key = node.keys[i].text;
    const auto& value = node.items[i];
    if (key == "map") {
      if (!want_map(value, "map")) continue;
      for (std::size_t k = 0; k < value.keys.size(); ++k) {
        if (!value.items[k].scalar()) error(value.items[k], "IM1006", "this is a text");
        out.recode.emplace_back(value.keys[k].text, value.items[k].text);
      }
    } else if (key == "else") {
      out.otherwise = value.text;
    } else if (key == "split") {
      out.split = value.text;
    } else if (key == "as") {
      static constexpr std::pair<std::string_view, FieldType> kTypes[] = {
          {"text", FieldType::kText}, {"int", FieldType::kInt},
          {"bool", FieldType::kBool}, {"money", FieldType::kMoney},
          {"date", FieldType::kDate}, {"instant", FieldType::kInstant},
          {"list", FieldType::kTexts}};
      const auto name = word(value, {"text", "int", "bool", "money", "date", "instant", "list"});
      for (const auto& [text, type] : kTypes) {
        if (text == name) out.as = type;
      }
    } else {
      read_notation_key(key, value, out.notation);
    }
  }
  if (out.otherwise && out.recode.empty()) error(node, "IM1005", "else needs map");
  return out;
}

ValueSpec MappingReader::read_value_spec(const YamlNode& node, const FieldSpec* field) {
  const bool free = field == nullptr || field->type == FieldType::kJson;
  if (field != nullptr && free && node.scalar()) {
    error(node, "IM2003", std::string{field_name(field->field)} + " is a map or a list");
    return {};
  }
  return free ? read_free_spec(node) : read_typed_spec(node, *field);
}

ValueSpec MappingReader::read_free_spec(const YamlNode& node) {
  ValueSpec out;
  if (node.scalar() || (node.map() && node.find("from") != nullptr)) {
    auto conversion = read_conversion(node, FieldType::kText);
    if (node.scalar() && conversion.from.constant()) {
      out.constant = scalar_value(node);
      return out;
    }
    out.kind = ValueSpec::Kind::kConversion;
    out.conversion = std::move(conversion);
    return out;
  }
  out.kind = node.map() ? ValueSpec::Kind::kMap : ValueSpec::Kind::kList;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    out.members.push_back(read_free_spec(node.items[i]));
    if (node.map()) out.names.push_back(node.keys[i].text);
  }
  return out;
}

ValueSpec MappingReader::read_typed_spec(const YamlNode& node, const FieldSpec& field) {
  ValueSpec out;
  const bool list = field.type == FieldType::kTexts || field.type == FieldType::kRefs;
  if (node.list()) {
    if (!list) {
      error(node, "IM2003", std::string{field_name(field.field)} + " is no list");
      return out;
    }
    out = read_free_spec(node);
    return out;
  }
  auto conversion = read_conversion(node, field.type);
  if (node.map() && node.find("as") != nullptr) {
    error(node, "IM1004", "`as` is for free data",
          std::string{field_name(field.field)} + " is " + std::string{field_type_name(field.type)});
  }
  if (!conversion.from.constant() || node.map()) {
    out.kind = ValueSpec::Kind::kConversion;
    out.conversion = std::move(conversion);
    return out;
  }
  auto free = field.type == FieldType::kBool ? scalar_value(node) : Value{node.text};
  auto typed = read_value(field, free);
  if (typed) {
    out.constant = std::move(typed.value());
  } else {
    error(node, "IM2003", typed.error().detail);
  }
  return out;
}

}  // namespace dealwright::import
