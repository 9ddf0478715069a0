#include <algorithm>

#include "connectors/hooks/hook_reader.h"
#include "engine/base/assert.h"
#include "engine/base/id.h"

namespace dealwright::hooks {
namespace {

constexpr std::string_view kSmall = "abcdefghijklmnopqrstuvwxyz0123456789-";

bool known(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const auto one = words.substr(0, words.find(' '));
    if (one == word) return true;
    words.remove_prefix(std::min(words.size(), one.size() + 1));
  }
  return false;
}

std::string scheme_name(Verify::Scheme scheme) {
  static constexpr std::string_view kNames[] = {"hubspot", "basic", "header",
                                                "query",   "hmac",  "standard_webhooks"};
  return std::string{kNames[static_cast<std::size_t>(scheme)]};
}

}  // namespace

void HookReader::error(const YamlNode& at, std::string code, std::string text, std::string hint) {
  if (found_.size() >= kDiagnosticsMax) return;
  found_.push_back({at.line, at.column, std::move(code), std::move(text), std::move(hint)});
}

void HookReader::error_text(const YamlNode& at, const std::string& wrong) {
  const auto cut = wrong.find("; ");
  error(at, "HK2005", wrong.substr(0, cut), cut == std::string::npos ? "" : wrong.substr(cut + 2));
}

bool HookReader::want_map(const YamlNode& node, std::string_view what) {
  if (node.map()) return true;
  error(node, "HK1006", std::string{what} + " is a map", "key: value, a line each");
  return false;
}

void HookReader::only_keys(const YamlNode& map, std::initializer_list<std::string_view> allowed) {
  for (const auto& key : map.keys) {
    if (std::find(allowed.begin(), allowed.end(), key.text) != allowed.end()) continue;
    std::string_view best;
    std::size_t least = key.text.size() / 3 + 2;
    std::string all;
    for (const auto name : allowed) {
      const auto distance = edit_distance(std::string_view{key.text}.substr(0, 40), name);
      if (distance < least) {
        least = distance;
        best = name;
      }
      all += (all.empty() ? "" : ", ") + std::string{name};
    }
    error(key, "HK1004", "unknown key '" + key.text.substr(0, 60) + "'",
          best.empty() ? "one of " + all : "did you mean '" + std::string{best} + "'?");
  }
}

const YamlNode* HookReader::need(const YamlNode& map, std::string_view key) {
  const auto* node = map.find(key);
  if (node == nullptr) error(map, "HK1005", "key '" + std::string{key} + "' is missing");
  return node;
}

std::string HookReader::word(const YamlNode& node,
                             std::initializer_list<std::string_view> allowed) {
  if (node.scalar() && std::find(allowed.begin(), allowed.end(), node.text) != allowed.end())
    return node.text;
  std::string all;
  for (const auto name : allowed) all += (all.empty() ? "" : ", ") + std::string{name};
  error(node, "HK1006", "'" + node.text.substr(0, 60) + "' is no value here", "one of " + all);
  return std::string{*allowed.begin()};
}

std::vector<std::string> HookReader::texts(const YamlNode& node) {
  if (node.scalar()) return {node.text};
  std::vector<std::string> out;
  if (!node.list() || node.items.empty())
    error(node, "HK1006", "this is a text or a list of texts");
  for (const auto& item : node.items) {
    if (!item.scalar()) error(item, "HK1006", "this is a text");
    out.push_back(item.text);
  }
  return out;
}

std::string HookReader::plain(const YamlNode& node, std::size_t bytes_max, std::string_view what) {
  const bool control = std::any_of(node.text.begin(), node.text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (node.scalar() && !node.text.empty() && node.text.size() <= bytes_max && !control)
    return node.text;
  error(node, "HK1006",
        std::string{what} + " is a text of 1 to " + std::to_string(bytes_max) + " bytes");
  return "x";
}

Text HookReader::read_text(const YamlNode& node) {
  Text out;
  if (!node.scalar()) {
    error(node, "HK1006", "this is a text such as \"deal/{id}\"");
    return out;
  }
  if (const auto wrong = parse_text(node.text, out); !wrong.empty()) {
    error_text(node, wrong);
    out.parts.clear();
  }
  return out;
}

std::vector<Text> HookReader::read_texts(const YamlNode& node) {
  if (!node.list()) return {read_text(node)};
  std::vector<Text> out;
  for (const auto& item : node.items) out.push_back(read_text(item));
  return out;
}

Path HookReader::read_path(const YamlNode& node) {
  Path out;
  const auto wrong = node.scalar() ? parse_path(node.text, out) : "this is a place; such as a.b";
  if (!wrong.empty()) error_text(node, wrong);
  return out;
}

void HookReader::read(const YamlNode& root) {
  if (!want_map(root, "a hook file")) return;
  only_keys(root, {"hook", "language", "description", "connector", "source", "url", "secrets",
                   "verify", "notices", "settings", "tables", "defaults", "emit"});
  read_names(root);
  if (config_.connector == nullptr) return;
  if (const auto* node = need(root, "secrets")) read_secrets(*node);
  YamlNode none;  // as if the key stood there without anything below
  none.kind = YamlNode::Kind::kMap;
  const auto* verify = root.find("verify");
  read_verify(verify == nullptr ? none : *verify);
  const auto scheme = scheme_name(config_.verify.scheme);
  if (!known(config_.connector->schemes, scheme))
    error(verify == nullptr ? root : *verify, "HK2007",
          std::string{config_.connector->name} + " does not sign by " + scheme,
          "scheme: one of " + std::string{config_.connector->schemes});
  if (const auto* node = root.find("settings")) read_settings(*node);
  if (const auto* node = root.find("tables")) read_tables(*node);
  const auto* cut = root.find("notices");
  const bool generic = config_.connector->name == "generic";
  if (cut != nullptr && !generic)
    error(*cut, "HK1004", "`notices` is for the generic connector", "leave it out");
  else if (generic)
    read_cut(cut == nullptr ? none : *cut);
  if (const auto* node = root.find("defaults")) {
    if (word(*node, {"on", "off"}) == "off") config_.defaults.clear();
  }
  if (const auto* node = root.find("emit")) read_emits(*node, config_.emits);
}

void HookReader::read_names(const YamlNode& root) {
  if (root.find("language") != nullptr) word(*root.find("language"), {"1"});
  if (const auto* node = root.find("description")) plain(*node, 2'000, "description");
  if (const auto* node = need(root, "hook")) {
    config_.name = node->text;
    if (!node->scalar() || node->text.empty() || node->text.size() > 64 ||
        node->text.find_first_not_of(kSmall) != std::string::npos)
      error(*node, "HK1006",
            "a hook's name has a-z, 0-9 and -, 64 at most; it stands in its route");
  }
  if (const auto* node = need(root, "connector")) {
    config_.connector = find_connector(node->text);
    std::string all;
    for (const auto name : connector_names()) all += (all.empty() ? "" : ", ") + std::string{name};
    if (node->text == "mail")
      error(*node, "HK1006", "bounces need no hook file", "post them to /v1/hooks/mail/NAME");
    else if (config_.connector == nullptr)
      error(*node, "HK1006", "unknown connector '" + node->text.substr(0, 60) + "'",
            "one of " + all);
  }
  if (config_.connector == nullptr) return;
  config_.source = std::string{config_.connector->name} + "/" + config_.name;
  if (const auto* node = root.find("source")) config_.source = plain(*node, 200, "source");
  if (const auto* node = root.find("url")) {
    config_.url = plain(*node, 2'000, "url");
    if (!config_.url.starts_with("https://") && !config_.url.starts_with("http://"))
      error(*node, "HK1006", "url is what the sender calls, whole", "https://host/v1/hooks/...");
    if (config_.url.find_first_of("?#") != std::string::npos)
      error(*node, "HK1006", "url ends before '?'", "the query is taken from each request");
  }
}

void HookReader::read_secrets(const YamlNode& node) {
  if (!node.list() || node.items.empty() || node.items.size() > 2) {
    error(node, "HK1006", "secrets is a list of one, or of two while one takes the other's place",
          "- env: NAME");
    return;
  }
  for (const auto& item : node.items) {
    const auto* env = item.find("env");
    const auto* file = item.find("file");
    if (!item.map() || (env == nullptr) == (file == nullptr)) {
      error(item, "HK2006", "a secret does not stand in this file",
            "- { env: NAME } or - { file: PATH }, which hold it");
      continue;
    }
    only_keys(item, {"env", "file"});
    const auto& where = env != nullptr ? *env : *file;
    config_.secret_refs.push_back(
        {env != nullptr ? SecretRef::From::kEnvironment : SecretRef::From::kFile,
         plain(where, 1'000, env != nullptr ? "env" : "file")});
  }
}

void HookReader::read_settings(const YamlNode& node) {
  if (!want_map(node, "settings")) return;
  only_keys(node, {"currency", "organization", "pipeline", "prefix"});
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const auto& name = node.keys[i].text;
    auto text = plain(node.items[i], 60, name);
    if (name == "currency" && !Currency::parse(text))
      error(node.items[i], "HK1006", "'" + text + "' is no currency", "such as EUR");
    if (name == "prefix" && !is_id(text)) error(node.items[i], "HK1006", "prefix begins an id");
    std::erase_if(config_.settings, [&](const auto& setting) { return setting.first == name; });
    config_.settings.emplace_back(name, Value{std::move(text)});
  }
  config_.settings = *Value{std::move(config_.settings)}.as_map();
}

Recode HookReader::read_recode(const YamlNode& node) {
  Recode out;
  if (!want_map(node, "a table")) return out;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    if (!node.items[i].scalar()) error(node.items[i], "HK1006", "this is a text");
    out.emplace_back(node.keys[i].text, node.items[i].text);
  }
  return out;
}

void HookReader::read_tables(const YamlNode& node) {
  if (!want_map(node, "tables")) return;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    config_.tables.emplace_back(node.keys[i].text, read_recode(node.items[i]));
  }
}

void HookReader::read_cut(const YamlNode& node) {
  if (!want_map(node, "notices")) return;
  only_keys(node, {"each", "id", "time", "type", "subject", "actor"});
  auto& cut = config_.cut;
  const bool standard = config_.verify.scheme == Verify::Scheme::kStandard;
  const auto preset = [&](std::string_view text, Text& out) {
    const auto wrong = standard ? parse_text(text, out) : std::string{};
    DW_ASSERT(wrong.empty());
  };
  preset("{@headers.webhook-id}", cut.id);
  preset("{@headers.webhook-timestamp}", cut.time.emplace_back());
  if (const auto* at = node.find("each")) cut.each = read_path(*at);
  if (const auto* at = node.find("id")) cut.id = read_text(*at);
  if (const auto* at = node.find("time")) cut.time = read_texts(*at);
  if (const auto* at = node.find("type")) cut.type = read_text(*at);
  if (const auto* at = node.find("subject")) cut.subject = read_text(*at);
  if (const auto* at = node.find("actor")) cut.actor = read_text(*at);
}

void HookReader::read_defaults(const YamlNode& list) { read_emits(list, config_.defaults); }

const Recode* HookConfig::table(std::string_view wanted) const {
  for (const auto& [table_name, rows] : tables) {
    if (table_name == wanted) return &rows;
  }
  return nullptr;
}

std::string HookConfig::setting(std::string_view wanted) const {
  return member_text(settings, wanted);
}

namespace {

void load_defaults(HookConfig& config, HookReader& reader) {
  if (config.connector == nullptr || config.connector->defaults.empty()) return;
  YamlNode list;
  Diagnostic fault;
  const bool read = codec::parse_yaml(config.connector->defaults, "HK", list, fault);
  DW_ASSERT(read);
  reader.read_defaults(list);
  DW_ASSERT(reader.found().empty());
}

}  // namespace

Result<HookConfig> parse_hook(std::string_view text, std::string_view file) {
  HookConfig config;
  config.file = file;
  YamlNode root;
  std::vector<Diagnostic> found(1);
  if (codec::parse_yaml(text, "HK", root, found[0])) {
    config.settings = {{"pipeline", Value{"default"}}};
    const auto* connector = root.map() ? root.find("connector") : nullptr;
    if (connector != nullptr) config.connector = find_connector(connector->text);
    HookReader defaults{config};
    load_defaults(config, defaults);
    HookReader reader{config};
    reader.read(root);
    if (reader.found().empty()) return config;
    found = reader.found();
    std::stable_sort(found.begin(), found.end(), [](const Diagnostic& a, const Diagnostic& b) {
      return std::pair{a.line, a.column} < std::pair{b.line, b.column};
    });
  }
  std::string detail;
  for (const auto& diagnostic : found)
    detail += (detail.empty() ? "" : "\n") + codec::to_text(diagnostic, file);
  return Error{Code::kInvalid, std::move(detail)};
}

}  // namespace dealwright::hooks
