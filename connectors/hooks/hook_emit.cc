#include <algorithm>
#include <charconv>

#include "connectors/hooks/hook_reader.h"
#include "engine/domain/form.h"

namespace dealwright::hooks {
namespace {

// JSON's numbers and booleans; the rest is text.
Value scalar_value(const YamlNode& node) {
  if (node.quoted) return Value{node.text};
  if (node.text == "true") return Value{true};
  if (node.text == "false") return Value{false};
  const auto* end = node.text.data() + node.text.size();
  std::int64_t whole = 0;
  const auto parsed = std::from_chars(node.text.data(), end, whole);
  if (parsed.ec == std::errc{} && parsed.ptr == end) return Value{whole};
  return Value{node.text};
}

}  // namespace

void HookReader::read_emits(const YamlNode& list, std::vector<Emit>& out) {
  if (!list.list() || list.items.empty()) {
    error(list, "HK1006", "emit is a list of events", "- { type: .., subject: .. }");
    return;
  }
  if (list.items.size() > kEmitsMax) {
    error(list, "HK1009", "more than 1000 entries under emit", "split the hook");
    return;
  }
  for (const auto& node : list.items) read_emit(node, out);
}

void HookReader::read_emit(const YamlNode& node, std::vector<Emit>& out) {
  if (!want_map(node, "an event")) return;
  Emit emit;
  if (const auto* at = node.find("when")) read_when(*at, emit);
  if (node.find("drop") != nullptr) {
    read_drop(node, emit);
    out.push_back(std::move(emit));
    return;
  }
  only_keys(node, {"when", "type", "subject", "time", "actor", "partition_key", "data", "each"});
  if (const auto* at = node.find("each")) emit.each = read_path(*at);
  if (const auto* at = need(node, "type")) read_type(*at, emit);
  if (const auto* at = need(node, "subject")) emit.subject = read_text(*at);
  if (const auto* at = node.find("time")) emit.time = read_value(*at);
  if (const auto* at = node.find("actor")) emit.actor = read_text(*at);
  if (const auto* at = node.find("partition_key")) emit.partition_key = read_text(*at);
  const auto* spec =
      emit.type.constant() && !emit.type.empty() ? event_spec(emit.type.parts[0].literal) : nullptr;
  if (const auto* at = node.find("data")) read_data(*at, spec, emit);
  if (spec != nullptr && spec->group != EventGroup::kOwn) check_required(node, *spec, emit);
  if (spec != nullptr && emit.subject.constant() && !emit.subject.empty() &&
      !spec->allows(parse_record_key(emit.subject.parts[0].literal).kind))
    error(*node.find("subject"), "HK2004", std::string{spec->name} + " is not about that",
          "the subject's kind has to fit the type");
  out.push_back(std::move(emit));
}

void HookReader::read_drop(const YamlNode& node, Emit& emit) {
  only_keys(node, {"when", "drop"});
  emit.drop = plain(*node.find("drop"), 200, "drop");
  if (emit.when.empty() && !emit.otherwise)
    error(node, "HK1005", "an entry that drops notices says which", "when: { place: text }");
}

void HookReader::read_when(const YamlNode& node, Emit& emit) {
  if (node.scalar() && node.text == "otherwise") {
    emit.otherwise = true;
    return;
  }
  if (!want_map(node, "when")) return;
  for (std::size_t i = 0; i < node.keys.size(); ++i)
    read_condition(node.keys[i], node.items[i], emit);
}

void HookReader::read_condition(const YamlNode& place, const YamlNode& test, Emit& emit) {
  const auto path = read_path(place);
  if (!test.map()) {
    emit.when.push_back({path, Condition::Op::kIn, texts(test)});
    return;
  }
  if (test.keys.empty()) error(test, "HK1006", "a test is empty", "{ filled: true }");
  only_keys(test, {"not", "filled", "present", "prefix", "has", "lacks"});
  for (std::size_t i = 0; i < test.keys.size(); ++i)
    emit.when.push_back(read_test(path, test.keys[i].text, test.items[i]));
}

Condition HookReader::read_test(const Path& path, std::string_view name, const YamlNode& node) {
  using Op = Condition::Op;
  if (name == "filled")
    return {path, word(node, {"true", "false"}) == "true" ? Op::kFilled : Op::kEmpty, {}};
  if (name == "present")
    return {path, word(node, {"true", "false"}) == "true" ? Op::kPresent : Op::kAbsent, {}};
  if (name == "prefix") return {path, Op::kPrefix, {plain(node, 200, "prefix")}};
  const auto op = name == "not" ? Op::kNotIn : name == "has" ? Op::kHas : Op::kLacks;
  return {path, op, texts(node)};
}

void HookReader::read_type(const YamlNode& node, Emit& emit) {
  emit.type = read_text(node);
  if (!emit.type.constant() || emit.type.empty()) return;
  const auto& name = emit.type.parts[0].literal;
  const auto* spec = event_spec(name);
  if (spec != nullptr && spec->group == EventGroup::kOwn)
    error(node, "HK2002", "only the engine itself says " + name);
  if (spec != nullptr || std::count(name.begin(), name.end(), '.') >= 2) return;
  const auto nearest = nearest_event_type(std::string_view{name}.substr(0, 60));
  error(node, "HK2002", "unknown event type '" + name.substr(0, 60) + "'",
        (nearest.empty() ? "a" : "did you mean '" + std::string{nearest} + "'? A") +
            std::string{" foreign one is written com.example.cart_left"});
}

void HookReader::read_data(const YamlNode& node, const EventSpec* spec, Emit& emit) {
  if (!want_map(node, "data")) return;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const auto& name = node.keys[i].text;
    const auto field = field_of(name);
    const auto* known = spec != nullptr && field ? spec->find(*field) : nullptr;
    if (spec != nullptr && known == nullptr) {
      const auto nearest = nearest_field(std::string_view{name}.substr(0, 60), spec->data);
      error(node.keys[i], "HK2001",
            "unknown field '" + name.substr(0, 60) + "' of " + std::string{spec->name},
            nearest.empty() ? "custom: { name: .. } takes what is yours"
                            : "did you mean '" + std::string{nearest} + "'?");
    }
    auto value = read_value(node.items[i]);
    if (known != nullptr && value.kind == ValueSpec::Kind::kConstant &&
        known->type != FieldType::kJson) {
      const auto typed = dealwright::read_value(*known, known->type == FieldType::kBool
                                                            ? value.constant
                                                            : Value{scalar_text(value.constant)});
      if (!typed) error(node.items[i], "HK2003", typed.error().detail);
    }
    emit.data.emplace_back(name, std::move(value));
  }
}

void HookReader::check_required(const YamlNode& at, const EventSpec& spec, const Emit& emit) {
  for (const auto& known : spec.data) {
    const auto name = field_name(known.field);
    const bool there = std::any_of(emit.data.begin(), emit.data.end(),
                                   [&](const auto& d) { return d.first == name; });
    if (known.required && !there)
      error(at, "HK1005", std::string{spec.name} + " needs data." + std::string{name});
  }
}

ValueSpec HookReader::read_value(const YamlNode& node) {
  ValueSpec out;
  if (node.scalar()) {
    auto text = read_text(node);
    if (text.constant()) {
      out.constant = scalar_value(node);
      if (!text.empty() && out.constant.as_text() != nullptr)
        out.constant = Value{text.parts[0].literal};  // {{ is a brace
      return out;
    }
    out.kind = ValueSpec::Kind::kText;
    out.from.push_back(std::move(text));
    return out;
  }
  if (node.map() && node.find("from") != nullptr) return read_value_map(node);
  out.kind = node.map() ? ValueSpec::Kind::kMap : ValueSpec::Kind::kList;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    out.members.emplace_back(node.map() ? read_text(node.keys[i]) : Text{},
                             read_value(node.items[i]));
  }
  return out;
}

ValueSpec HookReader::read_value_map(const YamlNode& node) {
  only_keys(node, {"from", "table", "map", "else", "empty", "as", "currency"});
  ValueSpec out;
  out.kind = ValueSpec::Kind::kText;
  for (std::size_t i = 0; i < node.keys.size(); ++i)
    read_value_key(node.keys[i].text, node.items[i], out);
  if (!out.table.empty() && !out.recode.empty())
    error(node, "HK1006", "a value is recoded by one of table and map");
  return out;
}

void HookReader::read_value_key(std::string_view key, const YamlNode& node, ValueSpec& out) {
  static constexpr std::pair<std::string_view, FieldType> kTypes[] = {
      {"text", FieldType::kText}, {"bool", FieldType::kBool},       {"money", FieldType::kMoney},
      {"date", FieldType::kDate}, {"instant", FieldType::kInstant}, {"list", FieldType::kTexts}};
  if (key == "from") {
    out.from = read_texts(node);
  } else if (key == "table") {
    out.table = plain(node, 60, "table");
  } else if (key == "map") {
    out.recode = read_recode(node);
  } else if (key == "else") {
    if (!node.scalar()) error(node, "HK1006", "this is a text");
    out.otherwise = node.text;
  } else if (key == "empty") {
    out.null_if_empty = word(node, {"unset", "null"}) == "null";
  } else if (key == "currency") {
    out.currency = read_texts(node);
  } else if (key == "as") {
    const auto name = word(node, {"text", "bool", "money", "date", "instant", "list"});
    for (const auto& [text, type] : kTypes) {
      if (text == name) out.as = type;
    }
  }
}

}  // namespace dealwright::hooks
