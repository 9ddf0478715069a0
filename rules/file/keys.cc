#include "rules/file/keys.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "engine/domain/form.h"

namespace dealwright::rules {
namespace {

using yaml::Node;

bool is_ambiguous(std::string_view text) {
  std::string low{text};
  for (auto& c : low) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  static constexpr std::string_view kWords[] = {"yes", "no", "on", "off", "y", "n", "null", "~"};
  return std::find(std::begin(kWords), std::end(kWords), low) != std::end(kWords);
}

bool is_word(std::string_view key) {
  return std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-' ||
           c == '/';
  });
}

bool is_json_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || text.front() < '0' || text.front() > '9') return false;
  if (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') return false;
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
}

Value number(std::string_view text) {
  std::int64_t whole = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size()) return Value{whole};
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return Value{value};
}

}  // namespace

void refuse_later(Place at, std::string_view what, Diagnostics& out) {
  out.error(1010, at, fmt::format("'{}' comes with a later version of the language", what));
}

bool check_keys(const Node& node, std::span<const KeySpec> keys, std::string_view what,
                Diagnostics& out) {
  if (!node.is_map()) {
    out.error(1005, node.at, fmt::format("{} is a map of keys", what));
    return false;
  }
  for (const auto& entry : node.entries) {
    const auto it = std::find_if(keys.begin(), keys.end(),
                                 [&](const KeySpec& k) { return k.name == entry.key; });
    if (it == keys.end()) {
      if (!is_word(entry.key)) {
        out.error(1007, entry.at,
                  fmt::format("YAML cut a condition: '{}' stands as a key", entry.key),
                  "Put the condition in quotes");
        continue;
      }
      std::vector<std::string_view> known;
      for (const auto& k : keys) known.push_back(k.name);
      auto hint = did_you_mean(entry.key, known);
      if (hint.empty()) hint = "Known are " + listed(known);
      out.error(1004, entry.at, fmt::format("unknown key '{}' in {}", entry.key, what), hint);
    } else if (it->need == KeySpec::Need::kLater) {
      refuse_later(entry.at, entry.key, out);
    }
  }
  for (const auto& key : keys) {
    if (key.need == KeySpec::Need::kNeeded && node.find(key.name) == nullptr) {
      out.error(1005, node.at, fmt::format("{} needs the key '{}'", what, key.name),
                fmt::format("Add '{}: ...'", key.name));
    }
  }
  return true;
}

const std::string* read_text(const Node& node, std::string_view key, Diagnostics& out) {
  if (node.is_scalar()) return &node.text;
  out.error(1005, node.at, fmt::format("'{}' is a text", key));
  return nullptr;
}

std::optional<bool> read_bool(const Node& node, std::string_view key, Diagnostics& out) {
  if (node.is_scalar() && node.text == "true") return true;
  if (node.is_scalar() && node.text == "false") return false;
  out.error(1006, node.at,
            fmt::format("'{}' is no value of '{}'", node.is_scalar() ? node.text : "this", key),
            "Write true or false");
  return std::nullopt;
}

std::optional<Length> read_length(const Node& node, std::string_view key, Diagnostics& out) {
  const auto length = node.is_scalar() ? parse_length(node.text) : std::nullopt;
  if (!length) {
    out.error(1008, node.at, fmt::format("'{}' of '{}' is no duration", node.text, key),
              "Write such as 3d, 72h, 2cd, 3bd");
    return std::nullopt;
  }
  if (!in_range(*length)) {
    out.error(1008, node.at, fmt::format("'{}' is longer than {}d", node.text, kLengthDaysMax));
    return std::nullopt;
  }
  return length;
}

std::optional<std::int64_t> read_int(const Node& node, std::string_view key, std::int64_t min,
                                     std::int64_t max, Diagnostics& out) {
  std::int64_t value = 0;
  const auto* end = node.text.data() + node.text.size();
  const auto parsed = std::from_chars(node.text.data(), end, value);
  if (node.is_scalar() && parsed.ec == std::errc{} && parsed.ptr == end && value >= min &&
      value <= max) {
    return value;
  }
  out.error(2004, node.at, fmt::format("'{}' is a whole number from {} to {}", key, min, max));
  return std::nullopt;
}

std::optional<std::uint32_t> read_percent(const Node& node, std::string_view key,
                                          Diagnostics& out) {
  std::string_view text = node.text;
  double percent = -1;
  if (text.ends_with('%')) {
    text.remove_suffix(1);
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), percent);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) percent = -1;
  }
  if (percent >= 0 && percent <= 100) return static_cast<std::uint32_t>(percent * 100 + 0.5);
  out.error(2004, node.at, fmt::format("'{}' is a percentage", key), "Write such as 10%");
  return std::nullopt;
}

std::optional<std::size_t> read_word(const Node& node, std::string_view key,
                                     std::span<const std::string_view> words, Diagnostics& out) {
  const auto it = std::find(words.begin(), words.end(), node.text);
  if (node.is_scalar() && it != words.end()) return static_cast<std::size_t>(it - words.begin());
  const std::vector<std::string_view> known{words.begin(), words.end()};
  out.error(2004, node.at,
            fmt::format("'{}' is no value of '{}'", node.is_scalar() ? node.text : "this", key),
            "It is one of " + listed(known));
  return std::nullopt;
}

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 64 || text[0] < 'a' || text[0] > 'z') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::optional<Value> read_free(const Node& node, Diagnostics& out) {
  if (node.is_list()) {
    List list;
    for (const auto& item : node.items) {
      auto value = read_free(item, out);
      if (!value) return std::nullopt;
      list.push_back(std::move(*value));
    }
    return Value{std::move(list)};
  }
  if (node.is_map()) {
    Map map;
    for (const auto& entry : node.entries) {
      auto value = read_free(entry.value, out);
      if (!value) return std::nullopt;
      map.emplace_back(entry.key, std::move(*value));
    }
    return Value{std::move(map)};
  }
  if (node.quoted) return Value{node.text};
  if (is_ambiguous(node.text)) {
    out.error(1006, node.at, fmt::format("'{}' is no value here", node.text),
              fmt::format("Write true or false, or \"{}\" for the word", node.text));
    return std::nullopt;
  }
  if (node.text == "true" || node.text == "false") return Value{node.text == "true"};
  if (is_json_number(node.text)) return number(node.text);
  return Value{node.text};
}

std::optional<Value> read_typed(const Node& node, const FieldSpec& spec, Diagnostics& out) {
  const auto name = name_of(spec);
  std::optional<Value> free;
  if (node.is_scalar()) {
    switch (spec.type) {
      case FieldType::kBool: {
        const auto flag = read_bool(node, name, out);
        return flag ? std::optional{Value{*flag}} : std::nullopt;
      }
      case FieldType::kInt:
        free = is_json_number(node.text) ? number(node.text) : Value{node.text};
        break;
      case FieldType::kInstant: {
        const auto at = parse_instant_lenient(node.text);
        free = at ? Value{at.value()} : Value{node.text};
        break;
      }
      default:
        free = Value{node.text};
    }
  } else {
    free = read_free(node, out);
  }
  if (!free) return std::nullopt;
  auto value = read_value(spec, *free);
  if (value) return std::move(value.value());
  const bool is_enum = spec.type == FieldType::kEnum;
  out.error(is_enum ? 2004 : 2003, node.at, fmt::format("{}: {}", name, value.error().detail));
  return std::nullopt;
}

}  // namespace dealwright::rules
