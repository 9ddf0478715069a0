#include "connectors/cli/context.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "connectors/cli/cli.h"
#include "connectors/os/system_clock.h"

extern char** environ;

namespace dealwright::cli {
namespace {

constexpr const char* kSettings =
    "Settings (also by file and environment; see docs/configuration.md)";
constexpr const char* kFileInData = "/dealwright.yaml";

std::vector<std::pair<std::string, std::string>> environment() {
  std::vector<std::pair<std::string, std::string>> out;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view entry{*at};
    const auto equals = entry.find('=');
    if (equals != std::string_view::npos)
      out.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return out;
}

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

Result<void> Context::configure() {
  auto file = config_file;
  if (const char* named = std::getenv(std::string{daemon::kConfigVariable}.c_str());
      file.empty() && named != nullptr) {
    file = named;
  }
  const auto variables = environment();
  const auto take_all = [&](daemon::ConfigReader& reader, const std::string& path,
                            bool in_data) -> Result<void> {
    if (!path.empty()) {
      DW_TRY(auto text, read_file(path));
      DW_TRY(reader.take_file(text, path, in_data));
    }
    DW_TRY(reader.take_environment(variables));
    for (const auto& [key, text] : config_flags) {
      DW_TRY(reader.take(key, text, "flag"));
    }
    return ok();
  };
  DW_TRY(take_all(reader_, file, false));
  if (const auto in_data = reader_.config().data + kFileInData; file.empty() && is_there(in_data)) {
    daemon::ConfigReader with_file;
    DW_TRY(take_all(with_file, in_data, true));
    reader_ = std::move(with_file);
  }
  config_ = reader_.config();
  if (config_.server.url.empty()) return ok();
  std::string key;
  if (const char* said = std::getenv(std::string{daemon::kKeyVariable}.c_str()); said != nullptr) {
    key = said;
  } else if (!config_.server.key_file.empty()) {
    DW_TRY(auto text, read_file(config_.server.key_file));
    key = text.substr(0, text.find_first_of("\r\n"));
  }
  auto url = config_.server.url;
  while (url.ends_with('/')) url.pop_back();
  remote_ = std::make_unique<Remote>(std::move(url), std::move(key), config_.server.ca_file);
  return ok();
}

Result<void> Context::needs_data(std::string_view what) const {
  if (remote_ == nullptr) return ok();
  return Error{Code::kRefused, std::string{what} +
                                   " works on the data directory itself: stop the "
                                   "server and leave --server away"};
}

Result<void> Context::print_rows(const std::string& path) const {
  DW_TRY(const auto rows, remote_->rows(path));
  print(rows);
  return ok();
}

Result<void> Context::print_pages(const std::string& path, std::size_t limit) const {
  bool more = false;
  DW_TRY(const auto rows, remote_->pages(path, limit, &more));
  print(rows);
  if (more) print_line("... more; see --limit");
  return ok();
}

Result<void> Context::print_value(const Result<Value>& value) const {
  if (!value) return value.error();
  if (const auto* map = value.value().as_map()) print_object(*map);
  return ok();
}

daemon::WorkspaceOptions Context::workspace_options() const {
  daemon::WorkspaceOptions options;
  options.path = data();
  options.clock_witness = config_.trust_clock;
  options.config = config_;
  return options;
}

Result<std::unique_ptr<daemon::Workspace>> Context::open(Stopped how) const {
  DW_TRY(needs_data("this command"));
  DW_TRY(auto workspace, daemon::Workspace::open(workspace_options()));
  auto idle = workspace->engine().wait_idle(how == Stopped::kLeftOut);
  if (how == Stopped::kLeftOut) {
    DW_TRY(workspace->leave_out_stopped());
  }
  if (idle || how == Stopped::kShown) return workspace;
  for (PartitionId id = 0; id < workspace->partitions(); ++id) {
    if (auto why = workspace->stopped(id)) return *why;
  }
  return idle.error();
}

Instant Context::now() const { return os::make_system_clock()->wall(); }

int exit_code_of(Code code) {
  switch (code) {
    case Code::kInvalid:
      return 2;
    case Code::kNotFound:
      return 3;
    case Code::kConflict:
    case Code::kRefused:
      return 4;
    case Code::kClosed:
      return 5;
    case Code::kDamaged:
      return 6;
    default:
      return 1;
  }
}

Error refused(Error error) {
  if (error.code == Code::kInvalid) error.code = Code::kRefused;
  return error;
}

void Context::finish(const Result<void>& result) {
  if (result) return;
  progress_done();
  print_error(result.error());
  exit_code = exit_code_of(result.error().code);
}

Result<std::string> read_file(const std::string& path) {
  std::ostringstream out;
  if (path == "-") {
    out << std::cin.rdbuf();
    return out.str();
  }
  std::ifstream in{path, std::ios::binary};
  if (!in) return Error{Code::kNotFound, "cannot read " + path};
  out << in.rdbuf();
  if (in.bad() || out.bad()) return Error{Code::kIo, "cannot read all of " + path};
  return out.str();
}

Result<daemon::Placed> parse_position(const std::string& text) {
  daemon::Placed out;
  const auto* end = text.data() + text.size();
  const auto [colon, bad] = std::from_chars(text.data(), end, out.partition);
  if (bad == std::errc{} && colon != end && *colon == ':') {
    const auto [last, wrong] = std::from_chars(colon + 1, end, out.position);
    if (wrong == std::errc{} && last == end) return out;
  }
  return Error{Code::kInvalid,
               "'" + text + "' is no position; write partition:position, such as 3:8112"};
}

std::string place_text(const daemon::Placed& place) {
  return std::to_string(place.partition) + ":" + std::to_string(place.position);
}

CLI::App* noun(CLI::App& app, const char* name, const char* description) {
  auto* out = app.add_subcommand(name, description);
  out->require_subcommand(1);
  out->fallthrough();
  return out;
}

CLI::App* verb(CLI::App& of, Context& context, const char* name, const char* description,
               const char* example, Job run) {
  auto* out = of.add_subcommand(name, description);
  out->footer(std::string{"Example:\n  "} + example);
  out->fallthrough();
  out->callback([&context, run = std::move(run)] { context.job = run; });
  return out;
}

namespace {

void add_settings(CLI::App& app, Context& context) {
  app.add_option("--config", context.config_file, "A YAML file of settings")->group(kSettings);
  for (const auto& key : daemon::config_keys()) {
    const auto name = std::string{key.name};
    const auto take = [&context, name](const std::string& text) {
      context.config_flags[name] = text;
    };
    CLI::Option* option = nullptr;
    if (key.type == daemon::ConfigKey::Type::kBool) {
      option = app.add_flag_callback(
          daemon::flag_name(key), [take] { take("true"); }, std::string{key.says});
    } else {
      option =
          app.add_option_function<std::string>(daemon::flag_name(key), take, std::string{key.says});
      using Type = daemon::ConfigKey::Type;
      const bool counts = key.type == Type::kBytes || key.type == Type::kCount;
      option->type_name(key.type == Type::kText ? "TEXT"
                        : counts                ? limits_text(key) + " " + std::string{key.unit}
                                                : limits_text(key));
      option->default_str(std::string{key.fallback});
    }
    option->group(name == "data" ? "Options" : kSettings);
  }
}

int usage_error(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv,
                Context& context) {
  for (int i = 1; i < argc; ++i)
    context.json = context.json || std::string_view{argv[i]} == "--json";
  std::string detail = error.what();
  if (const auto hint = usage_hint(app, argc, argv); !hint.empty()) detail += ". " + hint;
  if (!context.json) detail += "\nRun with --help for what there is.";
  context.print_error(Error{Code::kInvalid, detail});
  return 2;
}

}  // namespace

int run(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  CLI::App app{"Dealwright: an event-sourced sales automation engine", "dealwright"};
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "Exit: 0 done, 1 failed, 2 usage, 3 not found, 4 refused, 5 no server, 6 damage, 75 try "
      "again.\n"
      "Example:\n  dealwright init --data ./data");
  Context context;
  app.add_flag("--json", context.json, "One JSON object, or a line each; errors too, on stderr");
  add_settings(app, context);
  add_serve_commands(app, context);
  add_key_commands(app, context);
  add_workspace_commands(app, context);
  add_data_commands(app, context);
  add_event_commands(app, context);
  add_record_commands(app, context);
  add_view_commands(app, context);
  add_rule_commands(app, context);
  add_schema_commands(app, context);
  add_hook_commands(app, context);
  add_mail_commands(app, context);
  add_template_commands(app, context);
  add_ledger_commands(app, context);
  add_set_aside_commands(app, context);
  add_import_commands(app, context);
  add_log_commands(app, context);
  add_backup_commands(app, context);
  add_config_commands(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // a help
    return usage_error(app, error, argc, argv, context);
  }
  auto result = context.needs_config ? context.configure() : Result<void>{ok()};
  if (result && context.job) result = context.job();
  context.finish(result);
  std::cout.flush();
  if (!std::cout && context.exit_code == 0) {
    context.finish(Error{Code::kIo, "could not write all of the output"});
  }
  return context.exit_code;
}

}  // namespace dealwright::cli
