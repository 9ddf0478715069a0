#include "connectors/cli/context.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "connectors/os/system_clock.h"

namespace dealwright::cli {

Result<std::unique_ptr<daemon::Workspace>> Context::open(bool lead) const {
  daemon::WorkspaceOptions options;
  options.path = data;
  options.lead = lead;
  options.clock_witness = trust_clock;
  DW_TRY(auto workspace, daemon::Workspace::open(std::move(options)));
  DW_TRY(workspace->engine().wait_idle());
  return workspace;
}

Instant Context::now() const { return os::make_system_clock()->wall(); }

namespace {

std::string cell_text(const Value& value) {
  if (value.null() || value.absent()) return "-";
  if (const auto* text = value.as_text()) return *text;
  if (const auto* at = value.as_instant()) return to_short_text(*at);
  if (const auto* money = value.as_money()) return to_text(*money);
  return to_json(value);
}

// Columns wide enough; code points, not bytes.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

void Context::print(const ViewRows& rows) const {
  if (json) {
    for (const auto& row : rows.rows) {
      std::string line = "{";
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (i > 0) line += ',';
        append_json_string(line, rows.columns[i].name);
        line += ':';
        append_json(line, row[i]);
      }
      std::cout << line << "}\n";
    }
    return;
  }
  std::vector<std::size_t> widths;
  for (const auto& column : rows.columns) widths.push_back(width_of(column.name));
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : rows.rows) {
    auto& line = cells.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      line.push_back(cell_text(row[i]));
      widths[i] = std::max(widths[i], width_of(line.back()));
    }
  }
  const auto put = [&](std::size_t column, const std::string& text, bool right) {
    const std::string pad(widths[column] - width_of(text), ' ');
    std::cout << (column > 0 ? "  " : "") << (right ? pad + text : text);
    if (!right && column + 1 < widths.size()) std::cout << pad;
  };
  const auto right = [&](std::size_t column) {
    const auto& type = rows.columns[column].type;
    return type == "int" || type == "rate" || type == "money";
  };
  for (std::size_t i = 0; i < rows.columns.size(); ++i) put(i, rows.columns[i].name, right(i));
  std::cout << '\n';
  for (const auto& line : cells) {
    for (std::size_t i = 0; i < line.size(); ++i) put(i, line[i], right(i));
    std::cout << '\n';
  }
  if (cells.empty()) std::cout << "(nothing)\n";
}

void Context::print_line(std::string_view text) const {
  if (!json) std::cout << text << '\n';
}

void Context::print_object(const Map& object) const {
  if (json) {
    std::cout << to_json(Value{object}) << '\n';
    return;
  }
  for (const auto& [name, value] : object) std::cout << name << ": " << cell_text(value) << '\n';
}

void Context::print_error(const Error& error) const {
  std::cout.flush();
  if (json) {
    std::cerr << to_json(Value{
                     Map{{"code", Value{code_name(error.code)}}, {"detail", Value{error.detail}}}})
              << '\n';
  } else {
    std::cerr << "dealwright: " << error.detail << '\n';
  }
}

void Context::progress(std::string_view text) const {
  if (json || ::isatty(STDERR_FILENO) == 0) return;
  std::cerr << '\r' << text << "\x1b[K" << std::flush;
}
void Context::progress_done() const {
  if (json || ::isatty(STDERR_FILENO) == 0) return;
  std::cerr << "\r\x1b[K" << std::flush;
}

int exit_code_of(Code code) {
  switch (code) {
    case Code::kNotFound:
      return 3;
    case Code::kInvalid:
    case Code::kConflict:
    case Code::kRefused:
      return 4;
    case Code::kDamaged:
      return 6;
    default:
      return 1;
  }
}

void Context::finish(const Result<void>& result) {
  if (result) return;
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
  return out.str();
}

CLI::App* noun(CLI::App& app, const char* name, const char* description) {
  auto* out = app.add_subcommand(name, description);
  out->require_subcommand(1);
  return out;
}

CLI::App* verb(CLI::App& of, Context& context, const char* name, const char* description,
               const char* example, std::function<Result<void>()> run) {
  auto* out = of.add_subcommand(name, description);
  out->footer(std::string{"Example:\n  "} + example);
  out->fallthrough();
  out->callback([&context, run = std::move(run)] { context.finish(run()); });
  return out;
}

int run(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  CLI::App app{"Dealwright: an event-sourced sales automation engine", "dealwright"};
  app.require_subcommand(1);
  app.fallthrough();
  Context context;
  app.add_option("--data", context.data, "The data directory")->envname("DEALWRIGHT_DATA");
  app.add_flag("--json", context.json, "One JSON object, or a line each");
  app.add_flag("--trust-clock", context.trust_clock,
               "Vouch for this machine's clock after a pause of more than 7 days");
  add_data_commands(app, context);
  add_event_commands(app, context);
  add_record_commands(app, context);
  add_view_commands(app, context);
  add_rule_commands(app, context);
  add_ledger_commands(app, context);
  add_log_commands(app, context);
  add_import_commands(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::cout.flush();
  return context.exit_code;
}

}  // namespace dealwright::cli
