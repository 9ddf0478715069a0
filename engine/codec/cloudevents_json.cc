#include "engine/codec/cloudevents_json.h"

#include <algorithm>
#include <charconv>

namespace dealwright::codec {
namespace {

// Attributes that become fields of Event; all others are extensions.
struct Attribute {
  std::string_view name;
  std::string Event::*text;
};
constexpr Attribute kTexts[] = {
    {"id", &Event::id},
    {"source", &Event::source},
    {"partitionkey", &Event::partition_key},
    {"actor", &Event::actor},
    {"importbatch", &Event::import_batch},
    {"causationid", &Event::causation_id},
    {"correlationid", &Event::correlation_id},
    {"traceparent", &Event::traceparent},
};

void fail(std::vector<FormError>& errors, std::string code, std::string pointer, std::string detail,
          std::string hint) {
  errors.push_back({std::move(code), std::move(pointer), std::move(detail), std::move(hint)});
}

void take_time(const Value& value, Event& out, std::vector<FormError>& errors) {
  auto at = parse_instant(value.text_or_empty());
  if (at) {
    out.time = at.value();
  } else {
    fail(errors, "bad_time", "/time", "time is no RFC 3339 instant", "2026-03-02T09:00:00Z");
  }
}

void take_type(std::string_view name, Event& out, std::vector<FormError>& errors) {
  const auto* spec = event_spec(name);
  if (spec == nullptr) {
    out.type = TypeId::kForeignType;
    out.foreign_type = name;
    return;
  }
  out.type = spec->type;
  if (spec->group == EventGroup::kOwn) {
    fail(errors, "reserved_type", "/type", std::string{name} + " is appended by the engine only",
         "use a type of your own, such as com.example.thing");
  }
}

// An attribute by its name; false: not one of ours.
bool take_attribute(const std::string& name, const Value& value, Event& out,
                    std::vector<FormError>& errors) {
  for (const auto& attribute : kTexts) {
    if (attribute.name != name) continue;
    if (value.as_text() == nullptr) {
      fail(errors, "bad_envelope", "/" + name, name + " is no string", "\"" + name + "\":\"...\"");
    } else {
      out.*attribute.text = *value.as_text();
    }
    return true;
  }
  if (name == "time") {
    take_time(value, out, errors);
  } else if (name == "type") {
    take_type(value.text_or_empty(), out, errors);
  } else if (name == "subject") {
    out.subject = parse_record_key(value.text_or_empty());
  } else if (name == "policy") {
    const auto policy = policy_of(value.text_or_empty());
    if (!policy)
      fail(errors, "bad_envelope", "/policy", "no such policy", "fire, drip, shadow or suppress");
    out.policy = policy.value_or(Policy::kUnset);
  } else if (name == "importrow") {
    if (value.as_int() == nullptr || *value.as_int() < 1) {
      fail(errors, "bad_envelope", "/importrow", "importrow is no number from 1 on",
           "\"importrow\":1");
    } else {
      out.import_row = static_cast<std::uint64_t>(*value.as_int());
    }
  } else {
    return name == "specversion" || name == "data" || name == "datacontenttype" ||
           name == "data_base64";
  }
  return true;
}

bool is_base64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  });
}

bool is_attribute_name(std::string_view name) {
  return name == "data_base64" ||
         (!name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
         }));
}

// Bytes as base64, kept as they came: only foreign types may bring them.
void take_base64(const Value& data, Event& out, std::vector<FormError>& errors) {
  if (out.type != TypeId::kForeignType) {
    fail(errors, "bad_data", "/data_base64", std::string{out.type_name()} + " takes JSON data",
         "\"data\":{...}");
  } else if (data.text_or_empty().empty() || !is_base64(data.text_or_empty())) {
    fail(errors, "bad_data", "/data_base64", "data_base64 is no base64 text",
         "the bytes as RFC 4648 base64 with padding");
  } else {
    out.opaque = data.text_or_empty();
  }
}

void take_data(const Map& object, Event& out, std::vector<FormError>& errors) {
  const auto present = [&](std::string_view name) {
    const auto* value = find(object, name);
    return value == nullptr || value->null() ? nullptr : value;
  };
  const auto* data = present("data");
  const auto* base64 = present("data_base64");
  if (const auto* type = present("datacontenttype");
      type != nullptr && out.type == TypeId::kForeignType) {
    const auto text = type->text_or_empty();
    if (base64 != nullptr || text != "application/json") out.content_type = text;
  }
  if (data != nullptr && base64 != nullptr) {
    fail(errors, "bad_envelope", "/data_base64", "data and data_base64 at once",
         "send one of the two");
    return;
  }
  if (base64 != nullptr) return take_base64(*base64, out, errors);
  static const Map kNone;
  const auto* map = data == nullptr ? &kNone : data->as_map();
  if (map != nullptr) {
    auto more = fill_data(out, *map);
    errors.insert(errors.end(), more.begin(), more.end());
  } else if (out.type == TypeId::kForeignType) {
    out.extra = {{"value", *data}};
  } else {
    fail(errors, "bad_data", "/data", "data is no object", "\"data\":{...}");
  }
}

}  // namespace

std::vector<FormError> read_cloudevent(const Value& value, Event& out) {
  std::vector<FormError> errors;
  out = Event{};
  const auto* object = value.as_map();
  if (object == nullptr) {
    fail(errors, "bad_envelope", "", "an event is a JSON object", "{\"specversion\":\"1.0\",...}");
    return errors;
  }
  const auto* version = find(*object, "specversion");
  if (version == nullptr || version->text_or_empty() != "1.0") {
    fail(errors, "bad_envelope", "/specversion", "specversion is not 1.0",
         "\"specversion\":\"1.0\"");
  }
  for (const auto& [name, member] : *object) {
    if (!is_attribute_name(name)) {
      fail(errors, "bad_envelope", "/" + name, "no name of an attribute",
           "lower case letters and digits; other things go below data");
      continue;
    }
    if (member.null() || take_attribute(name, member, out, errors)) continue;
    if (name == "tracestate" && member.as_text() == nullptr) {
      fail(errors, "bad_envelope", "/tracestate", "tracestate is no string",
           "\"tracestate\":\"...\"");
    } else if (member.as_text() == nullptr && member.as_int() == nullptr &&
               member.as_bool() == nullptr) {
      fail(errors, "bad_envelope", "/" + name, "an extension is a string, a number or a boolean",
           "put it below data");
    } else {
      out.extensions.emplace_back(name, member);
    }
  }
  take_data(*object, out, errors);
  auto envelope = check_envelope(out);
  errors.insert(errors.end(), envelope.begin(), envelope.end());
  return errors;
}

std::vector<FormError> parse_cloudevent(std::string_view text, Event& out,
                                        const JsonLimits& limits) {
  auto value = parse_json(text, limits);
  if (!value) return {{"bad_envelope", "", value.error().detail, "send a JSON object"}};
  return read_cloudevent(value.value(), out);
}

Map data_of(const Event& event) {
  Map data;
  for (const auto& [field, value] : event.data)
    data.emplace_back(std::string{field_name(field)}, value);
  for (const auto& entry : event.extra) data.push_back(entry);
  return *Value{std::move(data)}.as_map();
}

std::string to_cloudevent(const Event& event) {
  Map out = event.extensions;
  const auto text = [&](const char* name, const std::string& value) {
    if (!value.empty()) out.emplace_back(name, Value{value});
  };
  out.emplace_back("specversion", Value{"1.0"});
  out.emplace_back("type", Value{event.type_name()});
  out.emplace_back("subject", Value{to_text(event.subject)});
  for (const auto& attribute : kTexts)
    text(std::string{attribute.name}.c_str(), event.*attribute.text);
  if (event.time) out.emplace_back("time", Value{*event.time});
  if (event.policy != Policy::kUnset) out.emplace_back("policy", Value{policy_name(event.policy)});
  if (event.import_row > 0)
    out.emplace_back("importrow", Value{static_cast<std::int64_t>(event.import_row)});
  text("datacontenttype", event.content_type);
  if (!event.opaque.empty()) {
    out.emplace_back("data_base64", Value{event.opaque});
  } else {
    out.emplace_back("data", Value{data_of(event)});
  }
  return to_json(Value{std::move(out)});
}

std::string render(const FormError& error) {
  std::string out =
      error.code + " " + (error.pointer.empty() ? "" : "at " + error.pointer + ": ") + error.detail;
  if (!error.hint.empty()) out += ". Mend it: " + error.hint;
  return out;
}

}  // namespace dealwright::codec
