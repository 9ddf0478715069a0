#include "connectors/daemon/imports.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "connectors/daemon/bad_rows_file.h"
#include "connectors/import/mapping.h"

namespace dealwright::daemon {
namespace {

constexpr std::string_view kRecordFile = "/import.json";
constexpr std::string_view kMappingFile = "/mapping.yaml";
constexpr std::string_view kDataFile = "/data";
constexpr std::string_view kBadFile = "/bad.csv";
constexpr std::size_t kRecordBytesMax = std::size_t{1} << 20;
constexpr std::size_t kMappingBytesMax = std::size_t{1} << 20;
constexpr std::size_t kBadBytesAtOnce = std::size_t{256} << 10;
constexpr std::size_t kEndedKept = 200;
constexpr auto kOrderPatience = std::chrono::seconds{5};

std::string path_in(const std::string& folder, std::string_view name) {
  return folder + std::string{name};
}

bool has_ended(ImportState state) {
  return state == ImportState::kWhole || state == ImportState::kChecked ||
         state == ImportState::kFailed || state == ImportState::kCancelled;
}

Error wrong_state(const ImportRecord& record, std::string_view wanted) {
  return Error{Code::kConflict, "import " + record.id + " is " +
                                    std::string{import_state_name(record.state)} + ", " +
                                    std::string{wanted}};
}

std::string of_batch(const ImportRecord& record) {
  return "import " + record.id + " (batch '" + record.batch + "')";
}

}  // namespace

Imports::Imports(Workspace& workspace, ImportsOptions options)
    : workspace_{workspace}, options_{std::move(options)}, folder_{workspace.path() + "/imports"} {}

Imports::~Imports() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

Result<void> Imports::open() {
  auto& files = workspace_.files();
  DW_TRY(create_durable(files, folder_));
  DW_TRY(const auto names, files.list(folder_));
  const std::lock_guard lock{mutex_};
  for (const auto& name : names) {
    if (!name.starts_with("imp-")) continue;  // an order of the command line to pause
    const auto text = read_whole(files, path_in(folder_of(name), kRecordFile), kRecordBytesMax);
    auto record = text ? read_import_record(text.value()) : Result<ImportRecord>{text.error()};
    if (!record || record.value().id != name) {
      ImportRecord damaged;
      damaged.state = ImportState::kFailed;
      damaged.error =
          Error{Code::kDamaged, folder_of(name) + "/import.json: " +
                                    (record ? "it is of another import" : record.error().detail)};
      damaged.id = name;
      record = std::move(damaged);
    }
    records_.emplace(name, std::move(record.value()));
  }
  for (const auto& [id, record] : records_) {
    if (record.state == ImportState::kRunning) {
      begin(record);
      break;  // there is one at most
    }
  }
  return ok();
}

Result<void> Imports::save(const ImportRecord& record) {
  return write_durable(workspace_.files(), path_in(folder_of(record.id), kRecordFile),
                       to_text(record));
}

// ---- made and sent

Result<void> Imports::may_begin(const ImportRecord& record) const {
  for (const auto& [id, other] : records_) {
    if (id == record.id) continue;
    if (other.state == ImportState::kRunning) {
      return Error{Code::kConflict, of_batch(other) +
                                        " runs, and there is one at a time; wait, or "
                                        "cancel it"};
    }
    if (other.state == ImportState::kUploading) {
      return Error{Code::kConflict, "the file of " + of_batch(other) + " is being sent (" +
                                        std::to_string(other.received) + " of " +
                                        std::to_string(other.bytes) +
                                        " bytes are there), and there is one at a time; send the "
                                        "rest, or cancel it"};
    }
    const bool same = !record.dry_run && !other.dry_run && other.batch == record.batch;
    if (same && other.state == ImportState::kPaused) {
      return Error{Code::kConflict, of_batch(other) + " is paused; resume it, or cancel it"};
    }
  }
  return ok();
}

Result<void> Imports::prepare_folder(const NewImport& asked) {
  auto& files = workspace_.files();
  const auto folder = folder_of(asked.record.id);
  DW_TRY(create_durable(files, folder));
  DW_TRY(write_durable(files, path_in(folder, kMappingFile), asked.mapping));
  if (asked.file_of.empty()) {
    DW_TRY(const auto made, files.open(path_in(folder, kDataFile), FileSystem::Mode::kCreate));
    DW_TRY(made->sync());
  } else {
    std::error_code failed;
    std::filesystem::create_hard_link(path_in(folder_of(asked.file_of), kDataFile),
                                      path_in(folder, kDataFile), failed);
    if (failed) {
      return Error{Code::kIo, "cannot take the file of " + asked.file_of + ": " + failed.message()};
    }
  }
  DW_TRY(files.sync_directory(folder));
  return save(asked.record);
}

Result<ImportRecord> Imports::create(NewImport asked) {
  auto& record = asked.record;
  const std::lock_guard lock{mutex_};
  if (const auto known = records_.find(record.id); known != records_.end()) {
    if (known->second.asked == record.asked) return known->second;
    return Error{Code::kRefused,
                 "that Idempotency-Key made import " + record.id + " of another request"};
  }
  DW_TRY(const auto mapping, import::parse_mapping(asked.mapping, "mapping"));
  if (record.batch.empty()) record.batch = mapping.batch;
  if (!asked.file_of.empty()) {
    const auto of = records_.find(asked.file_of);
    const auto path = path_in(folder_of(asked.file_of), kDataFile);
    DW_TRY(const bool there, workspace_.files().exists(path));
    if (of == records_.end() || !there || of->second.received != of->second.bytes) {
      return Error{Code::kNotFound, "there is no whole file of an import '" + asked.file_of + "'"};
    }
    record.file = of->second.file;
    record.bytes = record.received = of->second.bytes;
    record.sha256 = of->second.sha256;
  }
  if (record.bytes == 0) return Error{Code::kInvalid, "the file is empty: bytes is 0"};
  if (record.bytes > options_.file_bytes_max) {
    return Error{Code::kInvalid, "the file has " + std::to_string(record.bytes) +
                                     " bytes, and import.file allows " +
                                     std::to_string(options_.file_bytes_max)};
  }
  DW_TRY(may_begin(record));
  DW_TRY(workspace_.space().admit());
  record.state = ImportState::kUploading;
  record.created = workspace_.clock().wall();
  forget_oldest();
  if (auto made = prepare_folder(asked); !made) {
    std::error_code ignored;
    std::filesystem::remove_all(folder_of(record.id), ignored);
    return made.error();
  }
  records_.emplace(record.id, record);
  if (record.received == record.bytes) begin(record);
  return records_.at(record.id);
}

void Imports::forget_oldest() {
  std::vector<const ImportRecord*> ended;
  for (const auto& [id, record] : records_) {
    if (has_ended(record.state)) ended.push_back(&record);
  }
  if (ended.size() < kEndedKept) return;
  const auto* oldest =
      *std::min_element(ended.begin(), ended.end(),
                        [](const auto* a, const auto* b) { return a->created < b->created; });
  std::error_code ignored;
  std::filesystem::remove_all(folder_of(oldest->id), ignored);
  records_.erase(oldest->id);
}

Result<ImportRecord> Imports::put(const std::string& id, std::uint64_t offset,
                                  std::string_view bytes) {
  const std::lock_guard one{uploads_};
  ImportRecord record;
  {
    const std::lock_guard lock{mutex_};
    const auto known = records_.find(id);
    if (known == records_.end()) return Error{Code::kNotFound, "there is no import '" + id + "'"};
    record = known->second;
  }
  if (record.state != ImportState::kUploading) return wrong_state(record, "its file is whole");
  if (offset != record.received) {
    return Error{Code::kConflict, "the file has " + std::to_string(record.received) +
                                      " bytes so far: send what comes behind them, with offset=" +
                                      std::to_string(record.received)};
  }
  if (bytes.empty() || bytes.size() > record.bytes - record.received) {
    return Error{Code::kInvalid, std::to_string(bytes.size()) + " bytes: the file lacks " +
                                     std::to_string(record.bytes - record.received)};
  }
  DW_TRY(workspace_.space().admit());
  DW_TRY(const auto file,
         workspace_.files().open(path_in(folder_of(id), kDataFile), FileSystem::Mode::kReadWrite));
  DW_TRY(file->write_at(offset, bytes));
  record.received += bytes.size();
  if (record.received == record.bytes) {
    DW_TRY(file->truncate(record.bytes));  // what a piece that broke off may have left
  }
  DW_TRY(file->sync());
  const std::lock_guard lock{mutex_};
  DW_TRY(save(record));
  records_[id] = record;
  if (record.received == record.bytes) begin(record);
  return records_[id];
}

// ---- run

void Imports::begin(ImportRecord record) {
  if (thread_.joinable()) thread_.join();  // it has told its end
  record.state = ImportState::kRunning;
  record.error.reset();
  record.ended.reset();
  record.counts = {};
  record.first_bad.clear();
  order_ = Order::kNone;
  running_ = record.id;
  if (auto saved = save(record); !saved) {
    running_.clear();
    record.state = ImportState::kFailed;
    record.error = saved.error();
    records_[record.id] = std::move(record);
    return;
  }
  records_[record.id] = record;
  thread_ = std::thread{[this, record = std::move(record)] { run(record); }};
}

void Imports::run(ImportRecord record) {
  auto ended = work(record);
  if (stop_) return;  // its file says that it runs, and the next start goes on with it
  const auto state = ended ? ended.value() : ImportState::kFailed;
  if (state == ImportState::kWhole || state == ImportState::kCancelled) remove_file(record.id);
  std::vector<std::function<void()>> waiting;
  {
    const std::lock_guard lock{mutex_};
    record.state = state;
    if (!ended) record.error = ended.error();
    if (has_ended(state)) record.ended = workspace_.clock().wall();
    if (auto saved = save(record); !saved && !record.error) {
      record.state = ImportState::kFailed;
      record.error = saved.error();
    }
    records_[record.id] = record;
    running_.clear();
    order_ = Order::kNone;
    waiting.swap(waiting_);
  }
  changed_.notify_all();
  if (options_.on_end) options_.on_end(record);
  for (const auto& call : waiting) call();
}

Result<ImportState> Imports::work(ImportRecord& record) {
  auto& files = workspace_.files();
  const auto folder = folder_of(record.id);
  const auto stop = [this] { return stop_.load(); };
  ImportAsked asked;
  asked.file = path_in(folder, kDataFile);
  if (!record.sha256.empty()) {
    DW_TRY(const auto hash, hash_of_file(files, asked.file, stop));
    if (hash != record.sha256) {
      return Error{Code::kInvalid, "the file that came has SHA-256 " + hash + ", and " +
                                       record.sha256 + " was said: send it again"};
    }
  }
  DW_TRY(asked.mapping, read_whole(files, path_in(folder, kMappingFile), kMappingBytesMax));
  asked.file_name = record.file;
  asked.mapping_name = "mapping";
  asked.about = {{"file", Value{record.file}}};
  asked.batch = record.batch;
  asked.policy = record.policy;
  asked.rate = record.rate;
  asked.batch_time = record.created;
  asked.resume_by = record.actor;
  asked.rows_bytes = options_.rows_bytes;
  asked.append_bytes = options_.append_bytes;
  // What it appended before is to be known as appended.
  if (!record.dry_run) {
    DW_TRY(wait_all_folded(workspace_, stop));
  }
  DW_TRY(const auto run,
         ImportRun::open(record.dry_run ? nullptr : &workspace_, files, std::move(asked), stop));
  BadRowsFile bad{files, path_in(folder, kBadFile)};
  return pass_on(record, *run, bad);
}

Result<ImportState> Imports::pass_on(ImportRecord& record, ImportRun& run, BadRowsFile& bad) {
  std::vector<import::BadRow> rows;
  for (bool more = true; more;) {
    if (stop_) return Error{Code::kClosed, "the process stops"};
    auto order = Order::kNone;
    {
      const std::lock_guard lock{mutex_};
      order = order_;
    }
    if (order != Order::kNone) {
      DW_TRY(bad.close());
      DW_TRY(leave(record, run));
      return order == Order::kPause ? ImportState::kPaused : ImportState::kCancelled;
    }
    rows.clear();
    auto stepped = run.step(rows);
    for (auto& row : rows) {
      DW_TRY(bad.add(row));
      row.raw.clear();
      if (record.first_bad.size() < kBadRowsShown) record.first_bad.push_back(std::move(row));
    }
    record.counts = run.counts();
    tell(record);
    DW_TRY(more, std::move(stepped));
  }
  DW_TRY(bad.close());
  DW_TRY(run.settle());
  if (record.dry_run) return ImportState::kChecked;
  if (workspace_.event_clock()) {
    DW_TRY(workspace_.engine().advance_together());
  }
  return ImportState::kWhole;
}

// What was appended is marked as what it is: not all.
Result<void> Imports::leave(const ImportRecord& record, ImportRun& run) {
  if (record.dry_run || !run.begun()) return ok();
  DW_TRY(run.settle());
  std::string by;
  {
    const std::lock_guard lock{mutex_};
    by = ordered_by_;
  }
  return mark_batch(workspace_, record.batch, TypeId::kImportPaused, by);
}

void Imports::tell(const ImportRecord& record) {
  const std::lock_guard lock{mutex_};
  auto& shown = records_[record.id];
  shown.counts = record.counts;
  shown.first_bad = record.first_bad;
}

void Imports::remove_file(const std::string& id) {
  std::error_code ignored;
  std::filesystem::remove(path_in(folder_of(id), kDataFile), ignored);
}

// ---- orders

const ImportRecord* Imports::named(const std::string& name) const {
  if (const auto known = records_.find(name); known != records_.end()) return &known->second;
  const ImportRecord* out = nullptr;
  for (const auto& [id, record] : records_) {
    if (record.batch != name || record.dry_run) continue;
    if (out == nullptr || out->created < record.created) out = &record;
  }
  return out;
}

ImportRecord* Imports::named(const std::string& name) {
  return const_cast<ImportRecord*>(std::as_const(*this).named(name));
}

Result<ImportRecord> Imports::order(const std::string& name, Order what, const std::string& actor) {
  std::unique_lock lock{mutex_};
  const auto* record = named(name);
  if (record == nullptr) {
    return Error{Code::kNotFound, "this server has no file of an import '" + name + "'"};
  }
  const auto id = record->id;
  if (running_ != id) return *record;
  order_ = what;
  ordered_by_ = actor;
  changed_.wait_for(lock, kOrderPatience, [&] { return running_ != id; });
  return records_.at(id);
}

Result<ImportRecord> Imports::pause(const std::string& name, const std::string& actor) {
  DW_TRY(auto record, order(name, Order::kPause, actor));
  const bool on_its_way = record.state == ImportState::kRunning;
  if (record.state == ImportState::kPaused || on_its_way) return record;
  return wrong_state(record, "and one that runs can be paused");
}

Result<ImportRecord> Imports::resume(const std::string& name, const std::string& actor) {
  const std::lock_guard lock{mutex_};
  auto* record = named(name);
  if (record == nullptr) {
    return Error{Code::kNotFound, "this server has no file of an import '" + name + "'"};
  }
  if (record->state == ImportState::kRunning) return *record;
  if (record->state != ImportState::kPaused && record->state != ImportState::kFailed) {
    return wrong_state(*record, "and one that is paused or failed can be resumed");
  }
  if (record->received != record->bytes || record->bytes == 0) {
    return wrong_state(*record, "and its file is not there");
  }
  DW_TRY(may_begin(*record));
  record->actor = actor;
  begin(*record);
  return records_.at(record->id);
}

Result<ImportRecord> Imports::cancel(const std::string& name, const std::string& actor) {
  const std::lock_guard one{uploads_};
  DW_TRY(auto record, order(name, Order::kCancel, actor));
  if (record.state == ImportState::kRunning || record.state == ImportState::kCancelled)
    return record;
  if (record.state == ImportState::kWhole) {
    return wrong_state(record, "and its facts stay: take single ones back with event.retracted");
  }
  remove_file(record.id);
  const std::lock_guard lock{mutex_};
  record.state = ImportState::kCancelled;
  record.ended = workspace_.clock().wall();
  DW_TRY(save(record));
  records_[record.id] = record;
  return record;
}

// ---- told

std::vector<ImportRecord> Imports::list() const {
  std::vector<ImportRecord> out;
  {
    const std::lock_guard lock{mutex_};
    for (const auto& [id, record] : records_) out.push_back(record);
  }
  std::sort(out.begin(), out.end(), [](const ImportRecord& a, const ImportRecord& b) {
    return std::pair{b.created, b.id} < std::pair{a.created, a.id};
  });
  return out;
}

Result<ImportRecord> Imports::find(const std::string& name) const {
  const std::lock_guard lock{mutex_};
  const auto* record = named(name);
  if (record != nullptr) return *record;
  return Error{Code::kNotFound, "there is no import '" + name + "'; GET /v1/imports"};
}

Result<std::string> Imports::bad_rows(const std::string& id, std::uint64_t offset) const {
  DW_TRY(const auto record, find(id));
  auto& files = workspace_.files();
  const auto path = path_in(folder_of(record.id), kBadFile);
  DW_TRY(const bool there, files.exists(path));
  if (!there) return std::string{};
  DW_TRY(const auto file, files.open(path, FileSystem::Mode::kRead));
  std::string out(kBadBytesAtOnce, '\0');
  DW_TRY(const auto got, file->read_at(offset, out.size(), out.data()));
  out.resize(got);
  return out;
}

void Imports::when_idle(std::function<void()> call) {
  {
    const std::lock_guard lock{mutex_};
    if (!running_.empty()) return waiting_.push_back(std::move(call));
  }
  call();
}

}  // namespace dealwright::daemon
