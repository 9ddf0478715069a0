#include "engine/domain/form.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/base/id.h"
#include "engine/base/utf8.h"

namespace dealwright {
namespace {

constexpr std::size_t kValuesMax = 10'000;
constexpr int kDepthMax = 64;

Error bad(std::string_view expected, const Value& got, std::string_view hint) {
  auto text = to_json(got);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return Error{Code::kInvalid,
               text + " is no " + std::string{expected} + "; write " + std::string{hint}};
}

// "deal/d1" or "d1", where a deal is meant.
Result<std::string> read_ref(Kind kind, const Value& free) {
  const auto* text = free.as_text();
  if (text == nullptr) return bad("id", free, "\"d1\"");
  std::string_view id = *text;
  const auto prefix = std::string{kind_name(kind)} + "/";
  if (id.starts_with(prefix)) id.remove_prefix(prefix.size());
  if (!is_id(id)) return bad("id", free, "1 to 200 bytes of UTF-8 without control characters");
  return std::string{id};
}

Result<Value> read_money(const Value& free) {
  if (const auto* text = free.as_text()) {
    DW_TRY(auto money, parse_money(*text));
    return Value{money};
  }
  if (free.as_money() != nullptr) return free;
  const auto* map = free.as_map();
  const auto* minor = map == nullptr ? nullptr : find(*map, "minor");
  const auto* currency = map == nullptr ? nullptr : find(*map, "currency");
  if (minor == nullptr || minor->as_int() == nullptr || currency == nullptr) {
    return bad("money", free, "{\"minor\":250000,\"currency\":\"EUR\"} or \"2500 EUR\"");
  }
  DW_TRY(auto code, Currency::parse(currency->text_or_empty()));
  return Value{Money{*minor->as_int(), code}};
}

Result<Value> read_int(const Value& free) {
  if (free.as_int() != nullptr) return free;
  const auto* number = free.as_double();
  if (number != nullptr && std::trunc(*number) == *number && std::abs(*number) < 9.0e15) {
    return Value{static_cast<std::int64_t>(*number)};
  }
  if (const auto* text = free.as_text()) {  // beyond 2^53 some writers quote
    std::int64_t value = 0;
    const auto* end = text->data() + text->size();
    const auto parsed = std::from_chars(text->data(), end, value);
    if (parsed.ec == std::errc{} && parsed.ptr == end) return Value{value};
  }
  return bad("integer", free, "42");
}

Result<Value> read_instant(const Value& free) {
  if (free.as_instant() != nullptr) return free;
  const auto* text = free.as_text();
  if (text == nullptr) return bad("instant", free, "\"2026-03-02T09:00:00Z\"");
  DW_TRY(auto at, parse_instant(*text));
  return Value{at};
}

Result<Value> read_date(const Value& free) {
  if (free.as_date() != nullptr) return free;
  const auto* text = free.as_text();
  if (text == nullptr) return bad("date", free, "\"2026-03-02\"");
  DW_TRY(auto date, parse_date(*text));
  return Value{date};
}

bool is_decimal(std::string_view text) {
  if (text.starts_with("-")) text.remove_prefix(1);
  const auto point = text.find('.');
  const auto whole = text.substr(0, point);
  const auto rest =
      point == std::string_view::npos ? std::string_view{"0"} : text.substr(point + 1);
  const auto digits = [](std::string_view s) {
    return !s.empty() && s.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return text.size() <= 40 && digits(whole) && digits(rest);
}

// The one way to write it with so many digits behind the point: 7 and "07.0" are "7.00". None: it
// has more digits than that.
std::optional<std::string> with_digits(std::string text, std::size_t digits) {
  const bool negative = text.starts_with("-");
  if (negative) text.erase(0, 1);
  const auto point = std::min(text.find('.'), text.size());
  auto whole = text.substr(0, point);
  auto rest = point < text.size() ? text.substr(point + 1) : std::string{};
  if (rest.find_first_not_of('0', std::min(digits, rest.size())) != std::string::npos) {
    return std::nullopt;
  }
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size() - 1));
  rest.resize(digits, '0');
  const bool zero = (whole + rest).find_first_not_of('0') == std::string::npos;
  return (negative && !zero ? "-" : "") + whole + (digits > 0 ? "." + rest : "");
}

Result<Value> read_decimal(const FieldSpec& spec, const Value& free) {
  std::string text;
  if (const auto* written = free.as_text(); written != nullptr && is_decimal(*written)) {
    text = *written;
  } else if (const auto* whole = free.as_int()) {
    text = std::to_string(*whole);
  } else if (const auto* number = free.as_double()) {
    char buffer[64];
    const auto end =
        std::to_chars(buffer, buffer + sizeof buffer, *number, std::chars_format::fixed);
    if (end.ec == std::errc{}) text.assign(buffer, end.ptr);
    if (!is_decimal(text)) text.clear();  // not a number, or endless
  }
  if (text.empty()) return bad("decimal", free, "\"0.0061\"");
  if (spec.digits < 0) return Value{std::move(text)};
  auto exact = with_digits(std::move(text), static_cast<std::size_t>(spec.digits));
  if (exact) return Value{std::move(*exact)};
  return bad("decimal(" + std::to_string(spec.digits) + ")", free,
             "at most " + std::to_string(spec.digits) + " digits behind the point");
}

Result<Value> read_list(const FieldSpec& spec, const Value& free) {
  const auto* list = free.as_list();
  if (list == nullptr) return bad("list", free, "[\"a\", \"b\"]");
  List out;
  for (const auto& entry : *list) {
    if (spec.type == FieldType::kRefs) {
      DW_TRY(auto id, read_ref(spec.ref, entry));
      out.emplace_back(std::move(id));
    } else if (entry.as_text() != nullptr) {
      out.push_back(entry);
    } else {
      return bad("list of text", free, "[\"a\", \"b\"]");
    }
  }
  return Value{std::move(out)};
}

Result<Value> read_enum(const FieldSpec& spec, const Value& free) {
  const auto* text = free.as_text();
  if (text != nullptr &&
      std::find(spec.values.begin(), spec.values.end(), *text) != spec.values.end()) {
    return free;
  }
  std::string set;
  for (const auto value : spec.values) set += (set.empty() ? "" : ", ") + std::string{value};
  return bad("value of " + std::string{name_of(spec)}, free, "one of " + set);
}

std::string code_for(FieldType type) {
  switch (type) {
    case FieldType::kMoney:
      return "bad_money";
    case FieldType::kInstant:
    case FieldType::kDate:
      return "bad_time";
    default:
      return "bad_data";
  }
}

// Splits a detail "what; hint" as our errors write it.
FormError form_error(std::string code, std::string pointer, const std::string& text) {
  const auto cut = text.rfind("; ");
  if (cut == std::string::npos) return {std::move(code), std::move(pointer), text, {}};
  return {std::move(code), std::move(pointer), text.substr(0, cut), text.substr(cut + 2)};
}

int depth_of(const Value& value) {
  int deepest = 0;
  if (const auto* list = value.as_list()) {
    for (const auto& entry : *list) deepest = std::max(deepest, depth_of(entry));
    return deepest + 1;
  }
  if (const auto* map = value.as_map()) {
    for (const auto& entry : *map) deepest = std::max(deepest, depth_of(entry.second));
    return deepest + 1;
  }
  return 0;
}

std::size_t values_of(const Value& value) {
  std::size_t count = 1;
  if (const auto* list = value.as_list()) {
    for (const auto& entry : *list) count += values_of(entry);
  } else if (const auto* map = value.as_map()) {
    for (const auto& entry : *map) count += values_of(entry.second);
  }
  return count;
}

// Whether all texts in it are UTF-8; if not, `pointer` leads to one, as far as names can be shown.
bool sound_texts(const Map& map, std::string& pointer);

bool sound_texts(const Value& value, std::string& pointer) {
  if (const auto* text = value.as_text()) return is_utf8(*text);
  if (const auto* map = value.as_map()) return sound_texts(*map, pointer);
  const auto* list = value.as_list();
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    if (sound_texts((*list)[i], pointer)) continue;
    pointer = "/" + std::to_string(i) + pointer;
    return false;
  }
  return true;
}

bool sound_texts(const Map& map, std::string& pointer) {
  for (const auto& [name, value] : map) {
    if (!is_utf8(name)) {
      pointer = "/(a name)";
      return false;
    }
    if (sound_texts(value, pointer)) continue;
    pointer = "/" + name + pointer;
    return false;
  }
  return true;
}

}  // namespace

Result<Value> read_value(const FieldSpec& spec, const Value& free) {
  if (free.null() || free.absent()) return Value{};
  if (free.as_sealed() != nullptr) return free;
  switch (spec.type) {
    case FieldType::kText:
    case FieldType::kZone:
      if (free.as_text() == nullptr) return bad("text", free, "a string in quotes");
      return free;
    case FieldType::kInt:
      return read_int(free);
    case FieldType::kBool:
      if (free.as_bool() == nullptr) return bad("boolean", free, "true or false");
      return free;
    case FieldType::kMoney:
      return read_money(free);
    case FieldType::kInstant:
      return read_instant(free);
    case FieldType::kDate:
      return read_date(free);
    case FieldType::kDecimal:
      return read_decimal(spec, free);
    case FieldType::kRef: {
      DW_TRY(auto id, read_ref(spec.ref, free));
      return Value{std::move(id)};
    }
    case FieldType::kEnum:
      return read_enum(spec, free);
    case FieldType::kTexts:
    case FieldType::kRefs:
      return read_list(spec, free);
    case FieldType::kJson:
      if (free.as_list() == nullptr && free.as_map() == nullptr) {
        return bad("object or list", free, "{...} or [...]");
      }
      return free;
  }
  return Value{};
}

std::vector<FormError> fill_data(Event& event, const Map& data) {
  std::vector<FormError> errors;
  event.data.clear();
  event.extra.clear();
  if (event.type == TypeId::kForeignType) {
    event.extra = data;
    return errors;
  }
  const auto& spec = spec_of(event.type);
  for (const auto& [name, free] : data) {
    const auto field = field_of(name);
    const auto* known = field ? spec.find(*field) : nullptr;
    if (known == nullptr) {
      if (!free.null()) event.extra.emplace_back(name, free);
      continue;
    }
    auto value = read_value(*known, free);
    if (!value) {
      errors.push_back(form_error(code_for(known->type), "/data/" + name, value.error().detail));
    } else if (!value.value().absent()) {
      event.data.append(*field, std::move(value.value()));
    }
  }
  event.data.normalize();
  for (const auto& known : spec.data) {
    if (!known.required || event.data.find(known.field) != nullptr) continue;
    const auto name = std::string{field_name(known.field)};
    const bool reported = std::any_of(errors.begin(), errors.end(), [&](const FormError& e) {
      return e.pointer == "/data/" + name;
    });
    if (!reported) {
      errors.push_back(
          {"bad_data", "/data/" + name, name + " is missing",
           std::string{spec.name} + " needs it: " + std::string{field_type_name(known.type)}});
    }
  }
  return errors;
}

std::string bad_text(const Event& event) {
  using Member = std::pair<const char*, std::string Event::*>;
  static constexpr Member kMembers[] = {{"/source", &Event::source},
                                        {"/id", &Event::id},
                                        {"/type", &Event::foreign_type},
                                        {"/partitionkey", &Event::partition_key},
                                        {"/actor", &Event::actor},
                                        {"/importbatch", &Event::import_batch},
                                        {"/causationid", &Event::causation_id},
                                        {"/correlationid", &Event::correlation_id},
                                        {"/traceparent", &Event::traceparent},
                                        {"/datacontenttype", &Event::content_type}};
  for (const auto& [pointer, member] : kMembers) {
    if (!is_utf8(event.*member)) return pointer;
  }
  if (!is_utf8(event.subject.id)) return "/subject";
  std::string pointer;
  for (const auto& [field, value] : event.data) {
    if (!sound_texts(value, pointer)) return "/data/" + std::string{field_name(field)} + pointer;
  }
  if (!sound_texts(event.extra, pointer)) return "/data" + pointer;
  if (!sound_texts(event.extensions, pointer)) return pointer;
  return {};
}

bool is_traceparent(std::string_view text) {
  if (text.size() != 55) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 2 || i == 35 || i == 52;
    const bool hex_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !hex_digit) return false;
  }
  return true;
}

std::vector<FormError> check_envelope(const Event& event) {
  std::vector<FormError> errors;
  const auto fail = [&](const char* pointer, std::string detail, std::string hint) {
    errors.push_back({"bad_envelope", pointer, std::move(detail), std::move(hint)});
  };
  if (!is_id(event.id))
    fail("/id", "id is missing or malformed", "1 to 200 bytes, unique per source");
  if (event.source.empty() || event.source.size() > 500) {
    fail("/source", "source is missing or longer than 500 bytes", "a URI such as crm/eu");
  }
  if (!is_id(event.subject.id)) {
    fail("/subject", "subject is missing or malformed", "<kind>/<id>, such as deal/d1");
  } else if (event.type != TypeId::kForeignType &&
             !spec_of(event.type).allows(event.subject.kind)) {
    fail("/subject",
         std::string{event.type_name()} + " is not about '" + to_text(event.subject) + "'",
         "the subject's kind has to fit the type");
  }
  if (event.type == TypeId::kForeignType && !is_id(event.foreign_type)) {
    fail("/type", "type is missing or malformed", "a type such as deal.opened");
  }
  if (!event.partition_key.empty() && !is_id(event.partition_key)) {
    fail("/partitionkey", "partitionkey is malformed", "1 to 200 bytes");
  }
  if (event.time && (*event.time < kInstantMin || *event.time > kInstantMax)) {
    errors.push_back(
        {"bad_time", "/time", "time lies outside the years 1 to 9999", "an RFC 3339 instant"});
  }
  if (auto pointer = bad_text(event); !pointer.empty()) {
    errors.push_back(
        {"bad_envelope", std::move(pointer), "the bytes are no UTF-8", "send texts in UTF-8"});
  }
  std::size_t values = 0;
  int depth = 0;
  const auto measure = [&](const Value& value) {
    values += values_of(value);
    depth = std::max(depth, depth_of(value));
  };
  for (const auto& entry : event.data) measure(entry.second);
  for (const auto& entry : event.extra) measure(entry.second);
  if (values > kValuesMax || depth > kDepthMax) {
    errors.push_back(
        {"bad_data", "/data", "more than 10000 values or 64 levels", "send less in one event"});
  }
  return errors;
}

}  // namespace dealwright
