#include <algorithm>

#include "connectors/import/mapping_reader.h"

namespace dealwright::import {
namespace {

std::string leading_literal(const Template& text) {
  if (text.parts.empty() || text.parts.front().kind != Template::Kind::kLiteral) return {};
  return text.parts.front().literal;
}

bool mentions_record(const Template& text) {
  return std::any_of(text.parts.begin(), text.parts.end(),
                     [](const auto& part) { return part.kind == Template::Kind::kRecord; });
}

bool mentions_record(const ValueSpec& value) {
  return mentions_record(value.conversion.from) ||
         std::any_of(value.members.begin(), value.members.end(),
                     [](const auto& member) { return mentions_record(member); });
}

}  // namespace

void MappingReader::read_emit(const YamlNode& node) {
  if (!want_map(node, "an event")) return;
  only_keys(node, {"type", "when", "subject", "time", "actor", "partition_key", "once", "data",
                   "extra", "make", "take"});
  Emit emit;
  emit.number = static_cast<std::uint16_t>(mapping_.emits.size() + 1);
  emit.time = default_time_;
  emit.actor = default_actor_;
  emit.partition_key = default_key_;
  if (const auto* at = need(node, "type")) read_type(*at, emit);
  if (const auto* at = node.find("when")) read_when(*at, emit);
  if (const auto* at = node.find("make")) read_make(*at, emit);
  if (const auto* at = node.find("take")) read_take(*at, emit);
  if (emit.make && emit.take)
    error(node, "IM1006", "an event makes a record or takes one", "two entries");
  if (const auto* at = need(node, "subject")) read_subject(*at, emit);
  if (const auto* at = node.find("time")) emit.time = read_conversion(*at, FieldType::kInstant);
  if (const auto* at = node.find("actor")) emit.actor = read_template(*at);
  if (const auto* at = node.find("partition_key")) emit.partition_key = read_template(*at);
  if (const auto* at = node.find("once")) emit.once = word(*at, {"false", "true"}) == "true";
  if (const auto* at = node.find("data")) read_data(*at, emit);
  check_required(node, emit);
  if (const auto* at = node.find("extra"); at != nullptr && want_map(*at, "extra")) {
    for (std::size_t i = 0; i < at->keys.size(); ++i) {
      emit.extra.emplace_back(at->keys[i].text, read_free_spec(at->items[i]));
    }
  }
  emit.infallible = std::all_of(emit.extra.begin(), emit.extra.end(),
                                [](const auto& e) { return e.second.infallible(); }) &&
                    std::all_of(emit.data.begin(), emit.data.end(),
                                [](const auto& d) { return d.value.infallible(); });
  const bool of_record = mentions_record(emit.subject) ||
                         std::any_of(emit.data.begin(), emit.data.end(),
                                     [](const auto& d) { return mentions_record(d.value); });
  if (of_record && !emit.make && !emit.take) {
    error(node, "IM2005", "this speaks of a record, but neither makes nor takes one",
          "take: { newest: .. }");
  }
  mapping_.emits.push_back(std::move(emit));
}

void MappingReader::read_type(const YamlNode& node, Emit& emit) {
  const auto* spec = event_spec(node.text);
  if (node.scalar() && spec != nullptr) {
    emit.type = spec->type;
    if (spec->group == EventGroup::kOwn) {
      error(node, "IM2002", "only the engine itself says " + node.text);
    }
    return;
  }
  emit.foreign_type = read_template(node);
  const auto head = leading_literal(emit.foreign_type);
  const auto dots = std::count(head.begin(), head.end(), '.');
  if (dots >= (emit.foreign_type.constant() ? 2 : 1)) return;
  const auto nearest = nearest_event_type(std::string_view{node.text}.substr(0, 60));
  error(node, "IM2002", "unknown event type '" + node.text.substr(0, 60) + "'",
        nearest.empty() ? "a foreign one is written com.example.cart_left"
                        : "did you mean '" + std::string{nearest} +
                              "'? A foreign one is written "
                              "com.example.cart_left");
}

void MappingReader::read_when(const YamlNode& node, Emit& emit) {
  if (node.scalar() && node.text == "otherwise") {
    emit.otherwise = true;
    return;
  }
  if (!want_map(node, "when")) return;
  for (std::size_t i = 0; i < node.keys.size(); ++i)
    read_condition(node.keys[i], node.items[i], emit);
}

void MappingReader::read_condition(const YamlNode& column, const YamlNode& test, Emit& emit) {
  auto& columns = mapping_.names.columns;
  auto it = std::find(columns.begin(), columns.end(), column.text);
  if (it == columns.end()) it = columns.insert(it, column.text);
  Condition condition;
  condition.column = static_cast<std::uint32_t>(it - columns.begin());
  if (!test.map()) {
    condition.values = texts(test);
  } else if (test.keys.size() != 1) {
    error(test, "IM1006", "a test is one of not, filled, prefix");
  } else if (const auto* filled = test.find("filled")) {
    condition.op =
        word(*filled, {"true", "false"}) == "true" ? Condition::Op::kFilled : Condition::Op::kEmpty;
  } else {
    only_keys(test, {"not", "filled", "prefix"});
    condition.op = test.find("prefix") != nullptr ? Condition::Op::kPrefix : Condition::Op::kNotIn;
    condition.values = texts(test.items[0]);
  }
  emit.when.push_back(std::move(condition));
}

void MappingReader::read_subject(const YamlNode& node, Emit& emit) {
  emit.subject = read_template(node);
  if (emit.subject.empty()) return;
  const auto head = leading_literal(emit.subject);
  const auto kind = kind_of(std::string_view{head}.substr(0, head.find('/')));
  if (head.find('/') == std::string::npos || !kind) {
    error(node, "IM2004", "a subject begins with its kind", "deal/{Id}");
  } else if (emit.type != TypeId::kForeignType && !spec_of(emit.type).allows(*kind)) {
    error(
        node, "IM2004",
        std::string{spec_of(emit.type).name} + " is not about a " + std::string{kind_name(*kind)});
  }
}

void MappingReader::read_data(const YamlNode& node, Emit& emit) {
  if (!want_map(node, "data")) return;
  if (emit.type == TypeId::kForeignType) {  // all of it is free
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      emit.extra.emplace_back(node.keys[i].text, read_free_spec(node.items[i]));
    }
    return;
  }
  const auto& spec = spec_of(emit.type);
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const auto& name = node.keys[i].text;
    const auto field = field_of(name);
    const auto* known = field ? spec.find(*field) : nullptr;
    if (known == nullptr) {
      const auto nearest = nearest_field(std::string_view{name}.substr(0, 60), spec.data);
      error(node.keys[i], "IM2001",
            "unknown field '" + name.substr(0, 60) + "' of " + std::string{spec.name},
            nearest.empty()
                ? "what it does not know goes under extra"
                : "did you mean '" + std::string{nearest} + "'? Else put it under extra");
      continue;
    }
    emit.data.push_back({known, read_value_spec(node.items[i], known)});
  }
  std::sort(emit.data.begin(), emit.data.end(),
            [](const auto& a, const auto& b) { return a.field->field < b.field->field; });
}

void MappingReader::check_required(const YamlNode& at, Emit& emit) {
  if (emit.type == TypeId::kForeignType) return;
  const auto& spec = spec_of(emit.type);
  for (const auto& field : spec.data) {
    if (!field.required) continue;
    const auto it = std::find_if(emit.data.begin(), emit.data.end(),
                                 [&](const auto& d) { return d.field == &field; });
    if (it == emit.data.end()) {
      error(at, "IM1005",
            std::string{spec.name} + " needs data." + std::string{field_name(field.field)},
            std::string{field_type_name(field.type)});
    } else if (it->value.kind != ValueSpec::Kind::kConstant) {
      emit.required.push_back(&field);
    }
  }
}

std::uint32_t MappingReader::read_list_name(const YamlNode& node) {
  const auto& names = mapping_.names.records;
  const auto it = std::find(names.begin(), names.end(), node.text);
  if (it != names.end()) return static_cast<std::uint32_t>(it - names.begin());
  error(node, "IM2005", "unknown records '" + node.text.substr(0, 60) + "'",
        "name them under records");
  return 0;
}

std::uint8_t MappingReader::state_of(const YamlNode& node) {
  auto& states = mapping_.states;
  auto it = std::find(states.begin(), states.end(), node.text);
  if (it == states.end()) {
    if (!node.scalar() || node.text.empty() || node.text == "ended" || states.size() >= 200) {
      error(node, "IM1006", "this is no state of records", "a word such as open, started");
      return 0;
    }
    it = states.insert(it, node.text);
  }
  return static_cast<std::uint8_t>(it - states.begin());
}

std::vector<std::uint8_t> MappingReader::states_of(const YamlNode& node) {
  std::vector<std::uint8_t> out;
  if (node.scalar()) {
    out.push_back(state_of(node));
  } else {
    for (const auto& item : node.items) out.push_back(state_of(item));
  }
  return out;
}

void MappingReader::read_make(const YamlNode& node, Emit& emit) {
  Make make;
  if (node.scalar()) {
    make.list = read_list_name(node);
  } else {
    only_keys(node, {"in", "named", "state", "unless"});
    if (const auto* at = need(node, "in")) make.list = read_list_name(*at);
    if (const auto* at = node.find("named")) make.named = read_template(*at);
    if (const auto* at = node.find("state")) make.state = state_of(*at);
    if (const auto* at = node.find("unless")) {
      make.unless =
          at->scalar() && at->text == "any" ? std::vector<std::uint8_t>{} : states_of(*at);
    }
  }
  if (!mapping_.records.empty()) emit.make = std::move(make);
}

void MappingReader::read_take(const YamlNode& node, Emit& emit) {
  if (!want_map(node, "take")) return;
  only_keys(node, {"newest", "oldest", "named", "state", "then", "lacking"});
  Take take;
  const auto* newest = node.find("newest");
  const auto* oldest = node.find("oldest");
  take.newest = newest != nullptr;
  if ((newest == nullptr) == (oldest == nullptr)) {
    error(node, "IM1005", "take one: newest or oldest", "take: { newest: offers }");
  } else {
    take.list = read_list_name(newest != nullptr ? *newest : *oldest);
  }
  if (const auto* at = node.find("named")) take.named = read_template(*at);
  if (const auto* at = node.find("state")) take.states = states_of(*at);
  if (const auto* at = node.find("then")) {
    take.ends = at->text == "ended";
    if (!take.ends) take.then = state_of(*at);
  }
  if (const auto* at = node.find("lacking")) take.may_lack = word(*at, {"bad", "skip"}) == "skip";
  if (!mapping_.records.empty()) emit.take = std::move(take);
}

}  // namespace dealwright::import
