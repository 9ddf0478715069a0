#include "rules/file/schema_file.h"

#include <fmt/core.h>

#include <algorithm>

#include "rules/file/keys.h"
#include "rules/yaml/tree.h"

namespace dealwright::rules {
namespace {

using yaml::Entry;
using yaml::Node;

std::vector<std::string_view> kinds() {
  std::vector<std::string_view> out;
  for (std::size_t k = 1; k < kKinds; ++k) {
    if (has_custom(static_cast<Kind>(k))) out.push_back(kind_name(static_cast<Kind>(k)));
  }
  return out;
}

class SchemaReader {
 public:
  explicit SchemaReader(Diagnostics& out) : out_{out} {}

  void run(const Node& root) {
    static constexpr KeySpec kKeys[] = {{"custom"}, {"purposes"}};
    if (!check_keys(root, kKeys, "a schema", out_)) return;
    if (const auto* custom = root.find("custom")) {
      if (is_map(*custom, "'custom' is a map of kinds")) {
        for (const auto& entry : custom->entries) kind(entry);
      }
    }
    if (const auto* all = root.find("purposes")) purposes(*all);
    if (values_ > kValuesMax) {
      out_.error(1009, root.at, fmt::format("more than {} fields and values", kValuesMax),
                 "One event carries the schema");
    }
  }

  // Where a field was declared.
  Place place_of(Kind kind, std::string_view name) const {
    for (const auto& [key, field, at] : places_) {
      if (key == kind && field == name) return at;
    }
    return {};
  }

  Map fields, purposes_map;

 private:
  static constexpr std::size_t kValuesMax = 8'000;
  struct Declared {
    Kind kind;
    std::string_view name;
    Place at;
  };

  bool is_map(const Node& node, std::string_view message) {
    if (node.is_map()) return true;
    out_.error(1005, node.at, std::string{message});
    return false;
  }

  void kind(const Entry& entry) {
    const auto known = kind_of(entry.key);
    if (!known || !has_custom(*known)) {
      auto hint = did_you_mean(entry.key, kinds());
      if (hint.empty()) hint = "Known are " + listed(kinds());
      out_.error(1004, entry.at, fmt::format("'{}' is no kind of record with fields", entry.key),
                 hint);
      return;
    }
    if (!is_map(entry.value, fmt::format("'{}' is a map of fields", entry.key))) return;
    if (entry.value.entries.size() > kCustomFieldsMax) {
      out_.error(1009, entry.value.at, fmt::format("more than {} fields", kCustomFieldsMax));
      return;
    }
    Map all;
    for (const auto& declared : entry.value.entries) {
      places_.push_back({*known, declared.key, declared.at});
      if (auto value = field(*known, declared)) all.emplace_back(declared.key, std::move(*value));
    }
    fields.emplace_back(entry.key, Value{std::move(all)});
  }

  std::optional<Value> field(Kind kind, const Entry& entry) {
    const auto name = fmt::format("{}.custom.{}", kind_name(kind), entry.key);
    const auto before = errors_;
    if (!is_custom_name(entry.key)) {
      fail(9001, entry.at, fmt::format("'{}' cannot be the name of a field", entry.key),
           "A letter or _, then letters, digits and _, up to 64; not true, false, null, in");
    }
    const auto& node = entry.value;
    const Node* type = &node;
    if (node.is_map()) {
      static constexpr KeySpec kKeys[] = {
          {"type", KeySpec::Need::kNeeded}, {"values"}, {"required"}, {"pii"}, {"dimension"}};
      check_keys(node, kKeys, "a field", out_);
      type = node.find("type");
      if (type == nullptr) return std::nullopt;
    }
    Map map;
    FieldSpec spec;
    if (!read_type(*type, name, spec)) return std::nullopt;
    map.emplace_back("type", Value{type->text});
    values_ += 3;
    if (node.is_map()) {
      for (const auto* flag : {"required", "pii", "dimension"}) {
        const auto* found = node.find(flag);
        const auto value = found == nullptr ? std::nullopt : read_bool(*found, flag, out_);
        if (value && *value) map.emplace_back(flag, Value{true});
      }
    }
    values(node.is_map() ? node.find("values") : nullptr, spec, *type, map);
    return errors_ == before ? std::optional{Value{std::move(map)}} : std::nullopt;
  }

  bool read_type(const Node& node, const std::string& name, FieldSpec& spec) {
    if (!node.is_scalar()) {
      fail(1005, node.at, fmt::format("the type of '{}' is a word", name), "Such as type: text");
      return false;
    }
    const auto read = read_custom_type(node.text, spec);
    if (read) return true;
    static const std::vector<std::string_view> kWords = {
        "text", "int",  "bool",  "money",      "instant",  "date",
        "zone", "enum", "texts", "decimal(2)", "ref(user)"};
    auto hint = did_you_mean(node.text, kWords);
    if (hint.empty()) hint = "There are " + custom_types();
    fail(2004, node.at, fmt::format("'{}': {}", name, read.error().detail), std::move(hint));
    return false;
  }

  void values(const Node* node, const FieldSpec& spec, const Node& type, Map& map) {
    if (spec.type != FieldType::kEnum) {
      if (node != nullptr) fail(1004, node->at, "only an enum has values", "Write type: enum");
      return;
    }
    if (node == nullptr || !node->is_list() || node->items.empty()) {
      fail(1005, node == nullptr ? type.at : node->at, "an enum needs the list of its values",
           "Write such as values: [small, large]");
      return;
    }
    if (node->items.size() > kEnumValuesMax) {
      fail(1009, node->at, fmt::format("more than {} values", kEnumValuesMax));
      return;
    }
    List list;
    std::vector<std::string_view> seen;
    for (const auto& item : node->items) {
      if (!item.is_scalar() || item.text.empty() || item.text.size() > 200) {
        fail(1005, item.at, "a value is a text of 1 to 200 bytes");
      } else if (std::find(seen.begin(), seen.end(), item.text) != seen.end()) {
        fail(1003, item.at, fmt::format("the value '{}' stands there twice", item.text));
      } else {
        seen.push_back(item.text);
        list.emplace_back(item.text);
      }
    }
    values_ += list.size();
    map.emplace_back("values", Value{std::move(list)});
  }

  void purposes(const Node& node) {
    static constexpr std::string_view kClasses[] = {"marketing", "service"};
    if (!is_map(node, "'purposes' is a map of names, each marketing or service")) return;
    for (const auto& entry : node.entries) {
      if (entry.key.size() > 200) fail(1009, entry.at, "a purpose has at most 200 bytes");
      const auto of = read_word(entry.value, entry.key, kClasses, out_);
      if (of) purposes_map.emplace_back(entry.key, Value{kClasses[*of]});
    }
    values_ += node.entries.size();
  }

  void fail(std::uint16_t code, Place at, std::string message, std::string hint = {}) {
    ++errors_;
    out_.error(code, at, std::move(message), std::move(hint));
  }

  Diagnostics& out_;
  std::vector<Declared> places_;
  std::size_t errors_ = 0;
  std::size_t values_ = 0;
};

void check_against(const Schemas& in_force, const Schema& next, const SchemaReader& reader,
                   Diagnostics& out) {
  for (const auto& conflict : conflicts(in_force, next)) {
    out.error(
        9002, reader.place_of(conflict.kind, conflict.field),
        fmt::format("'{}.custom.{}' {}", kind_name(conflict.kind), conflict.field, conflict.what),
        "Records and rules hold it as it was: keep that and declare a field with another "
        "name");
  }
}

}  // namespace

SchemaFile read_schema_file(std::string_view source, const Schemas* in_force) {
  SchemaFile result;
  Diagnostics out;
  Node root;
  SchemaReader reader{out};
  if (yaml::read(source, root, out)) {
    reader.run(root);
    result.data.set(Field::kText, Value{source});
    result.data.set(Field::kFields, Value{std::move(reader.fields)});
    if (!reader.purposes_map.empty()) {
      result.data.set(Field::kPurposes, Value{std::move(reader.purposes_map)});
    }
  }
  if (!out.has_errors()) {
    auto schema = read_schema(result.data);
    if (schema) {
      result.schema = std::move(schema.value());
      if (in_force != nullptr) check_against(*in_force, *result.schema, reader, out);
    } else {
      out.error(1005, root.at, schema.error().detail);
    }
  }
  if (out.has_errors()) result.schema.reset();
  result.diagnostics = out.take();
  return result;
}

}  // namespace dealwright::rules
