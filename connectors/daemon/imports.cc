#include "connectors/daemon/imports.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "connectors/daemon/bad_rows_file.h"
#include "connectors/import/mapping.h"

namespace dealwright::daemon {
namespace {

using Phase = runtime::ImportBatch::Phase;
constexpr std::size_t kEndedKept = 200;
constexpr std::size_t kDataKept = 2;  // of imports that ended and can be tried again
constexpr auto kOrderPatience = std::chrono::seconds{5};

Error wrong_state(const ImportRecord& record, std::string_view wanted) {
  return Error{Code::kConflict, "import " + record.id + " is " +
                                    std::string{import_state_name(record.state)} + ", " +
                                    std::string{wanted}};
}

Error not_here(const std::string& name) {
  return Error{Code::kNotFound, "this server has no file of an import '" + name + "'"};
}

std::string of_batch(const ImportRecord& record) {
  return "import " + record.id + " (batch '" + record.batch + "')";
}

}  // namespace

Imports::Imports(Workspace& workspace, ImportsOptions options)
    : workspace_{workspace},
      options_{std::move(options)},
      files_{workspace.files(), workspace.path() + "/imports"} {}

Imports::~Imports() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

Result<void> Imports::open() {
  DW_TRY(auto records, files_.open());
  const std::lock_guard lock{mutex_};
  for (auto& record : records) {
    auto id = record.id;
    records_.emplace(std::move(id), std::move(record));
  }
  sweep_data();  // what a crash kept from going
  for (const auto& [id, record] : records_) {
    const bool whole = record.bytes > 0 && record.received == record.bytes;
    const bool sent = record.state == ImportState::kUploading && whole;  // a crash came behind it
    if (record.state == ImportState::kRunning || sent) {
      begin(record);
      break;  // there is one at most
    }
  }
  return ok();
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
    DW_TRY(const bool there, files_.has_data(asked.file_of));
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
  record.may_resume = true;
  record.created = workspace_.clock().wall();
  forget_oldest(asked.file_of);
  if (auto made = files_.make(record, asked.mapping, asked.file_of); !made) {
    files_.remove(record.id);
    return made.error();
  }
  records_.emplace(record.id, record);
  if (record.received == record.bytes) begin(record);
  return records_.at(record.id);
}

void Imports::forget_oldest(const std::string& but) {
  std::vector<const ImportRecord*> ended;
  for (const auto& [id, record] : records_) {
    if (has_ended(record.state) && id != but) ended.push_back(&record);
  }
  if (ended.size() < kEndedKept) return;
  const auto id = (*std::min_element(ended.begin(), ended.end(), [](const auto* a, const auto* b) {
                    return a->created < b->created;
                  }))->id;
  files_.remove(id);
  records_.erase(id);
}

// Files are large: one that is imported or cancelled goes, and of the others those of the newest
// stay.
void Imports::sweep_data() {
  std::vector<const ImportRecord*> kept;
  for (const auto& [id, record] : records_) {
    const bool again =
        record.state == ImportState::kFailed || record.state == ImportState::kChecked;
    if (again) {
      kept.push_back(&record);
    } else if (has_ended(record.state)) {
      files_.remove_data(id);
    }
  }
  std::sort(kept.begin(), kept.end(), [](const auto* a, const auto* b) {
    return a->ended.value_or(a->created) > b->ended.value_or(b->created);
  });
  for (std::size_t i = kDataKept; i < kept.size(); ++i) files_.remove_data(kept[i]->id);
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
  DW_TRY(const auto file, workspace_.files().open(files_.data(id), FileSystem::Mode::kReadWrite));
  DW_TRY(file->write_at(offset, bytes));
  record.received += bytes.size();
  if (record.received == record.bytes) {
    DW_TRY(file->truncate(record.bytes));  // what a piece that broke off may have left
  }
  DW_TRY(file->sync());
  const std::lock_guard lock{mutex_};
  DW_TRY(files_.save(record));
  records_[id] = record;
  if (record.received == record.bytes) begin(record);
  return records_[id];
}

// ---- run

// One that an order stands for is not tried: it hears of it, and keeps what it has counted.
void Imports::begin(ImportRecord record) {
  if (thread_.joinable()) thread_.join();  // it has told its end
  record.state = ImportState::kRunning;
  if (record.order == ImportOrder::kNone) {
    record.error.reset();
    record.ended.reset();
    record.counts = {};
    record.first_bad.clear();
  }
  if (auto saved = files_.save(record); !saved) {
    record.state = ImportState::kFailed;
    record.error = saved.error();
    records_[record.id] = std::move(record);
    return;
  }
  running_ = record.id;
  records_[record.id] = record;
  {
    const std::lock_guard idle{idle_mutex_};
    idle_ = false;
  }
  thread_ = std::thread{[this, record = std::move(record)] { run(record); }};
}

void Imports::run(ImportRecord record) {
  auto ended = work(record);
  if (stop_) return;  // its file says that it runs, and the next start goes on with it
  {
    const std::lock_guard lock{mutex_};
    const bool cancelled = records_.at(record.id).order == ImportOrder::kCancel;
    const auto broken = cancelled ? ImportState::kCancelled : ImportState::kFailed;
    record.state = ended ? ended.value() : broken;
    if (!ended) record.error = ended.error();
    record.order = ImportOrder::kNone;
    record.ordered_by.clear();
    if (has_ended(record.state)) record.ended = workspace_.clock().wall();
    if (auto saved = files_.save(record); !saved) {
      record.state = ImportState::kFailed;
      if (!record.error) record.error = saved.error();
    }
    records_[record.id] = record;
    running_.clear();
    sweep_data();  // behind what the record says: without its file it could not be tried again
  }
  changed_.notify_all();
  if (options_.on_end) options_.on_end(record);
  tell_idle();
}

Result<ImportState> Imports::work(ImportRecord& record) {
  if (record.order != ImportOrder::kNone) return obey(record);  // it came before a restart
  BadRowsFile bad{workspace_.files(), files_.bad_rows(record.id)};
  auto ended = attempt(record, bad);
  // Those of one that failed count as well: they may be why.
  if (const auto closed = bad.close(); ended && !closed) return closed.error();
  return ended;
}

Result<ImportState> Imports::attempt(ImportRecord& record, BadRowsFile& bad) {
  auto& files = workspace_.files();
  const auto stop = [this] { return stop_.load(); };
  ImportAsked asked;
  asked.file = files_.data(record.id);
  if (!record.sha256.empty()) {
    DW_TRY(const auto hash, hash_of_file(files, asked.file, stop));
    if (hash != record.sha256) {
      return Error{Code::kInvalid, "the file that came has SHA-256 " + hash + ", and " +
                                       record.sha256 + " was said: send it again"};
    }
  }
  DW_TRY(asked.mapping, files_.mapping(record.id));
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
    DW_TRY(const auto known, find_batch(workspace_, record.batch));
    if (known.batch.phase == Phase::kPaused && !record.may_resume) return ImportState::kPaused;
  }
  DW_TRY(const auto run,
         ImportRun::open(record.dry_run ? nullptr : &workspace_, files, std::move(asked), stop));
  DW_TRY(resumed(record));
  return pass_on(record, *run, bad);
}

// Whoever pauses its batch from now on, also while no server runs, is not overruled by a restart.
Result<void> Imports::resumed(ImportRecord& record) {
  record.may_resume = false;
  const std::lock_guard lock{mutex_};
  auto& now = records_.at(record.id);
  now.may_resume = false;
  return files_.save(now);
}

Result<ImportState> Imports::pass_on(ImportRecord& record, ImportRun& run, BadRowsFile& bad) {
  std::vector<import::BadRow> rows;
  for (bool more = true; more;) {
    if (stop_) return Error{Code::kClosed, "the process stops"};
    if (const auto now = shown(record.id); now.order != ImportOrder::kNone) {
      DW_TRY(run.settle());
      return obey(now);
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
  DW_TRY(run.settle());
  if (record.dry_run) return ImportState::kChecked;
  if (workspace_.event_clock()) {
    DW_TRY(workspace_.engine().advance_together());
  }
  return ImportState::kWhole;
}

// What was appended is marked as what it is: not all. Once: a crash may have come behind the mark.
Result<ImportState> Imports::obey(const ImportRecord& ordered) {
  const bool pause = ordered.order == ImportOrder::kPause;
  const auto state = pause ? ImportState::kPaused : ImportState::kCancelled;
  if (ordered.dry_run) return state;
  DW_TRY(wait_all_folded(workspace_, [this] { return stop_.load(); }));
  DW_TRY(const auto known, find_batch(workspace_, ordered.batch));
  if (known.batch.phase == Phase::kOpen) {
    DW_TRY(mark_batch(workspace_, ordered.batch, TypeId::kImportPaused, ordered.ordered_by));
  }
  return state;
}

ImportRecord Imports::shown(const std::string& id) const {
  const std::lock_guard lock{mutex_};
  return records_.at(id);
}

void Imports::tell(const ImportRecord& record) {
  const std::lock_guard lock{mutex_};
  auto& shown = records_[record.id];
  shown.counts = record.counts;
  shown.first_bad = record.first_bad;
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

Result<ImportRecord> Imports::order(std::unique_lock<std::mutex>& lock, const std::string& name,
                                    ImportOrder what, const std::string& actor) {
  auto* record = named(name);
  if (record == nullptr) return not_here(name);
  const auto id = record->id;
  if (running_ != id) return *record;
  if (record->order == ImportOrder::kCancel && what == ImportOrder::kPause) {
    return wrong_state(*record, "and is being cancelled");
  }
  if (record->order != what) {
    auto ordered = *record;
    ordered.order = what;
    ordered.ordered_by = actor;
    DW_TRY(files_.save(ordered));  // before it is heard, and before anybody is answered
    *record = std::move(ordered);
  }
  changed_.wait_for(lock, kOrderPatience, [&] { return running_ != id; });
  const auto now = records_.find(id);
  return now == records_.end() ? Result<ImportRecord>{not_here(name)} : now->second;
}

Result<ImportRecord> Imports::pause(const std::string& name, const std::string& actor) {
  std::unique_lock lock{mutex_};
  DW_TRY(auto record, order(lock, name, ImportOrder::kPause, actor));
  const bool on_its_way = record.state == ImportState::kRunning;
  if (record.state == ImportState::kPaused || on_its_way) return record;
  return wrong_state(record, "and one that runs can be paused");
}

Result<ImportRecord> Imports::resume(const std::string& name, const std::string& actor) {
  const std::lock_guard lock{mutex_};
  auto* record = named(name);
  if (record == nullptr) return not_here(name);
  if (record->state == ImportState::kRunning) {
    if (record->order == ImportOrder::kNone) return *record;
    const bool pause = record->order == ImportOrder::kPause;
    return wrong_state(*record, pause ? "and is being paused: resume it when it is paused"
                                      : "and is being cancelled");
  }
  if (record->state != ImportState::kPaused && record->state != ImportState::kFailed) {
    return wrong_state(*record, "and one that is paused or failed can be resumed");
  }
  DW_TRY(const bool there, files_.has_data(record->id));
  if (!there || record->received != record->bytes || record->bytes == 0) {
    return wrong_state(*record, "and its file is not there: send it again as a new import");
  }
  DW_TRY(may_begin(*record));
  record->actor = actor;
  record->may_resume = true;
  begin(*record);
  return records_.at(record->id);
}

Result<ImportRecord> Imports::cancel(const std::string& name, const std::string& actor) {
  const std::lock_guard one{uploads_};
  std::unique_lock lock{mutex_};
  DW_TRY(auto record, order(lock, name, ImportOrder::kCancel, actor));
  if (record.state == ImportState::kRunning || record.state == ImportState::kCancelled)
    return record;
  if (record.state == ImportState::kWhole) {
    return wrong_state(record, "and its facts stay: take single ones back with event.retracted");
  }
  // The lock was held since it was looked up: nobody has resumed it.
  record.state = ImportState::kCancelled;
  record.ended = workspace_.clock().wall();
  DW_TRY(files_.save(record));
  records_[record.id] = record;
  sweep_data();
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
  return files_.read_bad_rows(record.id, offset);
}

Imports::Ticket Imports::when_idle(std::function<void()> call) {
  {
    const std::lock_guard idle{idle_mutex_};
    if (!idle_) {
      waiting_.emplace(++last_, std::move(call));
      return last_;
    }
  }
  call();
  return 0;
}

void Imports::forget(Ticket ticket) {
  std::function<void()> gone;  // let go of outside of the lock
  const std::lock_guard idle{idle_mutex_};
  const auto it = waiting_.find(ticket);
  if (it == waiting_.end()) return;
  gone = std::move(it->second);
  waiting_.erase(it);
}

void Imports::tell_idle() {
  std::map<Ticket, std::function<void()>> waiting;
  {
    const std::lock_guard idle{idle_mutex_};
    idle_ = true;
    waiting.swap(waiting_);
  }
  for (const auto& [ticket, call] : waiting) call();
}

}  // namespace dealwright::daemon
