// rule check, test, publish, list, show, pause, resume, retire.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "connectors/cli/schema_commands.h"
#include "connectors/daemon/rule_book.h"
#include "connectors/daemon/tables.h"
#include "connectors/daemon/zones.h"
#include "rules/compile.h"
#include "rules/testing/run_tests.h"

namespace dealwright::cli {
namespace {

const rules::ZoneProvider& zones() {
  static const auto kZones = daemon::named_zones();
  return kZones;
}

struct Checked {
  rules::CompiledRule compiled;
  std::string text;
  bool errors = false;
};

Result<Checked> check_file(const Context& context, const std::string& path,
                           const SchemaPtr& schema) {
  Checked out;
  DW_TRY(auto text, read_file(path));
  out.text = std::move(text);
  out.compiled = rules::compile(out.text, {zones(), schema});
  for (const auto& diagnostic : out.compiled.diagnostics) {
    if (diagnostic.severity == rules::Severity::kError) out.errors = true;
    print_diagnostic(context, diagnostic, path, out.text);
  }
  return out;
}

// What `check` and `test` are given.
struct Files {
  std::vector<std::string> paths;
  std::string schema;
};

Result<void> check_files(Context& context, const Files& files) {
  const auto& paths = files.paths;
  DW_TRY(const auto schema, schema_in(context, files.schema));
  std::size_t bad = 0;
  for (const auto& path : paths) {
    DW_TRY(auto checked, check_file(context, path, schema));
    if (checked.errors) ++bad;
    if (context.json) {
      context.print_object({{"file", Value{path}}, {"sound", Value{!checked.errors}}});
    } else if (!checked.errors) {
      context.print_line(path + ": sound");
    }
  }
  if (bad > 0)
    return Error{Code::kRefused, std::to_string(bad) + " of " + std::to_string(paths.size()) +
                                     " files have errors"};
  return ok();
}

Result<void> test_files(Context& context, const Files& files) {
  DW_TRY(const auto schema, schema_in(context, files.schema));
  std::int64_t passed = 0, failed = 0;
  for (const auto& path : files.paths) {
    DW_TRY(auto checked, check_file(context, path, schema));
    if (checked.errors) {
      ++failed;
      continue;
    }
    for (const auto& result : daemon::test_rule(checked.compiled)) {
      ++(result.passed ? passed : failed);
      if (context.json) {
        context.print_object({{"file", Value{path}},
                              {"line", Value{std::int64_t{result.at.line}}},
                              {"test", Value{result.name}},
                              {"passed", Value{result.passed}},
                              {"report", Value{result.passed ? "" : result.report}}});
      } else if (!result.passed) {
        std::cout << path << ":" << result.at.line << ": failed: " << result.report << '\n';
      }
    }
  }
  context.print_line(std::to_string(passed) + " passed, " + std::to_string(failed) + " failed");
  if (failed > 0) return Error{Code::kRefused, std::to_string(failed) + " tests failed"};
  return ok();
}

daemon::Act act_of(const Context& context, std::string_view what, const std::string& rule) {
  return {"user/cli", std::string{what} + "-" + rule + "-" + to_text(context.now())};
}

// Whether the server, with its schemas, finds nothing wrong with a text and its tests pass.
Result<void> passes_there(const Context& context, const std::string& path,
                          const std::string& text) {
  DW_TRY(const auto told, context.remote()->post("/v1/rules/test", "application/yaml", text));
  const auto* map = told.as_map();
  const auto* passed = map == nullptr ? nullptr : find(*map, "passed");
  if (passed != nullptr && passed->as_bool() != nullptr && *passed->as_bool()) return ok();
  return Error{Code::kRefused, path +
                                   " has errors, or a test of its own fails: dealwright rule "
                                   "test " +
                                   path + "; nothing was published"};
}

// Each file becomes the rule's draft, and the draft is put in force; none if one is not sound.
Result<void> publish_there(const Context& context, const std::vector<std::string>& paths) {
  std::vector<std::pair<std::string, std::string>> files;  // rule, text
  for (const auto& path : paths) {
    DW_TRY(auto text, read_file(path));
    auto rule = rules::compile(text).rule;
    if (rule.empty()) return Error{Code::kRefused, path + " names no rule"};
    DW_TRY(passes_there(context, path, text));
    files.emplace_back(std::move(rule), std::move(text));
  }
  for (const auto& [rule, text] : files) {
    const auto at = "/v1/rules/" + escaped(rule);
    const auto known = context.remote()->get(at);
    if (!known && known.error().code != Code::kNotFound) return known.error();
    DW_TRY(context.remote()->put(at, "application/yaml", text, known ? "*" : ""));
    auto done = context.remote()->post(at + "/publish");
    if (!done) return Error{done.error().code, rule + ": " + done.error().detail};
    DW_TRY(context.print_value(done));
  }
  return ok();
}

Result<void> publish(Context& context, const std::vector<std::string>& paths) {
  if (context.remote() != nullptr) return publish_there(context, paths);
  DW_TRY(auto workspace, context.open());
  DW_TRY(const auto schemas, daemon::schemas_in_force(*workspace));
  auto schema = schemas.share_current();
  if (schema == nullptr) schema = std::make_shared<Schema>();  // nothing is declared
  std::vector<Checked> files;
  for (const auto& path : paths) {
    DW_TRY(auto checked, check_file(context, path, schema));
    if (checked.errors) return Error{Code::kRefused, path + " has errors; nothing was published"};
    for (const auto& result : daemon::test_rule(checked.compiled)) {
      if (!result.passed)
        return Error{Code::kRefused,
                     path + ": a test of its own fails; nothing was published\n" + result.report};
    }
    files.push_back(std::move(checked));
  }
  for (const auto& file : files) {
    const auto& rule = file.compiled.rule;
    DW_TRY(const auto done, daemon::publish_rule(*workspace, file.compiled, file.text,
                                                 act_of(context, "rule.published", rule)));
    context.print_object(
        {{"rule", Value{rule}},
         {"version", Value{std::int64_t{done.version}}},
         {"published", Value{done.unchanged ? "unchanged" : "in force for later events"}}});
  }
  return workspace->stop();
}

Result<void> switch_rule(Context& context, const std::string& rule, TypeId type) {
  if (const auto* remote = context.remote()) {
    const auto* verb = type == TypeId::kRulePaused    ? "/pause"
                       : type == TypeId::kRuleRetired ? "/retire"
                                                      : "/resume";
    return context.print_value(remote->post("/v1/rules/" + escaped(rule) + verb));
  }
  DW_TRY(auto workspace, context.open());
  DW_TRY(const bool changed,
         daemon::switch_rule(*workspace, rule, type, act_of(context, spec_of(type).name, rule)));
  context.print_object({{"rule", Value{rule}},
                        {"status", Value{daemon::status_after(type)}},
                        {"changed", Value{changed}}});
  return workspace->stop();
}

Result<void> show_rule(Context& context, const std::string& rule, std::uint32_t version) {
  if (const auto* remote = context.remote()) {
    return version == 0 ? context.print_value(remote->get("/v1/rules/" + escaped(rule)))
                        : context.print_rows("/v1/rules/" + escaped(rule) + "/versions");
  }
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  DW_TRY(auto known, daemon::published_rules(*workspace));
  DW_TRY(auto found, daemon::newest_rule(known, rule));
  if (version > 0) {
    const auto it = std::find_if(known.begin(), known.end(), [&](const PublishedRule& r) {
      return r.rule == rule && r.version == version;
    });
    if (it == known.end())
      return Error{Code::kNotFound,
                   "rule '" + rule + "' has no version " + std::to_string(version)};
    found = *it;
  }
  const auto status = found.status.empty() ? "replaced" : found.status;
  if (context.json) {
    context.print_object({{"rule", Value{rule}},
                          {"version", Value{std::int64_t{found.version}}},
                          {"status", Value{status}},
                          {"text", Value{found.text}}});
  } else {
    std::cout << "# " << rule << ", version " << found.version << ", " << status << '\n'
              << found.text << (found.text.ends_with('\n') ? "" : "\n");
  }
  return workspace->stop();
}

Result<void> list_rules(Context& context) {
  if (context.remote() != nullptr) return context.print_rows("/v1/rules");
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  DW_TRY(auto known, daemon::published_rules(*workspace));
  ViewRows rows;
  rows.columns = {{"rule", "text"}, {"version", "int"}, {"status", "text"}, {"name", "text"}};
  for (const auto& rule : known) {
    if (rule.status.empty()) continue;  // an older version
    rows.rows.push_back({Value{rule.rule}, Value{std::int64_t{rule.version}}, Value{rule.status},
                         Value{daemon::rule_name(rule.text)}});
  }
  context.print(rows);
  return workspace->stop();
}

}  // namespace

void add_rule_commands(CLI::App& app, Context& context) {
  auto* rule = noun(app, "rule", "What ops write: rule files and those in force");
  auto checks = std::make_shared<Files>();
  auto* check = verb(*rule, context, "check",
                     "Everything that is wrong with rule files, with where and how to mend it",
                     "dealwright rule check deploy/rules/offer-silence.rule.yaml",
                     [&context, checks] { return check_files(context, *checks); });
  const char* schema_help = "the schema file that declares custom fields, or its folder";
  check->add_option("files", checks->paths, "*.rule.yaml")->required();
  check->add_option("--schema", checks->schema, schema_help);
  auto tests = std::make_shared<Files>();
  auto* test =
      verb(*rule, context, "test", "Run the tests that stand in rule files, on a virtual clock",
           "dealwright rule test deploy/rules/offer-silence.rule.yaml",
           [&context, tests] { return test_files(context, *tests); });
  test->add_option("files", tests->paths, "*.rule.yaml")->required();
  test->add_option("--schema", tests->schema, schema_help);
  auto files = std::make_shared<std::vector<std::string>>();
  verb(*rule, context, "publish", "Check, test and put in force for later events",
       "dealwright rule publish deploy/rules/offer-silence.rule.yaml",
       [&context, files] { return publish(context, *files); })
      ->add_option("files", *files, "*.rule.yaml")
      ->required();
  verb(*rule, context, "list", "Rules in force", "dealwright rule list",
       [&context] { return list_rules(context); });
  auto shown = std::make_shared<std::string>();
  auto version = std::make_shared<std::uint32_t>(0);
  auto* show = verb(*rule, context, "show", "The text of a rule, as it was published",
                    "dealwright rule show offer-silence",
                    [&context, shown, version] { return show_rule(context, *shown, *version); });
  show->add_option("rule", *shown, "its id")->required();
  show->add_option("--version", *version, "an older one; the newest if left out");
  struct Switch {
    const char* name;
    const char* text;
    const char* example;
    TypeId type;
  };
  for (const auto& s :
       {Switch{"pause", "Triggers are refused until it is resumed",
               "dealwright rule pause offer-silence", TypeId::kRulePaused},
        Switch{"resume", "Go on", "dealwright rule resume offer-silence", TypeId::kRuleResumed},
        Switch{"retire", "End it for ever; its enrolments exit",
               "dealwright rule retire offer-silence", TypeId::kRuleRetired}}) {
    auto id = std::make_shared<std::string>();
    verb(*rule, context, s.name, s.text, s.example,
         [&context, id, type = s.type] { return switch_rule(context, *id, type); })
        ->add_option("rule", *id, "its id")
        ->required();
  }
}

}  // namespace dealwright::cli
