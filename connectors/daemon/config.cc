#include "connectors/daemon/config.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "rules/yaml/tree.h"

namespace dealwright::daemon {
namespace {

using Type = ConfigKey::Type;
constexpr std::uint64_t kKi = 1024;
constexpr std::uint64_t kMi = kKi * 1024;
constexpr std::uint64_t kGi = kMi * 1024;
constexpr std::string_view kPrefix = "DEALWRIGHT_";

// clang-format off
constexpr ConfigKey kKeys[] = {
    {"data", Type::kText, "", "dealwright-data", 0, 0,
     "The data directory: both logs, and the state that is folded from them.",
     [](Config& c, std::uint64_t, std::string_view text) { c.data = text; }},
    {"trust_clock", Type::kBool, "", "false", 0, 1,
     "An operator vouches for this machine's clock: a log that was not written for more than 7 days goes on "
     "at once, and no jump of the clock holds timers back.",
     [](Config& c, std::uint64_t n, std::string_view) { c.trust_clock = n != 0; }},
    {"log.partitions", Type::kCount, "partitions", "4", 1, 256,
     "How many partitions a new data directory gets; fixed for ever when it is made.",
     [](Config& c, std::uint64_t n, std::string_view) { c.log.partitions = static_cast<std::uint32_t>(n); }},
    {"log.segment", Type::kBytes, "", "64 MiB", 64 * kKi, kGi,
     "A segment file of the log is closed at this size and the next one begins.",
     [](Config& c, std::uint64_t n, std::string_view) { c.log.segment_bytes = n; }},
    {"log.queue", Type::kBytes, "", "64 MiB", 8 * kMi, 512 * kMi,
     "What may wait in each partition to be durable; appends beyond it are refused as overload.",
     [](Config& c, std::uint64_t n, std::string_view) { c.log.queue_bytes = n; }},
    {"log.group", Type::kBytes, "", "8 MiB", 4 * kMi, 64 * kMi,
     "What one write and one fdatasync take together at most.",
     [](Config& c, std::uint64_t n, std::string_view) { c.log.group_bytes = n; }},
    {"log.tail_cache", Type::kBytes, "", "16 MiB", 0, kGi,
     "The newest log records of each partition that are read back from memory instead of the disk.",
     [](Config& c, std::uint64_t n, std::string_view) { c.log.tail_cache_bytes = n; }},
    {"log.open_files", Type::kCount, "files", "64", 4, 4096,
     "Segment files of each partition that are kept open for reading.",
     [](Config& c, std::uint64_t n, std::string_view) { c.log.open_files = n; }},
    {"log.retain", Type::kBytes, "", "0", 0, 1024 * kGi,
     "The oldest segment files of a partition go when its log is larger than this and the state no longer needs "
     "them; 0 keeps all. What went cannot be retracted or shown in timelines, and views cannot be rebuilt from it.",
     [](Config& c, std::uint64_t n, std::string_view) { c.log.retain_bytes = n; }},
    {"log.retain_days", Type::kCount, "days", "0", 0, 36'500,
     "... or when all that is in them was written longer ago than this; 0 keeps all.",
     [](Config& c, std::uint64_t n, std::string_view) { c.log.retain_days = n; }},
    {"state.memory", Type::kBytes, "", "768 MiB", 16 * kMi, 1024 * kGi,
     "Memory for state, over all partitions: half of it caches records, a quarter is the store's, an eighth "
     "bounds what waits to be written.",
     [](Config& c, std::uint64_t n, std::string_view) { c.state.memory_bytes = n; }},
    {"state.generation", Type::kBytes, "", "24 MiB", 64 * kKi, 4 * kGi,
     "Changed state of each partition is written to the store at this size, or at its share of an eighth of "
     "state.memory if that is less.",
     [](Config& c, std::uint64_t n, std::string_view) { c.state.generation_bytes = n; }},
    {"state.generation_events", Type::kCount, "events", "150000", 1, 100'000'000,
     "... or behind this many events; a restart folds at most two such generations again.",
     [](Config& c, std::uint64_t n, std::string_view) { c.state.generation_events = n; }},
    {"state.dedup", Type::kBytes, "", "256 MiB", kMi, 64 * kGi,
     "Ids of events that each partition remembers to find duplicates, on disk: 30 days, or as many as this "
     "holds.",
     [](Config& c, std::uint64_t n, std::string_view) { c.state.dedup_bytes = n; }},
    {"state.timers_in_memory", Type::kCount, "timers", "65536", 16, 16'777'216,
     "The soonest timers of each partition that are kept in memory; the others are read as they come near.",
     [](Config& c, std::uint64_t n, std::string_view) { c.state.timers_in_memory = n; }},
    {"decide.events_per_record", Type::kCount, "events", "1000", 1, 1000,
     "Events that one decision record covers at most.",
     [](Config& c, std::uint64_t n, std::string_view) { c.decide.events_per_record = static_cast<std::uint32_t>(n); }},
    {"decide.records_in_flight", Type::kCount, "records", "4", 1, 64,
     "Decision records of each partition that may be written and not yet read back.",
     [](Config& c, std::uint64_t n, std::string_view) { c.decide.records_in_flight = n; }},
    {"import.append", Type::kBytes, "", "16 MiB", 64 * kKi, kGi,
     "What an import or a file of events has on its way to the log.",
     [](Config& c, std::uint64_t n, std::string_view) { c.import.append_bytes = n; }},
    {"import.rows", Type::kBytes, "", "512 MiB", kMi, 64 * kGi,
     "Memory for the rows of a file that is put in order of time, some 130 bytes each; larger files are "
     "refused.",
     [](Config& c, std::uint64_t n, std::string_view) { c.import.rows_bytes = n; }},
};
// clang-format on

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
    if (text.empty()) return misfit();
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
  const auto* key = std::find_if(std::begin(kKeys), std::end(kKeys),
                                 [&](const ConfigKey& k) { return k.name == name; });
  return key == std::end(kKeys) ? nullptr : key;
}

std::string hint_for(std::string_view name) {
  std::vector<std::string_view> known;
  for (const auto& key : kKeys) known.push_back(key.name);
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

std::span<const ConfigKey> config_keys() { return kKeys; }

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
    case Type::kBytes:
      return fmt::format("{} to {}", bytes_text(key.least), bytes_text(key.most));
    case Type::kCount:
      break;
  }
  return fmt::format("{} to {}", key.least, key.most);
}

ConfigReader::ConfigReader() {
  for (const auto& key : kKeys) values_.push_back({&key, std::string{key.fallback}, "default"});
}

Result<void> ConfigReader::take(std::string_view name, std::string_view text, std::string from) {
  const auto* key = find_key(name);
  if (key == nullptr) {
    return Error{Code::kInvalid,
                 fmt::format("{}: unknown key '{}'. {}", from, name, hint_for(name))};
  }
  auto value = read(*key, text);
  if (!value) return Error{Code::kInvalid, fmt::format("{}: {}", from, value.error().detail)};
  auto& stands = values_[static_cast<std::size_t>(key - std::begin(kKeys))];
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
    auto& stands = values_[static_cast<std::size_t>(key - std::begin(kKeys))];
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
  for (const auto& key : kKeys) names.push_back(environment_name(key));
  for (const auto& [variable, text] : variables) {
    if (!variable.starts_with(kPrefix) || variable == kConfigVariable) continue;
    const auto at = std::find(names.begin(), names.end(), variable);
    if (at == names.end()) {
      std::vector<std::string_view> known{names.begin(), names.end()};
      known.push_back(kConfigVariable);
      auto hint = rules::did_you_mean(variable, known);
      return Error{Code::kInvalid,
                   fmt::format("unknown variable {}. {}", variable,
                               hint.empty() ? "dealwright config print lists them" : hint)};
    }
    DW_TRY(take(kKeys[at - names.begin()].name, text, variable));
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
  for (const auto& key : kKeys) {
    const auto unit =
        key.unit.empty() || key.type != Type::kCount ? std::string{} : fmt::format(" {}", key.unit);
    out += fmt::format("| `{}` | `{}`, `{}` | {}{} | {} | {} |\n", key.name, environment_name(key),
                       flag_name(key), key.fallback, unit, limits_text(key), key.says);
  }
  return out;
}

}  // namespace dealwright::daemon
