// What every command shares: where the data is, how to print, how to fail.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/cli/remote.h"
#include "connectors/daemon/config.h"
#include "connectors/daemon/workspace.h"
#include "engine/base/result.h"
#include "engine/ports/view.h"

namespace CLI {
class App;
}

namespace dealwright::cli {

using Job = std::function<Result<void>()>;

// One run of the program.
class Context {
 public:
  // As the command line gave them; configure() reads them.
  std::string config_file;
  std::map<std::string, std::string> config_flags;  // by key; those that were given
  bool json = false;
  bool needs_config = true;
  Job job;  // of the verb that was found
  int exit_code = 0;

  // File, then environment, then flags. kInvalid: all that is wrong, and how to mend it.
  Result<void> configure();
  const daemon::Config& config() const { return config_; }
  const std::vector<daemon::ConfigValue>& config_values() const { return reader_.values(); }
  const daemon::ConfigReader& config_reader() const { return reader_; }
  const std::string& data() const { return config_.data; }

  // Whom to ask instead of opening the data directory; null: nobody, see `server`.
  const Remote* remote() const { return remote_.get(); }
  // Of what has to have the data directory itself. kRefused: a server was named.
  Result<void> needs_data(std::string_view what) const;
  // A list as the server has it, in one piece or by pages up to `limit` rows (0: all); an object.
  Result<void> print_rows(const std::string& path) const;
  Result<void> print_pages(const std::string& path, std::size_t limit) const;
  Result<void> print_value(const Result<Value>& value) const;

  // What becomes of partitions that stopped, a damaged one say: the command fails; it answers from
  // the others, and their stop() fails the command at its end; it looks at them itself.
  enum class Stopped { kFails, kLeftOut, kShown };
  // Opens the data directory, folds and decides all that is in its log; the error says how to make
  // one.
  Result<std::unique_ptr<daemon::Workspace>> open(Stopped stopped = Stopped::kFails) const;
  daemon::WorkspaceOptions workspace_options() const;
  Instant now() const;

  // Prints rows: a table for people, an object a line with --json.
  void print(const ViewRows& rows) const;
  void print_line(std::string_view text) const;  // for people: nothing with --json
  void print_object(const Map& object) const;    // with --json one line; else "name: value" lines
  // On stderr; `exit`: where the code is not that of the error.
  void print_error(const Error& error, std::optional<int> exit = {}) const;
  // A progress line on a terminal, nothing elsewhere.
  void progress(std::string_view text) const;
  void progress(std::string_view text, std::uint64_t done, std::uint64_t of) const;  // with a bar
  void progress_done() const;

  // What a command returns becomes the exit code.
  void finish(const Result<void>& result);

 private:
  daemon::ConfigReader reader_;
  daemon::Config config_ = reader_.config();
  std::unique_ptr<Remote> remote_;
};

int exit_code_of(Code code);
Result<std::string> read_file(const std::string& path);  // "-": standard input
// What is wrong with a content, not with how the command was called: exit 4 instead of 2.
Error refused(Error error);

// "3:8112"
Result<daemon::Placed> parse_position(const std::string& text);
std::string place_text(const daemon::Placed& place);

// A verb below a noun, with an example in its help; `run` is called after parsing.
CLI::App* verb(CLI::App& noun, Context& context, const char* name, const char* description,
               const char* example, Job run);
CLI::App* noun(CLI::App& app, const char* name, const char* description);

// Why a command line was not understood: the nearest flag or command, or "".
std::string usage_hint(const CLI::App& app, int argc, char** argv);

void add_serve_commands(CLI::App& app, Context& context);
void add_workspace_commands(CLI::App& app, Context& context);
void add_key_commands(CLI::App& app, Context& context);
void add_event_commands(CLI::App& app, Context& context);
void add_view_commands(CLI::App& app, Context& context);
void add_record_commands(CLI::App& app, Context& context);
void add_rule_commands(CLI::App& app, Context& context);
void add_schema_commands(CLI::App& app, Context& context);
void add_hook_commands(CLI::App& app, Context& context);
void add_mail_commands(CLI::App& app, Context& context);
void add_template_commands(CLI::App& app, Context& context);
void add_ledger_commands(CLI::App& app, Context& context);  // timer, effect, enrolment
void add_set_aside_commands(CLI::App& app, Context& context);
void add_log_commands(CLI::App& app, Context& context);     // log, partition
void add_import_commands(CLI::App& app, Context& context);  // import
void add_backup_commands(CLI::App& app, Context& context);
void add_config_commands(CLI::App& app, Context& context);
void add_data_commands(CLI::App& app, Context& context);  // init, sample, version

}  // namespace dealwright::cli
