#include "connectors/daemon/config.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "rules/yaml/tree.h"

namespace dealwright::daemon {
namespace {

using Type = ConfigKey::Type;
constexpr std::string_view kPrefix = "DEALWRIGHT_";

std::string bytes_text(std::uint64_t bytes) {
  if (bytes >= kGi && bytes % kGi == 0) return fmt::format("{} GiB", bytes / kGi);
  if (bytes >= kMi && bytes % kMi == 0) return fmt::format("{} MiB", bytes / kMi);
  if (bytes >= kKi && bytes % kKi == 0) return fmt::format("{} KiB", bytes / kKi);
  return std::to_string(bytes);
}

// "64 MiB", "64MiB", "67108864"; none: no such thing.
std::optional<std::uint64_t> number_of(std::string_view text, bool bytes) {
  std::uint64_t out = 0;
  const auto* end = text.data() + text.size();
  const auto [at, bad] = std::from_chars(text.data(), end, out);
  if (bad != std::errc{}) return std::nullopt;
  std::string_view unit{at, static_cast<std::size_t>(end - at)};
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  if (unit.empty()) return out;
  const std::uint64_t scale = !bytes          ? 0
                              : unit == "KiB" ? kKi
                              : unit == "MiB" ? kMi
                              : unit == "GiB" ? kGi
                                              : 0;
  if (scale == 0 || out > std::numeric_limits<std::uint64_t>::max() / scale) return std::nullopt;
  return out * scale;
}

bool is_word_of(std::string_view list, std::string_view word) {
  const auto all = words(list);
  return std::find(all.begin(), all.end(), word) != all.end();
}

struct Read {
  std::uint64_t number = 0;
  std::string text;  // in one spelling
};

// kInvalid without a place: what does not fit, and what would.
Result<Read> read(const ConfigKey& key, std::string_view text) {
  const auto misfit = [&] {
    return Error{Code::kInvalid,
                 fmt::format("'{}' is no value of {}; write {}", text, key.name, limits_text(key))};
  };
  if (key.type == Type::kText) {
    if (text.empty() && !key.fallback.empty()) return misfit();
    return Read{0, std::string{text}};
  }
  if (key.type == Type::kChoice) {
    if (text.empty() || !is_word_of(key.unit, text)) return misfit();
    return Read{0, std::string{text}};
  }
  if (key.type == Type::kBool) {
    if (text != "true" && text != "false") return misfit();
    return Read{text == "true" ? 1U : 0U, std::string{text}};
  }
  const bool bytes = key.type == Type::kBytes;
  const auto number = number_of(text, bytes);
  if (!number || *number < key.least || *number > key.most) return misfit();
  return Read{*number, bytes ? bytes_text(*number) : std::to_string(*number)};
}

const ConfigKey* find_key(std::string_view name) {
  const auto keys = config_keys();
  const auto key =
      std::find_if(keys.begin(), keys.end(), [&](const ConfigKey& k) { return k.name == name; });
  return key == keys.end() ? nullptr : &*key;
}

std::string hint_for(std::string_view name) {
  std::vector<std::string_view> known;
  for (const auto& key : config_keys()) known.push_back(key.name);
  auto hint = rules::did_you_mean(name, known);
  return hint.empty() ? "dealwright config print lists the keys" : hint;
}

struct Leaf {
  std::string name;
  rules::Place at;
  std::string text;
};

void leaves(const rules::yaml::Node& node, const std::string& prefix, std::vector<Leaf>& out,
            rules::Diagnostics& faults) {
  for (const auto& entry : node.entries) {
    const auto name = prefix + entry.key;
    if (entry.value.is_map()) {
      leaves(entry.value, name + ".", out, faults);
    } else if (entry.value.is_scalar()) {
      out.push_back({name, entry.at, entry.value.text});
    } else {
      faults.error(1006, entry.value.at, fmt::format("'{}' is no list", name));
    }
  }
}

// Nothing but blank lines and comments: no document, and nothing wrong with that.
bool is_blank(std::string_view text) {
  bool comment = false;
  for (const char c : text) {
    if (c == '\n') {
      comment = false;
    } else if (c == '#') {
      comment = true;
    } else if (!comment && c != ' ' && c != '\r') {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string environment_name(const ConfigKey& key) {
  std::string out{kPrefix};
  for (const char c : key.name)
    out += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

std::string flag_name(const ConfigKey& key) {
  std::string out = "--";
  for (const char c : key.name) out += c == '.' || c == '_' ? '-' : c;
  return out;
}

std::string limits_text(const ConfigKey& key) {
  switch (key.type) {
    case Type::kText:
      return "a text";
    case Type::kBool:
      return "true or false";
    case Type::kChoice: {
      std::string out{key.unit};
      for (std::size_t at = 0; (at = out.find(' ', at)) != std::string::npos; at += 2)
        out.replace(at, 1, ", ");
      return out;
    }
    case Type::kBytes:
      return fmt::format("{} to {}", bytes_text(key.least), bytes_text(key.most));
    case Type::kCount:
      break;
  }
  return fmt::format("{} to {}", key.least, key.most);
}

ConfigReader::ConfigReader() {
  for (const auto& key : config_keys())
    values_.push_back({&key, std::string{key.fallback}, "default"});
}

Result<void> ConfigReader::take(std::string_view name, std::string_view text, std::string from) {
  const auto* key = find_key(name);
  if (key == nullptr) {
    return Error{Code::kInvalid,
                 fmt::format("{}: unknown key '{}'. {}", from, name, hint_for(name))};
  }
  auto value = read(*key, text);
  if (!value) return Error{Code::kInvalid, fmt::format("{}: {}", from, value.error().detail)};
  auto& stands = values_[static_cast<std::size_t>(key - config_keys().data())];
  stands.text = std::move(value.value().text);
  stands.from = std::move(from);
  return ok();
}

Result<void> ConfigReader::take_file(std::string_view text, std::string_view name, bool in_data) {
  if (is_blank(text)) return ok();
  rules::Diagnostics faults;
  rules::yaml::Node root;
  std::vector<Leaf> found;
  if (rules::yaml::read(text, root, faults)) leaves(root, "", found, faults);
  for (const auto& leaf : found) {
    const auto* key = find_key(leaf.name);
    if (key == nullptr) {
      faults.error(1004, leaf.at, fmt::format("unknown key '{}'", leaf.name), hint_for(leaf.name));
      continue;
    }
    if (in_data && leaf.name == "data") {
      faults.error(1004, leaf.at, "a file in the data directory cannot name another",
                   "Use --data, DEALWRIGHT_DATA or a file of your own with --config");
      continue;
    }
    auto value = read(*key, leaf.text);
    if (!value) {
      faults.error(1006, leaf.at, value.error().detail);
      continue;
    }
    auto& stands = values_[static_cast<std::size_t>(key - config_keys().data())];
    stands.text = std::move(value.value().text);
    stands.from = fmt::format("{}:{}", name, leaf.at.line);
  }
  if (!faults.has_errors()) return ok();
  auto all = rules::render(faults.take(), name, text);
  while (!all.empty() && all.back() == '\n') all.pop_back();
  return Error{Code::kInvalid, std::move(all)};
}

Result<void> ConfigReader::take_environment(
    const std::vector<std::pair<std::string, std::string>>& variables) {
  std::vector<std::string> names;
  for (const auto& key : config_keys()) names.push_back(environment_name(key));
  for (const auto& [variable, text] : variables) {
    if (!variable.starts_with(kPrefix) || variable == kConfigVariable || variable == kKeyVariable) {
      continue;
    }
    const auto at = std::find(names.begin(), names.end(), variable);
    if (at == names.end()) {
      std::vector<std::string_view> known{names.begin(), names.end()};
      known.push_back(kConfigVariable);
      auto hint = rules::did_you_mean(variable, known);
      return Error{Code::kInvalid,
                   fmt::format("unknown variable {}. {}", variable,
                               hint.empty() ? "dealwright config print lists them" : hint)};
    }
    DW_TRY(take(config_keys()[static_cast<std::size_t>(at - names.begin())].name, text, variable));
  }
  return ok();
}

Config ConfigReader::config() const {
  Config out;
  for (const auto& value : values_) {
    auto number = read(*value.key, value.text);
    value.key->set(out, number ? number.value().number : 0, value.text);
  }
  return out;
}

std::string config_table_markdown() {
  std::string out =
      "| key | variable, flag | default | limits | meaning |\n|---|---|---|---|---|\n";
  for (const auto& key : config_keys()) {
    const auto unit =
        key.unit.empty() || key.type != Type::kCount ? std::string{} : fmt::format(" {}", key.unit);
    const auto fallback = key.fallback.empty() ? std::string_view{"(none)"} : key.fallback;
    out += fmt::format("| `{}` | `{}`, `{}` | {}{} | {} | {} |\n", key.name, environment_name(key),
                       flag_name(key), fallback, unit, limits_text(key), key.says);
  }
  return out;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace dealwright::daemon
