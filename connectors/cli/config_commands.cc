// config check, print.
#include <CLI/CLI.hpp>

#include "connectors/cli/context.h"
#include "connectors/daemon/channels.h"
#include "connectors/hooks/hook.h"
#include "connectors/os/posix_file_system.h"

namespace dealwright::cli {
namespace {

// Values, and the files that they name: keys of mails, endpoints.yaml and hooks with their secrets.
Result<void> check_all(Context& context, const daemon::ConfigReader& reader,
                       const std::string& name) {
  const auto files = os::make_posix_file_system();
  if (auto sound = daemon::check_channels(reader.config(), *files); !sound)
    return refused(sound.error());
  if (const auto& ops = reader.config().ops; !ops.empty()) {
    const auto folder = ops + "/hooks";
    auto hooks = hooks::HookSet::load(folder, hooks::secrets_from(folder));
    if (!hooks) return refused(hooks.error());
  }
  std::int64_t set = 0;
  for (const auto& value : reader.values()) set += value.from == "default" ? 0 : 1;
  context.print_object({{"file", Value{name}}, {"sound", Value{true}}, {"keys_set", Value{set}}});
  return ok();
}

Result<void> check_file(Context& context, const std::string& path) {
  DW_TRY(auto text, read_file(path));
  daemon::ConfigReader reader;
  if (auto taken = reader.take_file(text, path); !taken) return refused(taken.error());
  return check_all(context, reader, path);
}

// What a server would be started with: file, variables, flags.
Result<void> check_in_force(Context& context) {
  if (auto configured = context.configure(); !configured) return refused(configured.error());
  return check_all(context, context.config_reader(), "what is in force");
}

Result<void> print_config(Context& context) {
  ViewRows rows;
  rows.columns = {{"key", "text"}, {"value", "text"}, {"from", "text"}, {"limits", "text"}};
  for (const auto& value : context.config_values()) {
    const auto flag = value.from == "flag" ? daemon::flag_name(*value.key) : value.from;
    rows.rows.push_back({Value{value.key->name}, Value{value.text}, Value{flag},
                         Value{daemon::limits_text(*value.key)}});
  }
  context.print(rows);
  return ok();
}

}  // namespace

void add_config_commands(CLI::App& app, Context& context) {
  auto* config = noun(app, "config", "Settings: a file, then DEALWRIGHT_* variables, then flags");
  auto path = std::make_shared<std::string>();
  auto* check = verb(
      *config, context, "check",
      "All that is wrong with a file of settings, or with those in force, and with what they name",
      "dealwright config check docs/examples/dealwright.yaml", [&context, path] {
        return path->empty() ? check_in_force(context) : check_file(context, *path);
      });
  check->add_option("file", *path, "a YAML file; without: what a server would start with here");
  check->preparse_callback([&context](std::size_t) { context.needs_config = false; });
  verb(*config, context, "print", "Every setting that is in force, and who said so",
       "dealwright config print --state-memory '256 MiB'",
       [&context] { return print_config(context); });
}

}  // namespace dealwright::cli
