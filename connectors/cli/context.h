// What every command shares: where the data is, how to print, how to fail.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/daemon/workspace.h"
#include "engine/base/result.h"
#include "engine/ports/view.h"

namespace CLI {
class App;
}

namespace dealwright::cli {

// One run of the program.
class Context {
 public:
  std::string data = "dealwright-data";
  bool json = false;
  bool trust_clock = false;

  // Opens the data directory; the error says how to make one.
  Result<std::unique_ptr<daemon::Workspace>> open(bool lead = true) const;
  Instant now() const;

  // Prints rows: a table for people, an object a line with --json.
  void print(const ViewRows& rows) const;
  void print_line(std::string_view text) const;  // for people: nothing with --json
  void print_object(const Map& object) const;    // with --json one line; else "name: value" lines
  void print_error(const Error& error) const;    // stderr
  // A progress line on a terminal, nothing elsewhere.
  void progress(std::string_view text) const;
  void progress_done() const;

  // What a command's callback returns becomes the exit code.
  void finish(const Result<void>& result);
  int exit_code = 0;
};

int exit_code_of(Code code);
Result<std::string> read_file(const std::string& path);  // "-": standard input

// A verb below a noun, with an example in its help; `run` is called after parsing.
CLI::App* verb(CLI::App& noun, Context& context, const char* name, const char* description,
               const char* example, std::function<Result<void>()> run);
CLI::App* noun(CLI::App& app, const char* name, const char* description);

void add_event_commands(CLI::App& app, Context& context);
void add_view_commands(CLI::App& app, Context& context);
void add_record_commands(CLI::App& app, Context& context);
void add_rule_commands(CLI::App& app, Context& context);
void add_ledger_commands(CLI::App& app, Context& context);  // timer, effect, set-aside
void add_log_commands(CLI::App& app, Context& context);     // log, partition
void add_import_commands(CLI::App& app, Context& context);  // import, sample
void add_data_commands(CLI::App& app, Context& context);    // init, version

}  // namespace dealwright::cli
