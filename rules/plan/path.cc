#include "rules/plan/path.h"

#include <fmt/core.h>

#include <algorithm>

#include "rules/check/diagnostic.h"

namespace dealwright::rules {
namespace {

using Words = std::vector<std::string>;
using Problem = std::optional<PathProblem>;

std::string joined(const Words& words, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < std::min(count, words.size()); ++i) {
    if (i > 0) out += '.';
    out += words[i];
  }
  return out;
}

PathProblem unknown_field(const Words& words, std::size_t at,
                          const std::vector<std::string_view>& known, std::string hint = {}) {
  auto nearest = did_you_mean(words[at], known);
  if (!nearest.empty() && at > 0) {  // show the whole path
    const auto from = nearest.find('\'') + 1;
    nearest.insert(from, joined(words, at) + ".");
  }
  return {2001, fmt::format("unknown field '{}'", joined(words, at + 1)),
          nearest.empty() ? std::move(hint) : nearest};
}

// Deal amounts and the like: one number, one word, one record; lists and maps are free data.
bool is_free(FieldType type) { return type == FieldType::kJson; }

void set_leaf(PathSpec& out, const FieldSpec& spec) {
  out.leaf = Leaf::kField;
  out.field = spec.field;
  out.type = spec.type;
  out.spec = &spec;
  out.record = spec.type == FieldType::kRef ? spec.ref : Kind::kForeign;
}

// The name behind `custom` at `at`, as the schema declares it.
Problem resolve_custom(const Words& words, std::size_t at, Kind kind, const Schema& schema,
                       PathSpec& out) {
  const auto* field = schema.find(kind, words[at + 1]);
  if (field == nullptr) {
    std::vector<std::string_view> known;
    for (const auto& f : schema.fields(kind)) known.push_back(f.name);
    return unknown_field(
        words, at + 1, known,
        fmt::format("Declare it in the schema file, below custom, {}", kind_name(kind)));
  }
  if (words.size() > at + 2) {
    return PathProblem{2001, fmt::format("'{}' has no fields", joined(words, at + 2)), {}};
  }
  out.type = field->spec.type;
  out.spec = &field->spec;
  if (out.type == FieldType::kRef) out.record = field->spec.ref;
  return std::nullopt;
}

// Words behind a record of `kind`: fields, hops, custom and extra.
Problem resolve_fields(const Words& words, std::size_t at, Kind kind, const Schema* schema,
                       PathSpec& out) {
  for (;; ++at) {
    const auto& kind_spec = spec_of(kind);
    const auto& word = words[at];
    if (word == "custom" || word == "extra") {
      out.leaf = word == "custom" ? Leaf::kCustom : Leaf::kExtra;
      out.optional = true;
      out.names.assign(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
      if (!out.names.empty() && schema != nullptr && out.leaf == Leaf::kCustom) {
        return resolve_custom(words, at, kind, *schema, out);
      }
      if (!out.names.empty()) return std::nullopt;
      return PathProblem{
          2001, fmt::format("'{}' needs a name behind it", joined(words, at + 1)), {}};
    }
    const auto field = word == "id" ? std::nullopt : field_of(word);
    const auto* spec = field ? kind_spec.find(*field) : nullptr;
    if (word == "id" && at + 1 == words.size()) {
      out.leaf = Leaf::kId;
      out.type = FieldType::kText;
      return std::nullopt;
    }
    if (spec == nullptr || *field == Field::kCustom || *field == Field::kExtra) {
      std::vector<std::string_view> known{"custom", "extra", "id"};
      for (const auto& f : kind_spec.fields) known.push_back(field_name(f.field));
      return unknown_field(
          words, at, known,
          fmt::format("A field of your own is {}.custom.{}", kind_name(kind), word));
    }
    if (!always_there(kind, *field) && spec->type != FieldType::kBool) out.optional = true;
    const bool last = at + 1 == words.size();
    if (last || is_free(spec->type)) {
      set_leaf(out, *spec);
      out.names.assign(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
      if (!out.names.empty()) out.optional = true;
      return std::nullopt;
    }
    if (spec->type != FieldType::kRef) {
      return PathProblem{2001, fmt::format("'{}' has no fields", joined(words, at + 1)), {}};
    }
    out.hops.push_back(*field);
    if (out.hops.size() > static_cast<std::size_t>(kHopsMax)) {
      return PathProblem{
          2001,
          fmt::format("'{}' is more than {} records away", joined(words, at + 2), kHopsMax),
          {}};
    }
    kind = spec->ref;
  }
}

bool present_at(Kind from, Kind kind) {
  const auto& all = routes(from, kind);
  if (all.empty()) return false;
  const auto& route = all.front();
  Kind at = from;
  for (const auto& step : route) {
    if (!always_there(at, step.field)) return false;
    at = step.to;
  }
  return true;
}

Problem resolve_record(const Words& words, Kind kind, const ScopeSpec& scope, PathSpec& out) {
  bool reached = false;
  bool always = true;
  for (std::size_t k = 1; k < kKinds; ++k) {
    if (((scope.subjects >> k) & 1U) == 0) continue;
    const auto from = static_cast<Kind>(k);
    if (routes(from, kind).empty()) {
      always = false;
    } else {
      reached = true;
      always = always && present_at(from, kind);
    }
  }
  if (!reached && scope.event_record) {
    always = false;
    for (std::size_t k = 1; k < kKinds && !reached; ++k) {
      if ((scope.event_subjects >> k) & 1U) reached = !routes(static_cast<Kind>(k), kind).empty();
    }
  }
  if (!reached) {
    return PathProblem{2007, fmt::format("no {} is at hand here", words[0]),
                       "Only the subject and the records that it points to are"};
  }
  out.root = Root::kRecord;
  out.kind = kind;
  out.optional = !always;
  if (words.size() > 1) return resolve_fields(words, 1, kind, scope.schema, out);
  out.leaf = Leaf::kRecord;
  out.type = FieldType::kText;
  out.record = kind;
  return std::nullopt;
}

struct Own {
  std::string_view name;
  Leaf leaf;
  FieldType type;
};
constexpr Own kEventOwn[] = {
    {"id", Leaf::kId, FieldType::kText},        {"type", Leaf::kType, FieldType::kText},
    {"time", Leaf::kTime, FieldType::kInstant}, {"source", Leaf::kSource, FieldType::kText},
    {"actor", Leaf::kActor, FieldType::kText},  {"subject", Leaf::kSubject, FieldType::kText},
    {"late", Leaf::kLate, FieldType::kBool}};
constexpr Own kEnrolmentOwn[] = {{"key", Leaf::kKey, FieldType::kText},
                                 {"started", Leaf::kStarted, FieldType::kInstant},
                                 {"step", Leaf::kStep, FieldType::kText}};
constexpr Own kWorkspaceOwn[] = {{"name", Leaf::kName, FieldType::kText},
                                 {"zone", Leaf::kZone, FieldType::kText},
                                 {"currency", Leaf::kCurrency, FieldType::kText}};

// The declared field in the data of every type that has it; optional if one lacks it.
const FieldSpec* event_field(const EventSet& events, std::string_view name, bool& optional) {
  const auto field = field_of(name);
  const FieldSpec* found = nullptr;
  if (!field) return nullptr;
  for (const auto type : events.types()) {
    const auto* spec = spec_of(type).find(*field);
    if (spec == nullptr) {
      optional = true;
      continue;
    }
    const bool has_default = spec->type == FieldType::kBool ||
                             (type == TypeId::kLeadQualified && *field == Field::kLevel);
    if (!spec->required && !has_default) optional = true;
    if (found == nullptr) found = spec;
    if (found->type != spec->type) return nullptr;
  }
  if (!events.foreign().empty()) optional = true;
  return found;
}

Problem resolve_event(const Words& words, const ScopeSpec& scope, PathSpec& out) {
  if (scope.events == nullptr) {
    return PathProblem{
        2007, "no event is at hand here",
        scope.start_events != nullptr ? "Use start.event, the one that started it" : ""};
  }
  out.root = Root::kEvent;
  if (words.size() == 1) return PathProblem{2001, "'event' needs a field behind it", {}};
  for (const auto& own : kEventOwn) {
    if (own.name != words[1] || words.size() > 2) continue;
    out.leaf = own.leaf;
    out.type = own.type;
    return std::nullopt;
  }
  std::size_t at = 1;
  if (words[1] == "data") at = 2;
  if (at == words.size()) return PathProblem{2001, "'event.data' needs a field behind it", {}};
  bool optional = false;
  const auto* spec = event_field(*scope.events, words[at], optional);
  if (spec != nullptr) {
    set_leaf(out, *spec);
    out.optional = optional;
    if (at + 1 == words.size()) return std::nullopt;
    out.names.assign(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
    out.optional = true;
    if (is_free(spec->type)) return std::nullopt;
    if (spec->type != FieldType::kRef) {
      return PathProblem{2001, fmt::format("'{}' has no fields", joined(words, at + 1)), {}};
    }
    return PathProblem{2001, fmt::format("'{}' is an id", joined(words, at + 1)),
                       fmt::format("Its fields are at {}", kind_name(spec->ref))};
  }
  if (at == 2) {  // undeclared data
    out.leaf = Leaf::kExtra;
    out.optional = true;
    out.names.assign(words.begin() + 2, words.end());
    return std::nullopt;
  }
  std::vector<std::string_view> known;
  for (const auto& own : kEventOwn) known.push_back(own.name);
  for (const auto type : scope.events->types()) {
    for (const auto& f : spec_of(type).data) known.push_back(field_name(f.field));
  }
  return unknown_field(words, at, known, fmt::format("Undeclared data is event.data.{}", words[1]));
}

template <std::size_t N>
Problem resolve_own(const Words& words, Root root, const Own (&table)[N], PathSpec& out) {
  out.root = root;
  std::vector<std::string_view> known;
  for (const auto& own : table) {
    known.push_back(own.name);
    if (words.size() != 2 || own.name != words[1]) continue;
    out.leaf = own.leaf;
    out.type = own.type;
    return std::nullopt;
  }
  return unknown_field(words, std::min<std::size_t>(1, words.size() - 1), known);
}

Problem resolve_before(const Words& words, const ScopeSpec& scope, PathSpec& out) {
  if (!scope.before) {
    return PathProblem{2007, "'before' is at hand in 'when' only", {}};
  }
  for (std::size_t k = 1; k < kKinds; ++k) {
    if (((scope.subjects >> k) & 1U) == 0 || words.size() < 2) continue;
    PathSpec found = out;
    if (auto problem = resolve_fields(words, 1, static_cast<Kind>(k), scope.schema, found))
      continue;
    if (!found.hops.empty()) break;
    out = std::move(found);
    out.root = Root::kBefore;
    out.optional = true;
    return std::nullopt;
  }
  return PathProblem{2001, fmt::format("unknown field '{}'", joined(words, words.size())),
                     "Behind 'before' stands a field of the subject"};
}

}  // namespace

std::vector<std::string> split_path(std::string_view text) {
  Words out;
  for (;;) {
    const auto dot = text.find('.');
    out.emplace_back(text.substr(0, dot));
    if (dot == std::string_view::npos) return out;
    text.remove_prefix(dot + 1);
  }
}

std::optional<Kind> root_kind(std::string_view name) {
  if (name == "owner") return Kind::kUser;
  const auto kind = kind_of(name);
  if (!kind) return std::nullopt;
  switch (*kind) {
    case Kind::kLead:
    case Kind::kDeal:
    case Kind::kContact:
    case Kind::kAccount:
    case Kind::kOffer:
    case Kind::kContract:
    case Kind::kTask:
    case Kind::kTicket:
    case Kind::kSurvey:
    case Kind::kTeam:
      return kind;
    default:
      return std::nullopt;
  }
}

Problem resolve(const Words& words, const ScopeSpec& scope, PathSpec& out) {
  out = {};
  out.text = joined(words, words.size());
  const auto& root = words[0];
  if (const auto kind = root_kind(root)) return resolve_record(words, *kind, scope, out);
  if (root == "event") return resolve_event(words, scope, out);
  if (root == "before") return resolve_before(words, scope, out);
  if (root == "now" || root == "today") {
    out.root = root == "now" ? Root::kNow : Root::kToday;
    out.leaf = Leaf::kSelf;
    out.type = root == "now" ? FieldType::kInstant : FieldType::kDate;
    if (words.size() == 1) return std::nullopt;
    return PathProblem{2001, fmt::format("'{}' has no fields", root), {}};
  }
  if (root == "enrolment") return resolve_own(words, Root::kEnrolment, kEnrolmentOwn, out);
  if (root == "workspace") return resolve_own(words, Root::kWorkspace, kWorkspaceOwn, out);
  if (root == "start") {
    if (scope.start_events == nullptr)
      return PathProblem{2007, "'start' is at hand in steps and exits only", {}};
    if (words.size() < 2) return PathProblem{2001, "'start' needs a path behind it", {}};
    const Words rest{words.begin() + 1, words.end()};
    ScopeSpec then = scope;
    then.events = scope.start_events;
    then.start_events = nullptr;
    auto problem = resolve(rest, then, out);
    out.text = joined(words, words.size());
    out.inner = out.root;
    out.root = Root::kStart;
    return problem;
  }
  return PathProblem{
      2001, fmt::format("unknown name '{}'", root),
      did_you_mean(root, {"event", "lead", "deal", "contact", "account", "offer", "contract",
                          "task", "ticket", "survey", "owner", "team", "before", "start", "now",
                          "today", "enrolment", "workspace"})};
}

}  // namespace dealwright::rules
