// schema check, publish, show.
#include "connectors/cli/schema_commands.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "connectors/daemon/rule_book.h"
#include "connectors/daemon/tables.h"
#include "rules/compile.h"
#include "rules/file/schema_file.h"

namespace dealwright::cli {
namespace {

Result<std::string> schema_path(const std::string& path) {
  std::error_code ec;
  if (!std::filesystem::is_directory(path, ec)) return path;
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator{path, ec}) {
    auto name = entry.path().string();
    if (name.ends_with(".schema.yaml")) found.push_back(std::move(name));
  }
  if (found.size() == 1) return found.front();
  return Error{Code::kInvalid, path + " holds " + std::to_string(found.size()) +
                                   " files *.schema.yaml; a workspace has one: name the file"};
}

struct Checked {
  std::string path;
  std::string text;
  rules::SchemaFile file;
};

Result<Checked> check_file(const Context& context, const std::string& path,
                           const Schemas* in_force) {
  Checked out;
  DW_TRY(out.path, schema_path(path));
  DW_TRY(out.text, read_file(out.path));
  out.file = rules::read_schema_file(out.text, in_force);
  for (const auto& diagnostic : out.file.diagnostics) {
    print_diagnostic(context, diagnostic, out.path, out.text);
  }
  return out;
}

Result<void> check(const Context& context, const std::string& path) {
  DW_TRY(auto checked, check_file(context, path, nullptr));
  const bool sound = checked.file.schema != nullptr;
  if (context.json) {
    context.print_object({{"file", Value{checked.path}}, {"sound", Value{sound}}});
  } else if (sound) {
    context.print_line(checked.path + ": sound");
  }
  if (!sound) return Error{Code::kRefused, checked.path + " has errors"};
  return ok();
}

Event schema_event(const Context& context, Fields data, std::size_t version, bool event_clock) {
  Event event;
  event.source = "dealwright/ops";
  event.type = TypeId::kSchemaUpdated;
  event.subject = {Kind::kWorkspace, "default"};
  event.actor = "user/cli";
  if (!event_clock) event.time = context.now();
  event.id = "schema.updated-" + to_text(context.now());
  event.data = std::move(data);
  event.data.set(Field::kAuthor, Value{"user/cli"});
  event.data.set(Field::kVersion, Value{static_cast<std::int64_t>(version)});
  return event;
}

// Rules in force that read what the schema does not declare (any more): they go on, and find what
// records hold; new values come in as `extra`.
Result<void> warn_of_rules(const Context& context, daemon::Workspace& workspace,
                           const SchemaPtr& schema) {
  DW_TRY(auto published, daemon::published_rules(workspace));
  for (const auto& rule : published) {
    if (rule.status.empty() || rule.status == "retired") continue;
    const auto compiled = rules::compile(rule.text, {{}, schema});
    for (auto diagnostic : compiled.diagnostics) {
      if (diagnostic.severity != rules::Severity::kError) continue;
      diagnostic.severity = rules::Severity::kWarning;
      print_diagnostic(context, diagnostic, rule.rule + ".rule.yaml", rule.text);
    }
  }
  return ok();
}

Result<void> publish(Context& context, const std::string& path) {
  DW_TRY(auto workspace, context.open());
  DW_TRY(const auto before, daemon::schemas_in_force(*workspace));
  DW_TRY(auto checked, check_file(context, path, &before));
  if (checked.file.schema == nullptr) {
    return Error{Code::kRefused, checked.path + " has errors; nothing was published"};
  }
  const auto* current = before.current();
  const bool same = current != nullptr && current->text == checked.text;
  if (!same) {
    DW_TRY(warn_of_rules(context, *workspace, checked.file.schema));
    DW_TRY(workspace->append({schema_event(context, checked.file.data, before.revision() + 1,
                                           workspace->event_clock())}));
    DW_TRY(workspace->engine().wait_idle());
    DW_TRY(const auto after, daemon::schemas_in_force(*workspace));
    if (after.revision() == before.revision()) {
      return Error{Code::kConflict,
                   "another schema came in between; nothing was published: try again"};
    }
  }
  const auto revision = static_cast<std::int64_t>(before.revision() + (same ? 0 : 1));
  context.print_object({{"schema", Value{hex(checked.file.schema->id)}},
                        {"revision", Value{revision}},
                        {"published", Value{same ? "unchanged" : "in force for later events"}}});
  return workspace->stop();
}

Result<Value> found(Context& context, std::size_t revision) {
  if (const auto* remote = context.remote()) {
    const auto asked = revision == 0 ? std::string{} : std::to_string(revision);
    return remote->get(with_query("/v1/schemas/workspace", {{"revision", asked}}));
  }
  DW_TRY(auto workspace, context.open());
  DW_TRY(auto out, daemon::describe_schema(*workspace, revision));
  DW_TRY(workspace->stop());
  return Value{std::move(out)};
}

Result<void> show(Context& context, std::size_t revision) {
  DW_TRY(const auto schema, found(context, revision));
  const auto member = [&](const char* name) {
    const auto* value = schema.as_map() == nullptr ? nullptr : find(*schema.as_map(), name);
    return value == nullptr ? Value{} : *value;
  };
  if (context.json) {
    context.print_object(
        {{"schema", member("schema")}, {"revision", member("revision")}, {"text", member("text")}});
    return ok();
  }
  const std::string text{member("text").text_or_empty()};
  std::cout << "# revision " << to_json(member("revision")) << " of "
            << to_json(member("revisions")) << ", " << member("schema").text_or_empty() << '\n'
            << text << (text.ends_with('\n') ? "" : "\n");
  return ok();
}

}  // namespace

void print_diagnostic(const Context& context, const rules::Diagnostic& diagnostic,
                      const std::string& path, const std::string& text) {
  if (context.json) {
    context.print_object({{"file", Value{path}},
                          {"line", Value{std::int64_t{diagnostic.at.line}}},
                          {"column", Value{std::int64_t{diagnostic.at.column}}},
                          {"severity", Value{rules::severity_name(diagnostic.severity)}},
                          {"code", Value{"DW" + std::to_string(diagnostic.code)}},
                          {"message", Value{diagnostic.message}},
                          {"hint", Value{diagnostic.hint}}});
  } else {
    std::cout << rules::render(diagnostic, path, text);
  }
}

Result<SchemaPtr> schema_in(const Context& context, const std::string& path) {
  if (path.empty()) return SchemaPtr{std::make_shared<Schema>()};
  DW_TRY(auto checked, check_file(context, path, nullptr));
  if (checked.file.schema == nullptr) return Error{Code::kRefused, checked.path + " has errors"};
  return checked.file.schema;
}

void add_schema_commands(CLI::App& app, Context& context) {
  auto* schema = noun(app, "schema", "Fields of your own and purposes of consent");
  auto checked = std::make_shared<std::string>();
  verb(*schema, context, "check", "Everything that is wrong with a schema file",
       "dealwright schema check deploy/schema/custom.schema.yaml",
       [&context, checked] { return check(context, *checked); })
      ->add_option("file", *checked, "*.schema.yaml, or a folder with one")
      ->required();
  auto published = std::make_shared<std::string>();
  verb(*schema, context, "publish", "Check and put in force for later events",
       "dealwright schema publish deploy/schema/custom.schema.yaml",
       [&context, published] { return publish(context, *published); })
      ->add_option("file", *published, "*.schema.yaml, or a folder with one")
      ->required();
  auto revision = std::make_shared<std::size_t>(0);
  verb(*schema, context, "show", "The schema in force, as it was published",
       "dealwright schema show", [&context, revision] { return show(context, *revision); })
      ->add_option("--revision", *revision, "an older one; the newest if left out");
}

}  // namespace dealwright::cli
