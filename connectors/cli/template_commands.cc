// template check, publish, list, show, preview, retire.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "connectors/cli/schema_commands.h"
#include "connectors/daemon/rule_book.h"
#include "connectors/daemon/template_book.h"
#include "connectors/daemon/zones.h"
#include "rules/mail/renderer.h"

namespace dealwright::cli {
namespace {

namespace fs = std::filesystem;
namespace mail = rules::mail;

constexpr std::string_view kEnding = ".liquid";

Result<std::string> id_of(const std::string& path) {
  auto name = fs::path{path}.filename().string();
  if (name.ends_with(kEnding)) name.resize(name.size() - kEnding.size());
  if (mail::is_template_id(name)) return name;
  return Error{Code::kInvalid, path +
                                   ": a template's file is called NAME.liquid or "
                                   "NAME.LANGUAGE.liquid, NAME of small letters, digits and -"};
}

struct Checked {
  std::string id;
  std::string text;
  std::shared_ptr<const mail::Mail> mail;
  bool sound = false;
};

// Templates that samples may stand in, by id.
using Texts = std::map<std::string, std::string>;

// The files beside this one.
void add_siblings(const std::string& path, Texts& out) {
  std::error_code ec;
  const auto folder = fs::path{path}.parent_path();
  for (const auto& entry : fs::directory_iterator{folder.empty() ? "." : folder, ec}) {
    const auto other = entry.path().string();
    if (!other.ends_with(kEnding)) continue;
    const auto id = id_of(other);
    if (!id) continue;
    if (auto text = read_file(other)) out.try_emplace(id.value(), std::move(text.value()));
  }
}

Result<Checked> check_file(const Context& context, const std::string& path, const SchemaPtr& schema,
                           const Texts& layouts) {
  Checked out;
  DW_TRY(auto id, id_of(path));
  DW_TRY(auto text, read_file(path));
  out.id = std::move(id);
  out.text = std::move(text);
  auto compiled = mail::compile(out.text, {schema.get()});
  out.mail = compiled.mail;
  auto diagnostics = std::move(compiled.diagnostics);
  if (out.mail != nullptr) {
    const auto zones = daemon::named_zones();
    for (auto& wrong : mail::check_samples(*out.mail, out.id, layouts, {}, zones, schema))
      diagnostics.push_back(std::move(wrong));
  }
  out.sound = out.mail != nullptr;
  for (const auto& diagnostic : diagnostics) {
    if (diagnostic.severity == rules::Severity::kError) out.sound = false;
    print_diagnostic(context, diagnostic, path, out.text);
  }
  return out;
}

struct Files {
  std::vector<std::string> paths;
  std::string schema;
};

Result<void> check(Context& context, const Files& files) {
  DW_TRY(const auto schema, schema_in(context, files.schema));
  std::size_t bad = 0;
  for (const auto& path : files.paths) {
    Texts layouts;
    add_siblings(path, layouts);
    DW_TRY(const auto checked, check_file(context, path, schema, layouts));
    if (!checked.sound) ++bad;
    if (context.json) {
      context.print_object({{"file", Value{path}}, {"sound", Value{checked.sound}}});
    } else if (checked.sound) {
      context.print_line(path + ": sound");
    }
  }
  if (bad == 0) return ok();
  return Error{Code::kRefused, std::to_string(bad) + " of " + std::to_string(files.paths.size()) +
                                   " files have errors"};
}

Event template_event(const Context& context, TypeId type, const std::string& id, bool event_clock) {
  Event event;
  event.source = "dealwright/ops";
  event.type = type;
  event.subject = {Kind::kTemplate, id};
  event.actor = "user/cli";
  if (!event_clock) event.time = context.now();
  event.id = std::string{spec_of(type).name} + "-" + id + "-" + to_text(context.now());
  event.data.set(Field::kAuthor, Value{"user/cli"});
  return event;
}

Result<void> publish(Context& context, const std::vector<std::string>& paths) {
  DW_TRY(auto workspace, context.open());
  DW_TRY(const auto schemas, daemon::schemas_in_force(*workspace));
  DW_TRY(const auto known, daemon::published_templates(*workspace));
  auto schema = schemas.share_current();
  if (schema == nullptr) schema = std::make_shared<Schema>();  // nothing is declared
  Texts layouts;  // those given now beat those in force
  for (const auto& path : paths) {
    DW_TRY(auto id, id_of(path));
    DW_TRY(auto text, read_file(path));
    layouts[id] = std::move(text);
  }
  for (const auto& one : known) {
    if (!one.retired) layouts.try_emplace(one.id, one.text);
  }
  std::vector<Checked> files;
  for (const auto& path : paths) {
    DW_TRY(auto checked, check_file(context, path, schema, layouts));
    if (!checked.sound) return Error{Code::kRefused, path + " has errors; nothing was published"};
    const auto& layout = checked.mail->layout;
    if (!layout.empty() && !layouts.contains(layout))
      return Error{Code::kRefused, path + ": its layout '" + layout +
                                       "' is not published; publish " + layout + ".liquid with it"};
    files.push_back(std::move(checked));
  }
  std::vector<Event> events;
  for (const auto& file : files) {
    const auto* before = daemon::find_template(known, file.id);
    const bool same = before != nullptr && !before->retired && before->text == file.text;
    const auto version = before == nullptr ? 1 : before->version + (same ? 0 : 1);
    if (!same) {
      auto event =
          template_event(context, TypeId::kTemplatePublished, file.id, workspace->event_clock());
      event.data.set(Field::kText, Value{file.text});
      event.data.set(Field::kVersion, Value{version});
      events.push_back(std::move(event));
    }
    context.print_object({{"template", Value{file.id}},
                          {"version", Value{version}},
                          {"published", Value{same ? "unchanged" : "in force for later mails"}}});
  }
  if (!events.empty()) {
    DW_TRY(workspace->append(events));
    DW_TRY(workspace->engine().wait_idle());
  }
  return workspace->stop();
}

void print_text(std::string_view text) { std::cout << text << (text.ends_with('\n') ? "" : "\n"); }

Result<void> list(Context& context) {
  if (context.remote() != nullptr) return context.print_rows("/v1/templates");
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  DW_TRY(const auto known, daemon::published_templates(*workspace));
  ViewRows rows;
  rows.columns = {{"template", "text"}, {"version", "int"}, {"status", "text"}, {"bytes", "int"}};
  for (const auto& one : known) {
    rows.rows.push_back({Value{one.id}, Value{one.version},
                         Value{one.retired ? "retired" : "published"},
                         Value{static_cast<std::int64_t>(one.text.size())}});
  }
  context.print(rows);
  return workspace->stop();
}

Result<void> show(Context& context, const std::string& id) {
  if (const auto* remote = context.remote()) {
    const auto there = remote->get("/v1/templates/" + escaped(id));
    if (context.json || !there) return context.print_value(there);
    const auto* map = there.value().as_map();
    const auto* text = map == nullptr ? nullptr : dealwright::find(*map, "text");
    if (text != nullptr) print_text(text->text_or_empty());
    return ok();
  }
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  DW_TRY(const auto known, daemon::published_templates(*workspace));
  const auto* found = daemon::find_template(known, id);
  if (found == nullptr) return daemon::unknown_template(known, id);
  if (context.json) {
    context.print_object({{"template", Value{id}},
                          {"version", Value{found->version}},
                          {"status", Value{found->retired ? "retired" : "published"}},
                          {"text", Value{found->text}}});
  } else {
    print_text(found->text);
  }
  return workspace->stop();
}

Result<void> retire(Context& context, const std::string& id) {
  DW_TRY(auto workspace, context.open());
  DW_TRY(const auto known, daemon::published_templates(*workspace));
  const auto* found = daemon::find_template(known, id);
  if (found == nullptr) return daemon::unknown_template(known, id);
  const bool changed = !found->retired;
  if (changed) {
    DW_TRY(workspace->append(
        {template_event(context, TypeId::kTemplateRetired, id, workspace->event_clock())}));
    DW_TRY(workspace->engine().wait_idle());
  }
  context.print_object(
      {{"template", Value{id}}, {"status", Value{"retired"}}, {"changed", Value{changed}}});
  return workspace->stop();
}

struct PreviewOptions {
  std::string name, record, to, language, purpose = "marketing", part;
};

Result<Map> content_there(const Context& context, const PreviewOptions& options) {
  DW_TRY(const auto value,
         context.remote()->post(with_query("/v1/templates/" + escaped(options.name) + "/preview",
                                           {{"record", options.record},
                                            {"to", options.to},
                                            {"language", options.language},
                                            {"purpose", options.purpose}})));
  if (const auto* map = value.as_map()) return *map;
  return Error{Code::kIo, "the server answered no object"};
}

Result<Map> content_here(const Context& context, const PreviewOptions& options) {
  const auto about = parse_record_key(options.record);
  if (about.kind == Kind::kForeign)
    return Error{Code::kInvalid, "'" + options.record + "' names no record; write such as deal/d1"};
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  daemon::PreviewAsked asked{options.name, about, {}, options.language, options.purpose};
  if (!options.to.empty()) asked.to = parse_record_key(options.to);
  DW_TRY(auto content, daemon::preview_template(*workspace, asked, context.now()));
  DW_TRY(workspace->stop());
  return content;
}

Result<void> preview(Context& context, const PreviewOptions& options) {
  DW_TRY(const auto content, context.remote() != nullptr ? content_there(context, options)
                                                         : content_here(context, options));
  if (context.json) {
    context.print_object(content);
    return ok();
  }
  const auto value = [&](std::string_view key) {
    const auto it = std::find_if(content.begin(), content.end(),
                                 [&](const auto& entry) { return entry.first == key; });
    return it == content.end() ? std::string_view{} : it->second.text_or_empty();
  };
  if (!options.part.empty()) {
    std::cout << value(options.part) << '\n';
    return ok();
  }
  for (const auto* key : {"to", "from", "reply_to", "subject", "unsubscribe_url"}) {
    if (!value(key).empty()) std::cout << key << ": " << value(key) << '\n';
  }
  std::cout << '\n' << value("text");
  return ok();
}

void add_files(CLI::App& verb, std::vector<std::string>& paths) {
  verb.add_option("files", paths, "NAME.liquid, NAME.LANGUAGE.liquid")->required();
}

}  // namespace

void add_template_commands(CLI::App& app, Context& context) {
  auto* mails = noun(app, "template", "Mails: template files and those in force");
  auto checks = std::make_shared<Files>();
  auto* check_verb = verb(*mails, context, "check",
                          "Everything that is wrong with template files, their samples too",
                          "dealwright template check deploy/templates/offer-nudge.liquid",
                          [&context, checks] { return check(context, *checks); });
  add_files(*check_verb, checks->paths);
  check_verb->add_option("--schema", checks->schema,
                         "the schema file that declares custom fields, or its folder");
  auto files = std::make_shared<std::vector<std::string>>();
  add_files(*verb(*mails, context, "publish", "Check and put in force for later mails",
                  "dealwright template publish deploy/templates/*.liquid",
                  [&context, files] { return publish(context, *files); }),
            *files);
  verb(*mails, context, "list", "Templates in force", "dealwright template list",
       [&context] { return list(context); });
  auto shown = std::make_shared<std::string>();
  verb(*mails, context, "show", "The text of a template, as it was published",
       "dealwright template show offer-nudge", [&context, shown] { return show(context, *shown); })
      ->add_option("template", *shown, "NAME or NAME.LANGUAGE")
      ->required();
  auto options = std::make_shared<PreviewOptions>();
  auto* preview_verb =
      verb(*mails, context, "preview", "The mail about a record, as it would be sent now",
           "dealwright template preview offer-nudge --record offer/o1",
           [&context, options] { return preview(context, *options); });
  preview_verb->add_option("template", options->name, "NAME")->required();
  preview_verb->add_option("--record", options->record, "what it is about")->required();
  preview_verb->add_option("--to", options->to, "whom it goes to; else the record's contact");
  preview_verb->add_option("--language", options->language, "else the recipient's");
  preview_verb->add_option("--purpose", options->purpose, "as the rule names it");
  preview_verb->add_option("--part", options->part, "nothing but subject, text or html")
      ->check(CLI::IsMember({"subject", "text", "html"}));
  auto retired = std::make_shared<std::string>();
  verb(*mails, context, "retire", "No mail is written from it any more",
       "dealwright template retire offer-nudge",
       [&context, retired] { return retire(context, *retired); })
      ->add_option("template", *retired, "NAME or NAME.LANGUAGE")
      ->required();
}

}  // namespace dealwright::cli
