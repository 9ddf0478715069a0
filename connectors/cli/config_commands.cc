// config check, print.
#include <CLI/CLI.hpp>

#include "connectors/cli/context.h"

namespace dealwright::cli {
namespace {

Result<void> check_file(Context& context, const std::string& path) {
  DW_TRY(auto text, read_file(path));
  daemon::ConfigReader reader;
  if (auto taken = reader.take_file(text, path); !taken) return refused(taken.error());
  std::int64_t set = 0;
  for (const auto& value : reader.values()) set += value.from == "default" ? 0 : 1;
  context.print_object({{"file", Value{path}}, {"sound", Value{true}}, {"keys_set", Value{set}}});
  return ok();
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
  auto* check = verb(*config, context, "check", "All that is wrong with a file of settings",
                     "dealwright config check docs/examples/dealwright.yaml",
                     [&context, path] { return check_file(context, *path); });
  check->add_option("file", *path, "a YAML file")->required();
  check->preparse_callback([&context](std::size_t) { context.needs_config = false; });
  verb(*config, context, "print", "Every setting that is in force, and who said so",
       "dealwright config print --state-memory '256 MiB'",
       [&context] { return print_config(context); });
}

}  // namespace dealwright::cli
