#include <algorithm>
#include <charconv>

#include "connectors/import/mapping_reader.h"
#include "engine/base/id.h"
#include "engine/domain/form.h"

namespace dealwright::import {

void MappingReader::error(const YamlNode& at, std::string code, std::string text,
                          std::string hint) {
  if (found_.size() >= kDiagnosticsMax) return;
  found_.push_back({at.line, at.column, std::move(code), std::move(text), std::move(hint)});
}

bool MappingReader::want_map(const YamlNode& node, std::string_view what) {
  if (node.map()) return true;
  error(node, "IM1006", std::string{what} + " is a map", "key: value, a line each");
  return false;
}

void MappingReader::only_keys(const YamlNode& map,
                              std::initializer_list<std::string_view> allowed) {
  for (const auto& key : map.keys) {
    if (std::find(allowed.begin(), allowed.end(), key.text) != allowed.end()) continue;
    std::string_view best;
    std::size_t least = key.text.size() / 3 + 2;
    for (const auto name : allowed) {
      const auto distance = edit_distance(std::string_view{key.text}.substr(0, 40), name);
      if (distance < least) {
        least = distance;
        best = name;
      }
    }
    std::string all;
    for (const auto name : allowed) all += (all.empty() ? "" : ", ") + std::string{name};
    error(key, "IM1004", "unknown key '" + key.text.substr(0, 60) + "'",
          best.empty() ? "one of " + all : "did you mean '" + std::string{best} + "'?");
  }
}

const YamlNode* MappingReader::need(const YamlNode& map, std::string_view key) {
  const auto* node = map.find(key);
  if (node == nullptr) error(map, "IM1005", "key '" + std::string{key} + "' is missing");
  return node;
}

std::string MappingReader::word(const YamlNode& node,
                                std::initializer_list<std::string_view> allowed) {
  if (node.scalar() && std::find(allowed.begin(), allowed.end(), node.text) != allowed.end()) {
    return node.text;
  }
  std::string all;
  for (const auto name : allowed) all += (all.empty() ? "" : ", ") + std::string{name};
  error(node, "IM1006", "'" + node.text.substr(0, 60) + "' is no value here", "one of " + all);
  return std::string{*allowed.begin()};
}

std::vector<std::string> MappingReader::texts(const YamlNode& node) {
  if (node.scalar()) return {node.text};
  std::vector<std::string> out;
  if (!node.list()) error(node, "IM1006", "this is a text or a list of texts");
  for (const auto& item : node.items) {
    if (!item.scalar()) error(item, "IM1006", "this is a text");
    out.push_back(item.text);
  }
  return out;
}

void MappingReader::read(const YamlNode& root) {
  if (!want_map(root, "a mapping")) return;
  only_keys(root, {"mapping", "language", "description", "format",   "batch",  "policy",  "order",
                   "undated", "zone",     "notation",    "csv",      "nulls",  "aliases", "ignore",
                   "rest",    "case",     "records",     "defaults", "before", "emit"});
  mapping_.states = {"open"};
  read_settings(root);
  if (const auto* node = root.find("records")) read_records(*node);
  if (const auto* node = root.find("defaults")) read_defaults(*node);
  if (const auto* node = root.find("before")) read_before(*node);
  const auto* emits = need(root, "emit");
  if (emits == nullptr) return;
  if (!emits->list() || emits->items.empty()) {
    error(*emits, "IM1006", "emit is a list of events", "- { type: .., subject: .. }");
    return;
  }
  if (emits->items.size() > kEmitsMax) {
    error(*emits, "IM1009", "more than 1000 entries under emit", "split the mapping");
    return;
  }
  for (const auto& node : emits->items) read_emit(node);
  if (const auto* node = root.find("aliases")) read_aliases(*node);
}

void MappingReader::read_settings(const YamlNode& root) {
  if (const auto* node = need(root, "mapping")) {
    mapping_.id = node->text;
    const bool sound =
        node->scalar() && !node->text.empty() && node->text.size() <= 64 &&
        node->text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    if (!sound) error(*node, "IM1006", "a mapping's id has a-z, 0-9 and -, 64 at most");
  }
  if (const auto* node = root.find("language")) word(*node, {"1"});
  if (const auto* node = need(root, "format")) {
    mapping_.format =
        word(*node, {"csv", "xes"}) == "xes" ? Mapping::Format::kXes : Mapping::Format::kCsv;
  }
  mapping_.batch = mapping_.id;
  if (const auto* node = root.find("batch")) {
    mapping_.batch = node->text;
    if (!node->scalar() || !is_id(node->text) || node->text.size() > 100) {
      error(*node, "IM1006", "a batch has 1 to 100 bytes");
    }
  }
  if (const auto* node = root.find("policy")) read_policy(*node);
  if (const auto* node = root.find("order"))
    mapping_.by_time = word(*node, {"time", "file"}) == "time";
  if (const auto* node = root.find("undated")) {
    mapping_.undated_batch_time = word(*node, {"keep", "batch_time"}) == "batch_time";
  }
  if (const auto* node = root.find("zone")) {
    auto zone = Zone::find(node->text);
    if (zone)
      mapping_.zone = zone.value();
    else
      error(*node, "IM2006", "unknown zone '" + node->text.substr(0, 60) + "'",
            "such as Europe/Amsterdam");
  }
  if (const auto* node = root.find("notation")) read_notation(*node, notation_);
  if (const auto* node = root.find("csv")) read_csv(*node);
  if (const auto* node = root.find("nulls")) mapping_.nulls = texts(*node);
  if (const auto* node = root.find("ignore")) mapping_.ignore = texts(*node);
  if (const auto* node = root.find("rest"))
    mapping_.rest_to_extra = word(*node, {"extra", "drop"}) == "extra";
  if (const auto* node = root.find("case")) mapping_.case_id = read_template(*node);
}

void MappingReader::read_policy(const YamlNode& node) {
  if (node.map()) {
    only_keys(node, {"drip"});
    const auto* rate = need(node, "drip");
    if (rate == nullptr) return;
    mapping_.policy = Policy::kDrip;
    std::string_view text = rate->text;
    if (text.ends_with("/h")) text.remove_suffix(2);
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), mapping_.rate);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || mapping_.rate < 1 ||
        mapping_.rate > 1'000'000) {
      error(*rate, "IM1006", "a rate is 1 to 1000000 entries an hour", "drip: 100");
    }
    return;
  }
  if (node.text == "drip") {
    error(node, "IM1006", "drip needs a rate", "policy: { drip: 100 }");
    return;
  }
  mapping_.policy = *policy_of(word(node, {"suppress", "fire", "shadow"}));
}

void MappingReader::read_csv(const YamlNode& node) {
  if (!want_map(node, "csv")) return;
  only_keys(node, {"delimiter", "quote", "header"});
  const auto sign = [&](const YamlNode& at, char otherwise) {
    if (at.text == "tab") return '\t';
    const bool fits = at.text.size() == 1 && at.text != "\n" && at.text != "\r" && at.text != " ";
    if (!fits) error(at, "IM1006", "this is one character, or tab");
    return fits ? at.text[0] : otherwise;
  };
  if (const auto* at = node.find("delimiter")) mapping_.csv.delimiter = sign(*at, ',');
  if (const auto* at = node.find("quote")) mapping_.csv.quote = sign(*at, '"');
  if (mapping_.csv.delimiter == mapping_.csv.quote) {
    error(node, "IM1006", "delimiter and quote are the same character");
  }
  if (const auto* at = node.find("header")) {
    mapping_.csv.header = texts(*at);
    auto names = mapping_.csv.header;
    std::sort(names.begin(), names.end());
    if (std::adjacent_find(names.begin(), names.end()) != names.end()) {
      error(*at, "IM1003", "two columns have the same name");
    }
    if (names.size() > kColumnsMax) error(*at, "IM1009", "more than 4096 columns");
  }
}

void MappingReader::read_aliases(const YamlNode& node) {
  if (!want_map(node, "aliases")) return;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const auto& columns = mapping_.names.columns;
    const auto it = std::find(columns.begin(), columns.end(), node.keys[i].text);
    if (it == columns.end()) {
      error(node.keys[i], "IM2005",
            "no event is made of column '" + node.keys[i].text.substr(0, 60) + "'",
            "use it below emit, or drop its aliases");
    } else if (want_map(node.items[i], "aliases of a column")) {
      const auto& map = node.items[i];
      for (std::size_t k = 0; k < map.keys.size(); ++k) {
        if (!map.items[k].scalar()) error(map.items[k], "IM1006", "this is a text");
        mapping_.aliases.push_back({static_cast<std::uint32_t>(it - columns.begin()),
                                    map.keys[k].text, map.items[k].text});
      }
    }
  }
}

void MappingReader::read_records(const YamlNode& node) {
  if (!want_map(node, "records")) return;
  if (mapping_.case_id.empty()) {
    error(node, "IM1005", "records need `case`: what tells one case from another",
          "case: \"{case:concept:name}\"");
  }
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const auto& name = node.keys[i].text;
    if (name == "case" || name == "row" || name == "n" || name.empty() ||
        mapping_.records.size() >= 100) {
      error(node.keys[i], "IM1006", "this cannot name records", "offers, tasks, ...");
    }
    auto id = read_template(node.items[i]);
    const bool numbered = std::any_of(id.parts.begin(), id.parts.end(), [](const auto& part) {
      return part.kind == Template::Kind::kNumber;
    });
    if (!numbered) error(node.items[i], "IM1006", "the id needs {@n}", "\"{@case}-{@n}\"");
    mapping_.names.records.push_back(name);
    mapping_.records.push_back({name, std::move(id)});
  }
}

void MappingReader::read_defaults(const YamlNode& node) {
  if (!want_map(node, "defaults")) return;
  only_keys(node, {"time", "actor", "partition_key"});
  if (const auto* at = node.find("time")) default_time_ = read_conversion(*at, FieldType::kInstant);
  if (const auto* at = node.find("actor")) default_actor_ = read_template(*at);
  if (const auto* at = node.find("partition_key")) default_key_ = read_template(*at);
}

void MappingReader::read_before(const YamlNode& node) {
  if (!node.list()) error(node, "IM1006", "before is a list of events");
  if (node.items.size() > kEmitsMax) error(node, "IM1009", "more than 1000 events under before");
  for (const auto& item : node.items) read_before_event(item);
}

void MappingReader::read_before_event(const YamlNode& node) {
  if (!want_map(node, "an event")) return;
  only_keys(node, {"type", "subject", "time", "partition_key", "data"});
  const auto* type = need(node, "type");
  const auto* subject = need(node, "subject");
  if (type == nullptr || subject == nullptr) return;
  Event event;
  const auto* spec = event_spec(type->text);
  if (spec == nullptr) {
    const auto nearest = nearest_event_type(type->text.substr(0, 60));
    error(*type, "IM2002", "unknown event type '" + type->text.substr(0, 60) + "'",
          nearest.empty() ? "" : "did you mean '" + std::string{nearest} + "'?");
    return;
  }
  event.type = spec->type;
  event.subject = parse_record_key(subject->text);
  if (const auto* at = node.find("partition_key")) event.partition_key = at->text;
  if (const auto* at = node.find("time")) {
    auto time = read_time(at->text, {}, mapping_.zone);
    if (time)
      event.time = time.value();
    else
      error(*at, "IM2003", time.error().detail);
  }
  const auto* data = node.find("data");
  Value value = data == nullptr ? Value{Map{}} : free_value(*data);
  if (value.as_map() == nullptr) {
    error(*data, "IM1006", "data is a map");
    return;
  }
  auto wrong = fill_data(event, *value.as_map());
  event.source = event.id = "before";
  const auto envelope = check_envelope(event);
  event.source.clear();
  event.id.clear();
  wrong.insert(wrong.end(), envelope.begin(), envelope.end());
  for (const auto& found : wrong)
    error(node, "IM2003", found.pointer + ": " + found.detail, found.hint);
  mapping_.before.push_back(std::move(event));
}

Result<Mapping> parse_mapping(std::string_view text, std::string_view name) {
  Mapping mapping;
  mapping.name = name;
  YamlNode root;
  std::vector<Diagnostic> found(1);
  if (parse_yaml(text, "IM", root, found[0])) {
    MappingReader reader{mapping};
    reader.read(root);
    if (reader.found().empty()) return mapping;
    found = reader.found();
    std::stable_sort(found.begin(), found.end(), [](const Diagnostic& a, const Diagnostic& b) {
      return std::pair{a.line, a.column} < std::pair{b.line, b.column};
    });
  }
  std::string detail;
  for (const auto& diagnostic : found) {
    detail += (detail.empty() ? "" : "\n") + to_text(diagnostic, name);
  }
  return Error{Code::kInvalid, std::move(detail)};
}

}  // namespace dealwright::import
