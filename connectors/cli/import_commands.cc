// import run, list; sample.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>

#include "connectors/cli/context.h"
#include "connectors/import/import_source.h"
#include "connectors/os/posix_file_system.h"
#include "connectors/sample/sample_year.h"
#include "engine/codec/cloudevents_json.h"
#include "engine/runtime/keys.h"

namespace dealwright::cli {
namespace {

struct ImportFlags {
  std::string file, mapping, batch, policy, clock, bad_file;
  bool dry_run = false;
};

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

// Bad rows, with their reasons, in a file beside the imported one.
class BadRows {
 public:
  explicit BadRows(std::string path) : path_{std::move(path)} {}
  void add(const std::vector<import::BadRow>& rows) {
    for (const auto& row : rows) {
      if (!out_.is_open()) {
        out_.open(path_, std::ios::binary | std::ios::trunc);
        out_ << "row,line,column,code,detail,hint,raw\r\n";
      }
      ++count_;
      out_ << row.row << ',' << row.line << ',' << csv_cell(row.column) << ',' << row.code << ','
           << csv_cell(row.detail) << ',' << csv_cell(row.hint) << ',' << csv_cell(row.raw)
           << "\r\n";
    }
  }
  std::uint64_t count() const { return count_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::ofstream out_;
  std::uint64_t count_ = 0;
};

// Rows of the batch that each partition has already: those are not appended again.
Result<std::vector<std::uint64_t>> rows_in(daemon::Workspace& workspace, const std::string& batch) {
  std::vector<std::uint64_t> rows(workspace.partitions());
  for (PartitionId id = 0; id < rows.size(); ++id) {
    DW_TRY(workspace.engine().ask(
        id, [&](runtime::Partition& p) { rows[id] = p.state().batch(batch).highest_row; }));
  }
  return rows;
}

Result<void> check_clock(daemon::Workspace& workspace, const Event& first) {
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    Instant now;
    DW_TRY(workspace.engine().ask(id, [&](runtime::Partition& p) { now = p.state().meta.now; }));
    if (first.time && now > *first.time) {
      return Error{Code::kRefused, "--clock event: the time of partition " + std::to_string(id) +
                                       " has passed the first event (" + to_text(now) + " > " +
                                       to_text(*first.time) +
                                       "); import into a new data directory"};
    }
  }
  return ok();
}

Result<std::unique_ptr<daemon::Workspace>> open_for(Context& context, const std::string& clock) {
  if (clock.empty()) return context.open();
  daemon::WorkspaceOptions options;
  options.path = context.data;
  options.create = true;
  options.event_clock = clock == "event";
  options.clock_witness = context.trust_clock;
  DW_TRY(auto workspace, daemon::Workspace::open(std::move(options)));
  DW_TRY(workspace->engine().wait_idle());
  if (clock == "event" && !workspace->event_clock()) {
    return Error{Code::kRefused, context.data +
                                     " runs on the wall clock; --clock event needs a log of its "
                                     "own: dealwright init --clock event"};
  }
  return workspace;
}

struct Tally {
  std::uint64_t appended = 0;
  std::uint64_t known = 0;
};

Result<Tally> stream(Context& context, const ImportFlags& flags, daemon::Workspace* workspace,
                     import::ImportSource& source, BadRows& bad) {
  Tally tally;
  std::vector<std::uint64_t> known;
  std::unique_ptr<daemon::Appender> appender;
  if (workspace != nullptr) {
    DW_TRY(auto rows, rows_in(*workspace, source.batch()));
    known = std::move(rows);
    appender = std::make_unique<daemon::Appender>(*workspace);
  }
  std::vector<Event> events;
  std::vector<import::BadRow> bad_rows;
  bool checked = flags.clock.empty();
  for (bool more = true; more;) {
    events.clear();
    bad_rows.clear();
    DW_TRY(auto next, source.next(events, bad_rows));
    more = next;
    bad.add(bad_rows);
    for (auto& event : events) {
      if (workspace == nullptr) {
        ++tally.appended;
        continue;
      }
      if (event.import_row <= known[workspace->placement(event)]) {
        ++tally.known;
        continue;
      }
      if (!checked && event.time) {
        DW_TRY(check_clock(*workspace, event));
        checked = true;
      }
      DW_TRY(appender->add(event));
      ++tally.appended;
    }
    const auto p = source.progress();
    context.progress(std::to_string(p.rows) + " rows, " + std::to_string(p.events) + " events, " +
                     std::to_string(p.bytes_total > 0 ? 100 * p.bytes_read / p.bytes_total : 100) +
                     " % read");
  }
  if (appender != nullptr) {
    DW_TRY(appender->flush());
  }
  context.progress_done();
  return tally;
}

Result<void> run_import(Context& context, const ImportFlags& flags) {
  if (!flags.clock.empty() && flags.clock != "event" && flags.clock != "wall")
    return Error{Code::kInvalid, "--clock is event or wall"};
  DW_TRY(auto text, read_file(flags.mapping));
  DW_TRY(auto mapping, import::parse_mapping(text, flags.mapping));
  const auto files = os::make_posix_file_system();
  DW_TRY(auto file, files->open(flags.file, FileSystem::Mode::kRead));
  DW_TRY(auto input, import::open_input(std::move(file)));
  import::ImportOptions options;
  options.batch.batch = flags.batch;
  if (!flags.policy.empty()) {
    const auto policy = policy_of(flags.policy);
    if (!policy) return Error{Code::kInvalid, "--policy is fire, drip, shadow or suppress"};
    options.batch.policy = *policy;
  }
  if (flags.clock != "event")
    options.batch.batch_time = context.now();  // there, only facts tell the time
  DW_TRY(auto source,
         import::ImportSource::open(std::move(input), std::move(mapping), std::move(options)));
  BadRows bad{flags.bad_file.empty() ? flags.file + ".bad.csv" : flags.bad_file};
  std::unique_ptr<daemon::Workspace> workspace;
  if (!flags.dry_run) {
    DW_TRY(auto opened, open_for(context, flags.clock));
    workspace = std::move(opened);
  }
  DW_TRY(auto tally, stream(context, flags, workspace.get(), *source, bad));
  if (workspace != nullptr) {
    DW_TRY(workspace->engine().wait_idle());
    if (workspace->event_clock()) {
      DW_TRY(workspace->engine().advance_together());
    }
  }
  const auto number = [](std::uint64_t n) { return Value{static_cast<std::int64_t>(n)}; };
  Map out{{"batch", Value{source->batch()}},
          {"rows", number(source->progress().rows)},
          {flags.dry_run ? "would_append" : "appended", number(tally.appended)},
          {"already_there", number(tally.known)},
          {"bad_rows", number(bad.count())}};
  if (bad.count() > 0) out.emplace_back("bad_rows_in", Value{bad.path()});
  context.print_object(out);
  return workspace != nullptr ? workspace->stop() : Result<void>{ok()};
}

Result<void> list_imports(Context& context) {
  DW_TRY(auto workspace, context.open());
  ViewRows rows;
  rows.columns = {
      {"batch", "text"}, {"policy", "text"}, {"highest_row", "int"}, {"partition", "int"}};
  for (PartitionId id = 0; id < workspace->partitions(); ++id) {
    Result<void> scanned = ok();
    DW_TRY(workspace->engine().ask(id, [&](runtime::Partition& p) {
      scanned = p.state().scan(runtime::keys::kBatch, [&](std::string_view key, std::string_view) {
        const auto batch = p.state().batch(key.substr(1));
        rows.rows.push_back({Value{key.substr(1)}, Value{policy_name(batch.policy)},
                             Value{static_cast<std::int64_t>(batch.highest_row)},
                             Value{std::int64_t{id}}});
        return true;
      });
    }));
    DW_TRY(scanned);
  }
  context.print(rows);
  return workspace->stop();
}

Result<void> write_sample(std::uint64_t seed, std::uint64_t scale, const std::string& path) {
  std::ofstream file;
  if (path != "-") {
    file.open(path, std::ios::binary | std::ios::trunc);
    if (!file) return Error{Code::kIo, "cannot write " + path};
  }
  std::ostream& out = path == "-" ? std::cout : file;
  sample::SampleYear year{seed, scale};
  Event event;
  while (year.next(event)) out << codec::to_cloudevent(event) << '\n';
  out.flush();
  if (!out) return Error{Code::kIo, "could not write all of " + path};
  return ok();
}

}  // namespace

void add_import_commands(CLI::App& app, Context& context) {
  auto* import = noun(app, "import", "The past, from tables and process logs");
  auto flags = std::make_shared<ImportFlags>();
  auto* run = verb(*import, context, "run",
                   "Import a CSV or XES file (also .gz) through a mapping; again: nothing changes",
                   "dealwright import run leads.csv --mapping leads.mapping.yaml --policy suppress",
                   [&context, flags] { return run_import(context, *flags); });
  run->add_option("file", flags->file, "the file")->required();
  run->add_option("--mapping", flags->mapping, "how rows become events")->required();
  run->add_option("--batch", flags->batch, "the batch's name; the mapping's if left out");
  run->add_option("--policy", flags->policy, "what rules may do: fire, drip, shadow, suppress");
  run->add_option("--clock", flags->clock,
                  "event: rules and timers run on the time of the events, in a log of its own");
  run->add_option("--bad", flags->bad_file, "where bad rows go; FILE.bad.csv if left out");
  run->add_flag("--dry-run", flags->dry_run, "Count only");
  verb(*import, context, "list", "Batches, and how far each partition has them",
       "dealwright import list", [&context] { return list_imports(context); });

  struct SampleFlags {
    std::uint64_t seed = 1, scale = 1;
    std::string out = "-";
  };
  auto sample = std::make_shared<SampleFlags>();
  auto* make =
      verb(app, context, "sample", "Write a sales year with a story as CloudEvents, one a line",
           "dealwright sample --seed 1 --out year.ndjson",
           [sample] { return write_sample(sample->seed, sample->scale, sample->out); });
  make->add_option("--seed", sample->seed, "the same seed, the same bytes")->capture_default_str();
  make->add_option("--scale", sample->scale, "how many times 640 customers")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  make->add_option("--out", sample->out, "a file; - is standard output")->capture_default_str();
}

}  // namespace dealwright::cli
