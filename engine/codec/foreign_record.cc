#include "engine/codec/foreign_record.h"

#include <algorithm>
#include <charconv>

#include "engine/base/base64.h"
#include "engine/base/utf8.h"
#include "engine/codec/cloudevents_json.h"
#include "engine/codec/json.h"
#include "engine/codec/wire.h"

namespace dealwright::codec {
namespace {

enum : std::uint32_t { kKey = 1, kHeader = 2, kValue = 3 };
enum : std::uint32_t { kHeaderName = 1, kHeaderValue = 2 };

constexpr std::string_view kAttribute = "ce_";
constexpr std::string_view kContentType = "content-type";
constexpr std::string_view kStructured = "application/cloudevents";

FormError envelope(std::string pointer, std::string detail, std::string hint) {
  return {"bad_envelope", std::move(pointer), std::move(detail), std::move(hint)};
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Without parameters, in lower case.
std::string media_type(const ForeignRecord& record) {
  for (const auto& [name, value] : record.headers) {
    if (lower(name) != kContentType) continue;
    auto type = lower(value.substr(0, value.find(';')));
    while (!type.empty() && type.back() == ' ') type.pop_back();
    return type;
  }
  return {};
}

bool is_json(std::string_view type) {
  return type.empty() || type == "application/json" || type.ends_with("+json");
}

// Attributes stand in `ce_` headers. Those that are empty say nothing, and the first of two of one
// name counts.
std::vector<FormError> take_attributes(const ForeignRecord& record, Map& object) {
  for (const auto& [header, text] : record.headers) {
    if (!header.starts_with(kAttribute) || text.empty()) continue;
    const std::string name{header.substr(kAttribute.size())};
    if (name == "data" || name == "datacontenttype" || name == "data_base64") continue;
    if (!is_utf8(text)) {
      return {envelope("/" + name, "header " + std::string{header} + " is no UTF-8",
                       "CloudEvents' attributes are UTF-8 texts")};
    }
    const auto known = [&](const auto& entry) { return entry.first == name; };
    if (std::any_of(object.begin(), object.end(), known)) continue;
    std::int64_t number = 0;
    const auto* end = text.data() + text.size();
    const auto [last, bad] = std::from_chars(text.data(), end, number);
    const bool row = name == "importrow" && bad == std::errc{} && last == end;
    object.emplace_back(name, row ? Value{number} : Value{text});
  }
  return {};
}

std::vector<FormError> take_value(const ForeignRecord& record, const std::string& type,
                                  Map& object) {
  if (!type.empty()) object.emplace_back("datacontenttype", Value{type});
  if (record.value.empty()) return {};
  if (!is_json(type)) {
    object.emplace_back("data_base64", Value{base64(record.value)});
    return {};
  }
  auto data = parse_json(record.value);
  if (!data) {
    return {{"bad_data", "/data", "the value is no JSON: " + data.error().detail,
             "send JSON, or say in the header content-type what it is"}};
  }
  object.emplace_back("data", std::move(data).value());
  return {};
}

std::vector<FormError> read_binary(const ForeignRecord& record, const std::string& type,
                                   Event& out) {
  Map object;
  if (auto faults = take_attributes(record, object); !faults.empty()) return faults;
  if (auto faults = take_value(record, type, object); !faults.empty()) return faults;
  return read_cloudevent(Value{std::move(object)}, out);
}

std::vector<FormError> read_structured(const ForeignRecord& record, const std::string& type,
                                       Event& out) {
  if (!type.empty() && type != "application/cloudevents+json" && type != "application/json") {
    return {envelope("", "a CloudEvent as " + type + " is not read here",
                     "application/cloudevents+json, or attributes in ce_ headers")};
  }
  return parse_cloudevent(record.value, out);
}

}  // namespace

void encode(const ForeignRecord& record, std::string& out) {
  out.push_back('\0');
  WireWriter w{out};
  if (record.key) w.text(kKey, *record.key);
  for (const auto& header : record.headers) {
    w.message(kHeader, [&](WireWriter& of) {
      of.text(kHeaderName, header.first);
      of.text(kHeaderValue, header.second);
    });
  }
  w.text(kValue, record.value);
}

Result<ForeignRecord> read_foreign(std::string_view bytes) {
  const Error malformed{Code::kInvalid, "a record of others is cut short or garbled"};
  if (!is_foreign(bytes)) return malformed;
  ForeignRecord out;
  WireReader in{bytes.substr(1)};
  while (in.next()) {
    if (in.field() == kKey) {
      out.key = in.text();
    } else if (in.field() == kHeader) {
      auto& header = out.headers.emplace_back();
      WireReader fields{in.text()};
      while (fields.next()) {
        (fields.field() == kHeaderName ? header.first : header.second) = fields.text();
      }
      if (fields.failed()) return malformed;
    } else if (in.field() == kValue) {
      out.value = in.text();
    }
  }
  if (in.failed()) return malformed;
  return out;
}

std::optional<std::string_view> find_header(const ForeignRecord& record, std::string_view name) {
  const auto at = std::find_if(record.headers.begin(), record.headers.end(),
                               [&](const auto& header) { return header.first == name; });
  return at == record.headers.end() ? std::nullopt : std::optional{at->second};
}

std::vector<FormError> decode_foreign(std::string_view bytes, Event& out) {
  const auto record = read_foreign(bytes);
  if (!record) return {envelope("", record.error().detail, "")};
  const auto type = media_type(record.value());
  const bool binary = !type.starts_with(kStructured) &&
                      find_header(record.value(), std::string{kAttribute} + "specversion");
  auto faults =
      binary ? read_binary(record.value(), type, out) : read_structured(record.value(), type, out);
  if (!faults.empty()) return faults;
  const auto& key = record.value().key;
  if (out.partition_key.empty() && key && is_utf8(*key)) out.partition_key = *key;
  const auto trace = find_header(record.value(), "traceparent");  // as tracers write it
  if (out.traceparent.empty() && trace && is_traceparent(*trace)) out.traceparent = *trace;
  return check_envelope(out);
}

}  // namespace dealwright::codec
