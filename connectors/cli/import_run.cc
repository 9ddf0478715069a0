#include "connectors/cli/import_run.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "connectors/daemon/appender.h"
#include "connectors/daemon/tables.h"
#include "connectors/import/import_source.h"
#include "connectors/os/posix_file_system.h"
#include "engine/codec/event_codec.h"

namespace dealwright::cli {
namespace {

using Phase = runtime::ImportBatch::Phase;
constexpr std::size_t kHashedAtOnce = std::size_t{1} << 20;
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

Result<std::string> hash_of_file(FileSystem& files, const std::string& path) {
  DW_TRY(auto file, files.open(path, FileSystem::Mode::kRead));
  Sha256Stream stream;
  std::string piece(kHashedAtOnce, '\0');
  for (std::uint64_t at = 0;;) {
    DW_TRY(auto got, file->read_at(at, piece.size(), piece.data()));
    if (got == 0) break;
    stream.update(std::string_view{piece}.substr(0, got));
    at += got;
  }
  return hex(stream.finish());
}

Value count_of(std::uint64_t n) { return Value{static_cast<std::int64_t>(n)}; }

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
  Result<void> agree_with(const KnownBatch& known);
  Result<void> open_source();
  Result<void> check_clock(const Event& event);
  Result<bool> pass_on();  // false: all read, or paused
  Result<void> report();

  Context& context_;
  ImportFlags flags_;
  BadRows bad_;
  std::unique_ptr<FileSystem> files_ = os::make_posix_file_system();
  std::unique_ptr<daemon::Workspace> workspace_;
  std::unique_ptr<import::ImportSource> source_;
  std::optional<import::Mapping> mapping_;
  import::ImportOptions options_;
  std::unique_ptr<daemon::Appender> appender_;
  std::optional<PauseOrder> order_;
  std::vector<std::uint64_t> known_;  // rows that each partition has already
  std::vector<bool> time_checked_;
  std::vector<Event> events_;
  std::vector<import::BadRow> bad_rows_;
  bool resumed_ = false;
  bool paused_ = false;
  std::uint64_t appended_ = 0;
  std::uint64_t there_ = 0;
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

// A batch is one file through one mapping under one policy, for ever: rows are told apart by
// number.
Result<void> Import::agree_with(const KnownBatch& known) {
  const auto& name = options_.batch.batch;
  if (known.batch.phase == Phase::kPaused) {
    return Error{Code::kRefused,
                 "batch '" + name + "' is paused; dealwright import resume " + name};
  }
  const auto policy = known.batch.policy;
  const auto asked = options_.batch.policy == Policy::kUnset ? policy : options_.batch.policy;
  if (asked != policy || (options_.batch.rate > 0 && options_.batch.rate != known.batch.per_hour)) {
    return Error{Code::kRefused, "batch '" + name + "' was opened with policy " +
                                     std::string{policy_name(policy)} +
                                     "; it cannot be changed: name another batch with --batch"};
  }
  options_.batch.policy = policy;
  options_.batch.rate = known.batch.per_hour;
  if (!known.opened) return ok();
  const auto hash = known.opened->data.text(Field::kHash);
  if (!hash.empty() && hash != options_.hash) {
    return Error{Code::kRefused, "batch '" + name + "' was made of another file than " +
                                     flags_.file + "; name another batch with --batch"};
  }
  const auto* mapping = find(known.opened->extra, "mapping_hash");
  const auto* ours = find(options_.about, "mapping_hash");
  if (mapping != nullptr && ours != nullptr && *mapping != *ours) {
    return Error{Code::kRefused, "batch '" + name + "' was made through another mapping than " +
                                     flags_.mapping + " is now; name another batch with --batch"};
  }
  if (options_.batch.batch_time && known.opened->time)
    options_.batch.batch_time = known.opened->time;  // the same rows as the first time
  return ok();
}

Result<void> Import::prepare() {
  DW_TRY(auto text, read_file(flags_.mapping));
  auto mapping = import::parse_mapping(text, flags_.mapping);
  if (!mapping) return refused(mapping.error());
  mapping_ = std::move(mapping.value());
  auto& batch = options_.batch;
  batch.batch = flags_.batch.empty() ? mapping_->batch : flags_.batch;
  batch.rate = flags_.rate;
  if (!flags_.policy.empty()) batch.policy = *policy_of(flags_.policy);
  if (flags_.clock != "event")
    batch.batch_time = context_.now();  // there, only facts tell the time
  options_.rows_bytes_max = context_.config().import.rows_bytes;
  if (flags_.dry_run) return open_source();
  DW_TRY(auto hash, hash_of_file(*files_, flags_.file));
  options_.hash = std::move(hash);
  const auto absolute = [](const std::string& path) {
    std::error_code error;
    const auto out = std::filesystem::absolute(path, error);
    return Value{error ? path : out.string()};
  };
  options_.about = *Value{Map{{"file", absolute(flags_.file)},
                              {"mapping", absolute(flags_.mapping)},
                              {"mapping_hash", Value{hex(sha256(text))}}}}
                        .as_map();
  DW_TRY(open_workspace());
  if (workspace_->event_clock()) batch.batch_time.reset();
  DW_TRY(auto known, find_batch(*workspace_, batch.batch));
  resumed_ = known.batch.phase != Phase::kUnknown || known.rows > 0;
  if (resumed_) {
    DW_TRY(agree_with(known));
  }
  known_.resize(workspace_->partitions());
  time_checked_.resize(workspace_->partitions());
  for (PartitionId id = 0; id < known_.size(); ++id) {
    DW_TRY(workspace_->engine().ask(
        id, [&](runtime::Partition& p) { known_[id] = p.state().batch(batch.batch).highest_row; }));
  }
  order_.emplace(context_.data(), batch.batch);
  appender_ =
      std::make_unique<daemon::Appender>(*workspace_, context_.config().import.append_bytes);
  return open_source();
}

Result<void> Import::open_source() {
  DW_TRY(auto file, files_->open(flags_.file, FileSystem::Mode::kRead));
  DW_TRY(auto input, import::open_input(std::move(file)));
  auto source = import::ImportSource::open(std::move(input), std::move(*mapping_), options_);
  if (!source) return refused(source.error());
  source_ = std::move(source.value());
  return ok();
}

// On the time of the events nothing may have passed the first of them: what is due would have fired
// without it.
Result<void> Import::check_clock(const Event& event) {
  if (flags_.clock != "event" || !event.time) return ok();
  const auto own = workspace_->placement(event);
  for (PartitionId id = 0; id < workspace_->partitions(); ++id) {
    if (time_checked_[id] || (resumed_ && id != own)) continue;
    time_checked_[id] = true;
    Instant now;
    DW_TRY(workspace_->engine().ask(id, [&](runtime::Partition& p) { now = p.state().meta.now; }));
    if (now > *event.time) {
      return Error{Code::kRefused,
                   "--clock event: time in partition " + std::to_string(id) + " stands at " +
                       to_text(now) + " and has passed the first event (" + to_text(*event.time) +
                       ", " + event.id + "); import it first, or into a data directory of its own"};
    }
  }
  return ok();
}

Result<bool> Import::pass_on() {
  events_.clear();
  bad_rows_.clear();
  auto more = source_->next(events_, bad_rows_);
  bad_.add(bad_rows_);
  if (!more) return refused(more.error());
  for (auto& event : events_) {
    if (workspace_ == nullptr) {
      ++appended_;
      continue;
    }
    if (event.import_row <= known_[workspace_->placement(event)]) {
      ++there_;
      continue;
    }
    DW_TRY(check_clock(event));
    DW_TRY(appender_->add(event));
    ++appended_;
  }
  const auto p = source_->progress();
  context_.progress(std::to_string(p.rows) + " rows, " + std::to_string(p.events) + " events",
                    p.events_planned > 0 ? p.events : p.bytes_read,
                    p.events_planned > 0 ? p.events_planned : p.bytes_total);
  paused_ = more.value() && order_ && p.events > 0 && order_->stands();
  return more.value() && !paused_;
}

Result<void> Import::report() {
  const auto& name = source_->batch();
  Map out{{"batch", Value{name}},
          {"rows", count_of(source_->progress().rows)},
          {flags_.dry_run ? "would_append" : "appended", count_of(appended_)},
          {"already_there", count_of(there_)},
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
  if (workspace_ != nullptr) {
    DW_TRY(appender_->flush());
    DW_TRY(workspace_->engine().wait_idle());
    if (paused_) {
      DW_TRY(mark_batch(context_, *workspace_, source_->batch(), TypeId::kImportPaused));
      DW_TRY(order_->take_back());
    } else if (workspace_->event_clock()) {
      DW_TRY(workspace_->engine().advance_together());
    }
  }
  return report();
}

}  // namespace

Result<void> run_import(Context& context, ImportFlags flags) {
  return Import{context, std::move(flags)}.run();
}

std::string_view phase_name(Phase phase) {
  static constexpr std::string_view kNames[] = {"unknown", "open", "paused", "closed"};
  return kNames[static_cast<std::size_t>(phase)];
}

Result<KnownBatch> find_batch(daemon::Workspace& workspace, const std::string& batch) {
  KnownBatch out;
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    DW_TRY(workspace.engine().ask(id, [&](runtime::Partition& p) {
      const auto known = p.state().batch(batch);
      if (id == 0) out.batch = known;
      out.rows = std::max(out.rows, known.highest_row);
    }));
  }
  if (out.batch.phase == Phase::kUnknown) return out;
  auto read = workspace.log().read(Topic::kEvents, 0, out.batch.opened_at, 1);
  if (!read || read.value().records.empty()) return out;  // retention took it
  Event event;
  if (codec::decode(read.value().records[0].bytes, event) && event.type == TypeId::kImportOpened &&
      event.import_batch == batch) {
    out.opened = std::move(event);
  }
  return out;
}

Result<void> mark_batch(Context& context, daemon::Workspace& workspace, const std::string& batch,
                        TypeId type) {
  Event event;
  event.source = "dealwright/operator";
  event.type = type;
  event.subject = {Kind::kImport, batch};
  event.id = std::string{event.type_name()} + "-" + batch + "-" + to_text(context.now());
  if (!workspace.event_clock()) event.time = context.now();
  event.actor = "user/cli";
  event.data.set(Field::kAuthor, Value{"user/cli"});
  DW_TRY(workspace.append({std::move(event)}));
  return workspace.engine().wait_idle();
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
