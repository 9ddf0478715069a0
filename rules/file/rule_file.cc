#include "rules/file/rule_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "engine/domain/enrolment.h"
#include "engine/domain/sends.h"
#include "rules/time/send_hours.h"

namespace dealwright::rules {
namespace {

using yaml::Node;
using Need = KeySpec::Need;

constexpr KeySpec kRuleKeys[] = {{"rule", Need::kNeeded},
                                 {"language"},
                                 {"name", Need::kNeeded},
                                 {"owner", Need::kNeeded},
                                 {"description"},
                                 {"tags"},
                                 {"status"},
                                 {"trigger", Need::kNeeded},
                                 {"when"},
                                 {"subject"},
                                 {"entry"},
                                 {"exit"},
                                 {"control"},
                                 {"steps", Need::kNeeded},
                                 {"limits"},
                                 {"import"},
                                 {"misfire"},
                                 {"on_publish"},
                                 {"loops"},
                                 {"calendar"},
                                 {"zone"},
                                 {"tests"}};

std::vector<const Node*> one_or_list(const Node& node) {
  std::vector<const Node*> out;
  if (!node.is_list()) return {&node};
  for (const auto& item : node.items) out.push_back(&item);
  return out;
}

void read_head(const Node& root, RuleFile& file, Diagnostics& out) {
  if (const auto* node = root.find("rule")) {
    if (const auto* text = read_text(*node, "rule", out)) file.rule = *text;
    if (!is_name(file.rule)) {
      out.error(2004, node->at, fmt::format("'{}' is no rule id", file.rule),
                "A letter, then up to 63 letters, digits and '-', all small");
    }
  }
  if (const auto* node = root.find("language"); node != nullptr && node->text != "1") {
    out.error(1010, node->at, fmt::format("language {} is not known here", node->text),
              "Write 1, or leave the key out");
  }
  const auto text = [&](std::string_view key, std::string& into) {
    const auto* node = root.find(key);
    const auto* found = node == nullptr ? nullptr : read_text(*node, key, out);
    if (found != nullptr) into = *found;
  };
  text("name", file.name);
  text("owner", file.owner);
  text("description", file.description);
  text("calendar", file.calendar);
  text("zone", file.zone);
  if (const auto* node = root.find("tags")) {
    for (const auto* tag : one_or_list(*node)) {
      if (const auto* word = read_text(*tag, "tags", out)) file.tags.push_back(*word);
    }
  }
  if (const auto* node = root.find("status")) {
    static constexpr std::string_view kWords[] = {"draft", "shadow", "live", "paused"};
    if (const auto word = read_word(*node, "status", kWords, out)) file.status = kWords[*word];
  }
}

// ---- triggers

constexpr std::string_view kLaterTriggers[] = {"becomes", "date",   "idle",   "unchanged",
                                               "every",   "enters", "leaves", "kpi"};

ChangedTrigger read_changed(const Node& node, Diagnostics& out) {
  static constexpr KeySpec kKeys[] = {{"changed"}, {"from"}, {"to"}, {"moved"}};
  ChangedTrigger changed;
  if (!check_keys(node, kKeys, "a 'changed' trigger", out)) return changed;
  changed.path = node.find("changed");
  read_text(*changed.path, "changed", out);
  if (const auto* from = node.find("from")) changed.from = one_or_list(*from);
  if (const auto* to = node.find("to")) changed.to = one_or_list(*to);
  if (const auto* moved = node.find("moved")) {
    static constexpr std::string_view kWords[] = {"forward", "backward", "skipped"};
    if (const auto word = read_word(*moved, "moved", kWords, out)) {
      changed.moved = static_cast<Moved>(*word + 1);
    }
  }
  return changed;
}

TriggerFile read_trigger(const Node& node, Diagnostics& out) {
  TriggerFile trigger;
  trigger.at = node.at;
  if (!node.is_map()) {
    if (node.is_scalar() && (node.text == "manual" || node.text == "call")) {
      refuse_later(node.at, node.text, out);
      return trigger;
    }
    trigger.events = EventTrigger{EventSet::read(node, out)};
    return trigger;
  }
  if (node.find("changed") != nullptr) {
    trigger.changed = read_changed(node, out);
    return trigger;
  }
  for (const auto later : kLaterTriggers) {
    if (const auto* entry = node.entry(later)) {
      refuse_later(entry->at, later, out);
      return trigger;
    }
  }
  if (const auto* events = node.find("event")) {
    static constexpr KeySpec kKeys[] = {{"event"}};
    check_keys(node, kKeys, "a trigger", out);
    trigger.events = EventTrigger{EventSet::read(*events, out)};
    return trigger;
  }
  out.error(1004, node.at, "this is no trigger", "Write event types, or { changed: deal.stage }");
  return trigger;
}

void read_triggers(const Node& node, RuleFile& file, Diagnostics& out) {
  // A list of plain types is one trigger; maps among them are triggers of their own.
  if (!node.is_list()) {
    file.triggers.push_back(read_trigger(node, out));
    return;
  }
  for (const auto& item : node.items) file.triggers.push_back(read_trigger(item, out));
  if (node.items.empty()) out.error(1005, node.at, "'trigger' has no entry");
}

// ---- entry, exits

void read_entry(const Node& node, EntryFile& entry, Diagnostics& out) {
  entry.at = node.at;
  if (node.is_scalar()) {
    static constexpr std::string_view kWords[] = {"once", "while_not_active", "each_time"};
    static constexpr EntryPolicy kPolicies[] = {EntryPolicy::kOnce, EntryPolicy::kWhileNotActive,
                                                EntryPolicy::kEachTime};
    if (const auto word = read_word(node, "entry", kWords, out)) entry.policy = kPolicies[*word];
    return;
  }
  static constexpr KeySpec kKeys[] = {{"once_per"}, {"cooldown"}};
  if (!check_keys(node, kKeys, "an entry policy", out)) return;
  if (const auto* keys = node.find("once_per")) {
    entry.policy = EntryPolicy::kOncePer;
    entry.keys = one_or_list(*keys);
    for (const auto* key : entry.keys) read_text(*key, "once_per", out);
    if (node.find("cooldown") != nullptr) {
      out.error(1004, node.at, "an entry policy is one of once_per and cooldown");
    }
  } else if (const auto* cooldown = node.find("cooldown")) {
    entry.policy = EntryPolicy::kCooldown;
    entry.cooldown = read_length(*cooldown, "cooldown", out).value_or(Length{});
  }
}

void read_exits(const Node& node, RuleFile& file, Diagnostics& out) {
  static constexpr KeySpec kBeside[] = {{"reason"}, {"do"}};
  const auto one = [&](const Node& item) {
    ExitFile exit;
    exit.match = read_match(item, kBeside, out);
    if (item.is_map()) {
      if (const auto* reason = item.find("reason")) {
        if (const auto* text = read_text(*reason, "reason", out)) exit.reason = *text;
      }
      exit.steps = item.find("do");
    }
    file.exits.push_back(std::move(exit));
  };
  if (!node.is_list()) return one(node);
  for (const auto& item : node.items) one(item);
}

// ---- limits

std::optional<SendHours> read_send(const Node& node, Diagnostics& out) {
  auto hours = node.is_scalar() ? parse_send_hours(node.text) : std::nullopt;
  if (!hours) {
    out.error(1008, node.at, fmt::format("'{}' names no hours", node.text),
              "Write such as Mon-Fri 09:00-17:00");
  }
  return hours;
}

// How far a cap looks back; what was sent to a person is counted by hours, not by calendars.
Duration read_cap_per(const Node& node, Diagnostics& out) {
  const auto length = read_length(node, "per", out);
  if (!length) return {};
  if (length->unit == Length::Unit::kExact && length->n > 0) return milliseconds(length->n);
  if (length->unit == Length::Unit::kCalendarDays) return days(length->n);
  out.error(1008, node.at, fmt::format("a cap does not count '{}'", node.text),
            "Write hours or days, such as 24h or 7d");
  return {};
}

bool read_else(const Node& map, std::string_view key, Diagnostics& out) {  // true: drop
  static constexpr std::string_view kWords[] = {"wait", "drop"};
  const auto* node = map.find(key);
  const auto word = node == nullptr ? std::nullopt : read_word(*node, key, kWords, out);
  return word == std::size_t{1};
}

void read_quiet(const Node& node, LimitsFile& limits, Diagnostics& out) {
  if (node.is_scalar()) {
    static constexpr std::string_view kWords[] = {"default", "none"};
    if (const auto word = read_word(node, "quiet_hours", kWords, out)) {
      limits.quiet = *word == 0 ? LimitsFile::Quiet::kDefault : LimitsFile::Quiet::kNone;
    }
    return;
  }
  static constexpr KeySpec kKeys[] = {{"send", Need::kNeeded}, {"else"}};
  if (!check_keys(node, kKeys, "'quiet_hours'", out)) return;
  limits.quiet = LimitsFile::Quiet::kOwn;
  if (const auto* send = node.find("send")) {
    limits.send = read_send(*send, out);
  }
  limits.quiet_drops = read_else(node, "else", out);
}

void read_limits(const Node& node, LimitsFile& limits, Diagnostics& out) {
  static constexpr KeySpec kKeys[] = {{"quiet_hours"}, {"cap"}, {"rate", Need::kLater}, {"expire"}};
  if (!check_keys(node, kKeys, "'limits'", out)) return;
  if (const auto* quiet = node.find("quiet_hours")) read_quiet(*quiet, limits, out);
  if (const auto* cap = node.find("cap")) {
    static constexpr KeySpec kCap[] = {{"max", Need::kNeeded}, {"per", Need::kNeeded}, {"over"}};
    if (check_keys(*cap, kCap, "'cap'", out)) {
      const auto* max = cap->find("max");
      const auto* per = cap->find("per");
      if (max != nullptr) limits.cap = read_int(*max, "max", 1, kCapMax, out);
      if (per != nullptr) limits.cap_per = read_cap_per(*per, out);
      limits.cap_drops = read_else(*cap, "over", out);
    }
  }
  if (const auto* expire = node.find("expire")) limits.expire = read_length(*expire, "expire", out);
}

// ---- what remains

void read_misfire(const Node& node, MisfireFile& misfire, Diagnostics& out) {
  static constexpr KeySpec kKeys[] = {{"messages"}, {"ticks"}, {"on_resume"}};
  if (!check_keys(node, kKeys, "'misfire'", out)) return;
  if (const auto* messages = node.find("messages")) {
    misfire.messages = read_length(*messages, "messages", out);
  }
  if (const auto* ticks = node.find("ticks")) {
    static constexpr std::string_view kWords[] = {"one", "skip", "each"};
    const auto word = read_word(*ticks, "ticks", kWords, out);
    if (word && *word > 0) refuse_later(ticks->at, fmt::format("ticks: {}", ticks->text), out);
  }
  if (const auto* resume = node.find("on_resume")) {
    static constexpr std::string_view kWords[] = {"late", "shift", "skip"};
    const auto word = read_word(*resume, "on_resume", kWords, out);
    if (word && *word > 0) {
      refuse_later(resume->at, fmt::format("on_resume: {}", resume->text), out);
    }
  }
}

// suppress, shadow, fire, { drip: 60/h }
void read_import(const Node& node, ImportRule& import, Diagnostics& out) {
  if (!node.is_map()) {
    static constexpr std::string_view kWords[] = {"suppress", "fire", "shadow"};
    static constexpr Policy kPolicies[] = {Policy::kSuppress, Policy::kFire, Policy::kShadow};
    if (const auto word = read_word(node, "import", kWords, out)) import.policy = kPolicies[*word];
    return;
  }
  static constexpr KeySpec kKeys[] = {{"drip", KeySpec::Need::kNeeded}};
  if (!check_keys(node, kKeys, "'import'", out)) return;
  const auto* rate = node.find("drip");
  if (rate == nullptr) return;
  import.policy = Policy::kDrip;
  const std::string_view text = rate->text;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), import.per_hour);
  const bool sound = rate->is_scalar() && bad == std::errc{} && std::string_view{end} == "/h" &&
                     import.per_hour >= 1 && import.per_hour <= kDripMax;
  if (!sound) {
    out.error(1008, rate->at, fmt::format("'{}' is no rate", text),
              "Write entries an hour, such as 60/h");
  }
}

void read_policies(const Node& root, RuleFile& file, Diagnostics& out) {
  if (const auto* node = root.find("control")) {
    file.control_bp = read_percent(*node, "control", out).value_or(0);
  }
  if (const auto* node = root.find("import")) read_import(*node, file.import, out);
  if (const auto* node = root.find("on_publish")) {
    static constexpr std::string_view kWords[] = {"pin", "exit"};
    if (node->is_map()) {
      refuse_later(node->at, "migrate", out);
    } else if (read_word(*node, "on_publish", kWords, out) == std::size_t{1}) {
      refuse_later(node->at, "on_publish: exit", out);
    }
  }
  if (const auto* node = root.find("loops")) {
    file.loops = static_cast<std::uint32_t>(read_int(*node, "loops", 0, 10, out).value_or(0));
  }
}

}  // namespace

MatchFile read_match(const Node& node, std::span<const KeySpec> beside, Diagnostics& out) {
  MatchFile match;
  match.at = node.at;
  if (!node.is_map()) {
    match.events = EventSet::read(node, out);
    return match;
  }
  std::vector<KeySpec> keys{{"event"}, {"when"}, {"same"}};
  keys.insert(keys.end(), beside.begin(), beside.end());
  check_keys(node, keys, "a match", out);
  const auto* events = node.find("event");
  match.when = node.find("when");
  match.same = node.find("same");
  if (events != nullptr) match.events = EventSet::read(*events, out);
  if (match.when != nullptr) read_text(*match.when, "when", out);
  if (match.same != nullptr) read_text(*match.same, "same", out);
  if (events == nullptr && match.when == nullptr) {
    out.error(1005, node.at, "a match needs 'event' or 'when'");
  }
  if (events == nullptr && match.same != nullptr) {
    out.error(1005, match.same->at, "'same' needs 'event'");
  }
  return match;
}

bool read_rule_file(std::string_view source, RuleFile& file, Diagnostics& out) {
  file.root = std::make_unique<Node>();
  if (!yaml::read(source, *file.root, out)) return false;
  const auto& root = *file.root;
  check_keys(root, kRuleKeys, "a rule", out);
  read_head(root, file, out);
  if (const auto* node = root.find("trigger")) read_triggers(*node, file, out);
  file.when = root.find("when");
  if (file.when != nullptr) read_text(*file.when, "when", out);
  file.subject = root.find("subject");
  if (file.subject != nullptr) read_text(*file.subject, "subject", out);
  if (const auto* node = root.find("entry")) read_entry(*node, file.entry, out);
  if (const auto* node = root.find("exit")) read_exits(*node, file, out);
  file.steps = root.find("steps");
  if (const auto* node = root.find("limits")) read_limits(*node, file.limits, out);
  if (const auto* node = root.find("misfire")) read_misfire(*node, file.misfire, out);
  read_policies(root, file, out);
  file.tests = root.find("tests");
  return true;
}

}  // namespace dealwright::rules
