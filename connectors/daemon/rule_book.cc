#include "connectors/daemon/rule_book.h"

#include <algorithm>
#include <functional>

#include "connectors/daemon/across.h"
#include "connectors/daemon/zones.h"
#include "rules/check/diagnostic.h"

namespace dealwright::daemon {
namespace {

const rules::ZoneProvider& zones() {
  static const auto kZones = named_zones();
  return kZones;
}

Event rule_event(Workspace& workspace, TypeId type, const std::string& rule, const Act& act) {
  Event event;
  event.source = "dealwright/ops";
  event.type = type;
  event.subject = {Kind::kRule, rule};
  event.actor = act.actor;
  if (!workspace.event_clock()) event.time = workspace.clock().wall();
  event.id = act.id;
  event.data.set(Field::kAuthor, Value{act.actor});
  return event;
}

// Until every partition knows a version such as that: what comes behind finds it in force.
Result<void> wait_everywhere(Workspace& workspace,
                             const std::function<bool(const PublishedRule&)>& known) {
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    if (!workspace.serves(id)) continue;
    DW_TRY(workspace.wait_until(id, [&](runtime::Partition& partition) {
      const auto all = partition.state().published();
      return all && std::any_of(all.value().begin(), all.value().end(), known);
    }));
  }
  return ok();
}

}  // namespace

Result<Schemas> schemas_in_force(Workspace& workspace) {
  Schemas out;
  DW_TRY(workspace.engine().ask(
      0, [&](runtime::Partition& partition) { out = partition.state().reference.schemas; }));
  return out;
}

Result<Map> describe_schema(Workspace& workspace, std::size_t revision) {
  DW_TRY(const auto all, schemas_in_force(workspace));
  const auto count = all.revision();
  if (count == 0)
    return Error{Code::kNotFound, "no schema is in force; dealwright schema publish FILE"};
  if (revision == 0) revision = count;
  if (revision > count) {
    return Error{Code::kNotFound,
                 "there are revisions 1 to " + std::to_string(count) + " of the schema"};
  }
  const auto& schema = *all.versions()[revision - 1].second;
  return Map{{"schema", Value{hex(schema.id)}},
             {"revision", Value{static_cast<std::int64_t>(revision)}},
             {"revisions", Value{static_cast<std::int64_t>(count)}},
             {"text", Value{schema.text}}};
}

Result<rules::CompiledRule> check_rule(Workspace& workspace, std::string_view text) {
  DW_TRY(const auto schemas, schemas_in_force(workspace));
  auto schema = schemas.share_current();
  if (schema == nullptr) schema = std::make_shared<Schema>();  // nothing is declared
  return rules::compile(text, {zones(), schema});
}

std::vector<rules::TestResult> test_rule(const rules::CompiledRule& compiled) {
  return rules::run_tests(compiled, {{}, zones()});
}

bool has_errors(const rules::CompiledRule& compiled) {
  return std::any_of(
      compiled.diagnostics.begin(), compiled.diagnostics.end(),
      [](const auto& diagnostic) { return diagnostic.severity == rules::Severity::kError; });
}

std::string rule_name(std::string_view text) {
  const auto at = text.find("\nname:");
  if (at == std::string_view::npos) return {};
  auto name = text.substr(at + 6, text.find('\n', at + 1) - at - 6);
  name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
  return std::string{name};
}

Result<PublishedRule> newest_rule(const std::vector<PublishedRule>& known,
                                  const std::string& rule) {
  std::vector<std::string_view> names;
  for (const auto& one : known) {
    if (one.rule == rule && !one.status.empty()) return one;
    if (!one.status.empty()) names.push_back(one.rule);
  }
  const auto hint = rules::did_you_mean(rule, names);
  return Error{Code::kNotFound, "no rule '" + rule + "' is published" +
                                    (hint.empty() ? "; dealwright rule list" : ". " + hint)};
}

Result<Published> publish_rule(Workspace& workspace, const rules::CompiledRule& compiled,
                               const std::string& text, const Act& act) {
  DW_TRY(const auto known, published_rules(workspace));
  Published out;
  for (const auto& old : known) {
    if (old.rule != compiled.rule) continue;
    out.version = std::max(out.version, old.version);
    out.unchanged = old.text == text && !old.status.empty() && old.status != "retired";
  }
  if (out.unchanged) return out;
  ++out.version;
  auto event = rule_event(workspace, TypeId::kRulePublished, compiled.rule, act);
  event.data.set(Field::kText, Value{text});
  event.data.set(Field::kVersion, Value{std::int64_t{out.version}});
  DW_TRY(const auto placed, workspace.append({event}));
  DW_TRY(workspace.wait_folded(placed[0]));
  const auto stands = [&](const PublishedRule& one) {
    return one.rule == compiled.rule && one.version == out.version && one.text == text;
  };
  DW_TRY(const auto after, published_rules(workspace));
  if (std::any_of(after.begin(), after.end(), stands)) {
    DW_TRY(wait_everywhere(workspace, stands));
    return out;
  }
  return Error{Code::kConflict, "another version of " + compiled.rule +
                                    " was published meanwhile; look at it and publish again"};
}

std::string_view status_after(TypeId to) {
  if (to == TypeId::kRulePaused) return "paused";
  return to == TypeId::kRuleRetired ? "retired" : "live";
}

Result<bool> switch_rule(Workspace& workspace, const std::string& rule, TypeId to, const Act& act) {
  DW_TRY(const auto known, published_rules(workspace));
  DW_TRY(const auto before, newest_rule(known, rule));
  if (before.status == status_after(to)) return false;
  if (before.status == "retired") {
    return Error{Code::kRefused, "rule '" + rule + "' is retired; publish it anew"};
  }
  DW_TRY(const auto placed, workspace.append({rule_event(workspace, to, rule, act)}));
  DW_TRY(workspace.wait_folded(placed[0]));
  DW_TRY(const auto stops, follow(workspace, placed[0]));
  if (!stops.empty() && stops.back().fate.verdict == Verdict::kDuplicate) {
    return Error{Code::kConflict, "that was done before under the same id, and rule '" + rule +
                                      "' has changed since: take another id"};
  }
  DW_TRY(wait_everywhere(workspace, [&](const PublishedRule& one) {
    return one.rule == rule && one.status == status_after(to);
  }));
  return true;
}

}  // namespace dealwright::daemon
