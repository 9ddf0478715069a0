#include "engine/base/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/base/overloaded.h"

namespace dealwright {
namespace {

void append_double(std::string& out, double v) {
  if (!std::isfinite(v)) {  // JSON has none; a string keeps the information
    out += std::isnan(v) ? "\"NaN\"" : (v > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    return;
  }
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
  out.append(buffer, end);
  if (std::string_view{buffer, static_cast<std::size_t>(end - buffer)}.find_first_of(".e") ==
      std::string_view::npos) {
    out += ".0";  // reads back as a double
  }
}

}  // namespace

Value::Value(Map v) {
  const auto before = [](const auto& a, const auto& b) { return a.first < b.first; };
  constexpr std::size_t kFew = 32;
  if (v.size() <= kFew) {  // as most are: nothing to allocate
    for (auto at = v.begin(); at != v.end(); ++at) {
      std::rotate(std::upper_bound(v.begin(), at, *at, before), at, at + 1);
    }
  } else {
    std::stable_sort(v.begin(), v.end(), before);
  }
  // The last of equal keys is the first of them from behind.
  const auto gone = std::unique(v.rbegin(), v.rend(),
                                [](const auto& a, const auto& b) { return a.first == b.first; });
  v.erase(v.begin(), gone.base());
  if (v.capacity() > 2 * v.size()) v.shrink_to_fit();
  data_ = std::make_shared<const Map>(std::move(v));
}

const List* Value::as_list() const {
  const auto* p = get<std::shared_ptr<const List>>();
  return p == nullptr ? nullptr : p->get();
}
const Map* Value::as_map() const {
  const auto* p = get<std::shared_ptr<const Map>>();
  return p == nullptr ? nullptr : p->get();
}
const Sealed* Value::as_sealed() const {
  const auto* p = get<std::shared_ptr<const Sealed>>();
  return p == nullptr ? nullptr : p->get();
}

bool operator==(const Value& a, const Value& b) {
  if (a.data_.index() != b.data_.index()) return false;
  if (const auto* list = a.as_list()) return *list == *b.as_list();
  if (const auto* map = a.as_map()) return *map == *b.as_map();
  if (const auto* sealed = a.as_sealed()) return *sealed == *b.as_sealed();
  return a.data_ == b.data_;
}

const Value* find(const Map& map, std::string_view key) {
  const auto it =
      std::lower_bound(map.begin(), map.end(), key,
                       [](const auto& entry, std::string_view k) { return entry.first < k; });
  return it != map.end() && it->first == key ? &it->second : nullptr;
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_json(std::string& out, const Value& value) {
  std::visit(overloaded{
                 [&](std::monostate) { out += "null"; },
                 [&](Null) { out += "null"; },
                 [&](bool v) { out += v ? "true" : "false"; },
                 [&](std::int64_t v) { out += std::to_string(v); },
                 [&](double v) { append_double(out, v); },
                 [&](const std::string& v) { append_json_string(out, v); },
                 [&](const Money& v) {
                   out += "{\"currency\":\"";
                   out += v.currency.text();
                   out += "\",\"minor\":" + std::to_string(v.minor) + "}";
                 },
                 [&](Instant v) { out += '"' + to_text(v) + '"'; },
                 [&](LocalDate v) { out += '"' + to_text(v) + '"'; },
                 [&](const std::shared_ptr<const List>& v) {
                   out += '[';
                   for (std::size_t i = 0; i < v->size(); ++i) {
                     if (i > 0) out += ',';
                     append_json(out, (*v)[i]);
                   }
                   out += ']';
                 },
                 [&](const std::shared_ptr<const Map>& v) {
                   out += '{';
                   for (std::size_t i = 0; i < v->size(); ++i) {
                     if (i > 0) out += ',';
                     append_json_string(out, (*v)[i].first);
                     out += ':';
                     append_json(out, (*v)[i].second);
                   }
                   out += '}';
                 },
                 [&](const std::shared_ptr<const Sealed>& v) {
                   out += "{\"sealed\":";
                   append_json_string(out, v->key_id);
                   out += '}';
                 },
             },
             value.variant());
}

std::string to_json(const Value& value) {
  std::string out;
  append_json(out, value);
  return out;
}

}  // namespace dealwright
