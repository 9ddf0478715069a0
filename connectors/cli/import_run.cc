#include "connectors/cli/import_run.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "connectors/daemon/tables.h"
#include "connectors/import/row.h"
#include "connectors/os/posix_file_system.h"

namespace dealwright::cli {
namespace {

constexpr std::size_t kShownBad = 20;

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

// Bad rows, with their reasons: in a file beside the imported one; of a dry run the first ones
// only, on the terminal.
class BadRows {
 public:
  BadRows(Context& context, std::string path, bool dry_run)
      : context_{context}, path_{std::move(path)}, dry_run_{dry_run} {}
  void add(const std::vector<import::BadRow>& rows) {
    for (const auto& row : rows) {
      ++count_;
      if (dry_run_) {
        if (count_ <= kShownBad) show(row);
        continue;
      }
      if (!out_.is_open()) {
        out_.open(path_, std::ios::binary | std::ios::trunc);
        out_ << "row,line,column,code,detail,hint,raw\r\n";
      }
      out_ << row.row << ',' << row.line << ',' << csv_cell(row.column) << ',' << row.code << ','
           << csv_cell(row.detail) << ',' << csv_cell(row.hint) << ',' << csv_cell(row.raw)
           << "\r\n";
    }
  }
  Result<void> close() {
    if (!out_.is_open()) return ok();
    out_.close();
    if (!out_) return Error{Code::kIo, "could not write the bad rows to " + path_};
    return ok();
  }
  std::uint64_t count() const { return count_; }
  const std::string& path() const { return path_; }

 private:
  void show(const import::BadRow& row) const {
    context_.progress_done();
    if (context_.json) {
      context_.print_object({{"row", Value{static_cast<std::int64_t>(row.row)}},
                             {"line", Value{static_cast<std::int64_t>(row.line)}},
                             {"column", Value{row.column}},
                             {"code", Value{row.code}},
                             {"detail", Value{row.detail}},
                             {"hint", Value{row.hint}}});
      return;
    }
    context_.print_line("line " + std::to_string(row.line) +
                        (row.column.empty() ? "" : ", column " + row.column) + ": " + row.code +
                        " " + row.detail + (row.hint.empty() ? "" : "; " + row.hint));
  }

  Context& context_;
  std::string path_;
  bool dry_run_;
  std::ofstream out_;
  std::uint64_t count_ = 0;
};

Value count_of(std::uint64_t n) { return Value{static_cast<std::int64_t>(n)}; }

Value absolute(const std::string& path) {
  std::error_code error;
  const auto out = std::filesystem::absolute(path, error);
  return Value{error ? path : out.string()};
}

// One import: what is read, what it becomes, where it goes.
class Import {
 public:
  Import(Context& context, ImportFlags flags)
      : context_{context},
        flags_{std::move(flags)},
        bad_{context, flags_.bad_file.empty() ? flags_.file + ".bad.csv" : flags_.bad_file,
             flags_.dry_run} {}

  Result<void> run();

 private:
  Result<void> open_workspace();
  Result<void> prepare();
  Result<bool> pass_on();  // false: all read, or paused
  Result<void> settle();
  Result<void> report();

  Context& context_;
  ImportFlags flags_;
  BadRows bad_;
  std::unique_ptr<FileSystem> files_ = os::make_posix_file_system();
  std::unique_ptr<daemon::Workspace> workspace_;
  std::unique_ptr<daemon::ImportRun> run_;
  std::optional<PauseOrder> order_;
  std::vector<import::BadRow> bad_rows_;
  bool paused_ = false;
};

Result<void> Import::open_workspace() {
  if (flags_.clock.empty()) {
    DW_TRY(auto opened, context_.open());
    workspace_ = std::move(opened);
    return ok();
  }
  auto options = context_.workspace_options();
  options.create = true;
  options.event_clock = flags_.clock == "event";
  DW_TRY(auto opened, daemon::Workspace::open(std::move(options)));
  workspace_ = std::move(opened);
  DW_TRY(workspace_->engine().wait_idle());
  if (workspace_->event_clock() == (flags_.clock == "event")) return ok();
  return Error{Code::kRefused,
               context_.data() + (workspace_->event_clock()
                                      ? " runs on the time of its events, not on the wall clock"
                                      : " runs on the wall clock; --clock event needs a log of its "
                                        "own: dealwright init --data DIR --clock event")};
}

Result<void> Import::prepare() {
  daemon::ImportAsked asked;
  asked.file = flags_.file;
  asked.file_name = flags_.file;
  asked.about = {{"file", absolute(flags_.file)}, {"mapping", absolute(flags_.mapping)}};
  DW_TRY(asked.mapping, read_file(flags_.mapping));
  asked.mapping_name = flags_.mapping;
  asked.batch = flags_.batch;
  asked.rate = flags_.rate;
  if (!flags_.policy.empty()) asked.policy = *policy_of(flags_.policy);
  asked.first_in_time = flags_.clock == "event";
  if (!asked.first_in_time) asked.batch_time = context_.now();  // there, only facts tell the time
  asked.rows_bytes = context_.config().import.rows_bytes;
  asked.append_bytes = context_.config().import.append_bytes;
  if (!flags_.dry_run) {
    DW_TRY(const bool there, files_->exists(flags_.file));
    if (!there) return Error{Code::kNotFound, "cannot read " + flags_.file};
    DW_TRY(open_workspace());
  }
  auto opened = daemon::ImportRun::open(workspace_.get(), *files_, std::move(asked));
  if (!opened) return refused(opened.error());
  run_ = std::move(opened.value());
  if (workspace_ != nullptr) order_.emplace(context_.data(), run_->batch());
  return ok();
}

Result<bool> Import::pass_on() {
  bad_rows_.clear();
  auto more = run_->step(bad_rows_);
  bad_.add(bad_rows_);
  if (!more) return refused(more.error());
  const auto p = run_->counts();
  context_.progress(std::to_string(p.rows) + " rows, " + std::to_string(p.events) + " events",
                    p.events_planned > 0 ? p.events : p.bytes_read,
                    p.events_planned > 0 ? p.events_planned : p.bytes_total);
  paused_ = more.value() && order_ && p.events > 0 && order_->stands();
  return more.value() && !paused_;
}

Result<void> Import::settle() {
  if (workspace_ == nullptr) return ok();
  DW_TRY(run_->settle());
  DW_TRY(workspace_->engine().wait_idle());
  if (paused_) {
    DW_TRY(daemon::mark_batch(*workspace_, run_->batch(), TypeId::kImportPaused, "user/cli"));
    return order_->take_back();
  }
  if (!workspace_->event_clock()) return ok();
  return workspace_->engine().advance_together();
}

Result<void> Import::report() {
  const auto counts = run_->counts();
  Map out{{"batch", Value{run_->batch()}},
          {"rows", count_of(counts.rows)},
          {flags_.dry_run ? "would_append" : "appended", count_of(counts.appended)},
          {"already_there", count_of(counts.already_there)},
          {"bad_rows", count_of(bad_.count())}};
  if (bad_.count() > 0 && !flags_.dry_run) out.emplace_back("bad_rows_in", Value{bad_.path()});
  if (!flags_.dry_run) out.emplace_back("state", Value{paused_ ? "paused" : "closed"});
  context_.print_object(out);
  if (workspace_ != nullptr) {
    DW_TRY(workspace_->stop());
  }
  if (bad_.count() == 0) return ok();
  return Error{
      Code::kRefused,
      std::to_string(bad_.count()) + " rows are bad" +
          (flags_.dry_run ? "" : " and were left out, see " + bad_.path()) +
          (paused_ ? ""
                   : "; the others are " + std::string{flags_.dry_run ? "sound" : "imported"})};
}

Result<void> Import::run() {
  DW_TRY(prepare());
  for (bool more = true; more;) {
    DW_TRY(auto next, pass_on());
    more = next;
  }
  context_.progress_done();
  DW_TRY(bad_.close());
  DW_TRY(settle());
  return report();
}

}  // namespace

Result<void> run_import(Context& context, ImportFlags flags) {
  return Import{context, std::move(flags)}.run();
}

PauseOrder::PauseOrder(const std::string& data, const std::string& batch)
    : data_{data}, path_{data + "/imports/" + daemon::hex_of(hash128("pause", batch)) + ".pause"} {}

bool PauseOrder::stands() const {
  std::error_code error;
  if (!std::filesystem::exists(path_, error)) return false;
  const auto holder = read_file(path_);
  return holder && holder.value() == std::to_string(::getpid()) + "\n";
}

Result<void> PauseOrder::give() const {
  DW_TRY(auto holder, read_file(data_ + "/LOCK"));
  std::error_code error;
  std::filesystem::create_directories(data_ + "/imports", error);
  // In one step: who looks meanwhile finds all of it, or nothing.
  std::ofstream out{path_ + ".new", std::ios::trunc};
  out << holder;
  out.close();
  if (out) std::filesystem::rename(path_ + ".new", path_, error);
  if (error || !out) return Error{Code::kIo, "cannot write " + path_};
  return ok();
}

Result<void> PauseOrder::take_back() const {
  std::error_code error;
  std::filesystem::remove(path_, error);
  if (error) return Error{Code::kIo, "cannot remove " + path_ + ": " + error.message()};
  return ok();
}

}  // namespace dealwright::cli
