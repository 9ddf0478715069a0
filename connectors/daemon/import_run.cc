#include "connectors/daemon/import_run.h"

#include <algorithm>

#include "connectors/daemon/appender.h"
#include "connectors/daemon/tables.h"
#include "connectors/import/import_source.h"
#include "engine/base/id.h"
#include "engine/codec/event_codec.h"
#include "engine/runtime/keys.h"

namespace dealwright::daemon {
namespace {

using Phase = runtime::ImportBatch::Phase;
constexpr std::size_t kHashedAtOnce = std::size_t{1} << 20;
constexpr auto kPatience = milliseconds(200);  // between two questions whether to stop

Error stopping() { return Error{Code::kClosed, "the process stops"}; }

class Run final : public ImportRun {
 public:
  Run(Workspace* workspace, FileSystem& files, ImportAsked asked, std::function<bool()> stop)
      : workspace_{workspace}, files_{files}, asked_{std::move(asked)}, stop_{std::move(stop)} {}

  Result<void> open();
  Result<bool> step(std::vector<import::BadRow>& bad) override;
  Result<void> settle() override;
  ImportCounts counts() const override;
  const std::string& batch() const override { return source_->batch(); }
  bool begun() const override { return resumed_ || appended_ > 0; }

 private:
  Result<void> find_place();
  Result<void> agree_with(const KnownBatch& known);
  Result<void> check_clock(const Event& event);

  Workspace* const workspace_;
  FileSystem& files_;
  const ImportAsked asked_;
  const std::function<bool()> stop_;
  import::ImportOptions options_;
  std::unique_ptr<import::ImportSource> source_;
  std::unique_ptr<Appender> appender_;
  std::vector<std::uint64_t> known_;  // rows that each partition has already
  std::vector<bool> time_checked_;
  std::vector<Event> events_;
  bool resumed_ = false;
  std::uint64_t appended_ = 0;
  std::uint64_t there_ = 0;
};

Result<void> Run::open() {
  DW_TRY(auto mapping, import::parse_mapping(asked_.mapping, asked_.mapping_name));
  auto& batch = options_.batch;
  batch.batch = asked_.batch.empty() ? mapping.batch : asked_.batch;
  // As the mapping's own.
  if (!is_id(batch.batch) || batch.batch.size() > kBatchBytesMax) {
    return Error{Code::kInvalid, "batch '" + batch.batch.substr(0, kBatchBytesMax) +
                                     "': a batch has 1 to 100 bytes of UTF-8, no control "
                                     "characters; name another batch"};
  }
  batch.rate = asked_.rate;
  batch.policy = asked_.policy;
  batch.batch_time = asked_.batch_time;
  options_.rows_bytes_max = asked_.rows_bytes;
  if (workspace_ != nullptr) {
    DW_TRY(find_place());
  }
  DW_TRY(auto file, files_.open(asked_.file, FileSystem::Mode::kRead));
  DW_TRY(auto input, import::open_input(std::move(file)));
  DW_TRY(auto source, import::ImportSource::open(std::move(input), std::move(mapping), options_));
  source_ = std::move(source);
  return ok();
}

// Where the log stands with this batch.
Result<void> Run::find_place() {
  DW_TRY(auto hash, hash_of_file(files_, asked_.file, stop_));
  options_.hash = std::move(hash);
  auto about = asked_.about;
  about.emplace_back("mapping_hash", Value{hex(sha256(asked_.mapping))});
  options_.about = *Value{std::move(about)}.as_map();  // sorted
  const auto& name = options_.batch.batch;
  if (workspace_->event_clock()) options_.batch.batch_time.reset();
  DW_TRY(const auto known, find_batch(*workspace_, name));
  resumed_ = known.batch.phase != Phase::kUnknown || known.rows > 0;
  if (resumed_) {
    DW_TRY(agree_with(known));
  }
  if (known.batch.phase == Phase::kPaused) {
    DW_TRY(mark_batch(*workspace_, name, TypeId::kImportResumed, asked_.resume_by));
  }
  known_.resize(workspace_->partitions());
  time_checked_.resize(workspace_->partitions());
  for (PartitionId id = 0; id < known_.size(); ++id) {
    DW_TRY(workspace_->engine().ask(
        id, [&](runtime::Partition& p) { known_[id] = p.state().batch(name).highest_row; }));
  }
  appender_ = std::make_unique<Appender>(*workspace_, asked_.append_bytes, stop_);
  return ok();
}

// A batch is one file through one mapping under one policy, for ever: rows are told apart by
// number.
Result<void> Run::agree_with(const KnownBatch& known) {
  auto& batch = options_.batch;
  const auto& name = batch.batch;
  if (known.batch.phase == Phase::kPaused && asked_.resume_by.empty()) {
    return Error{Code::kRefused,
                 "batch '" + name + "' is paused; dealwright import resume " + name};
  }
  const auto policy = known.batch.policy;
  const auto asked = batch.policy == Policy::kUnset ? policy : batch.policy;
  if (asked != policy || (batch.rate > 0 && batch.rate != known.batch.per_hour)) {
    return Error{Code::kRefused, "batch '" + name + "' was opened with policy " +
                                     std::string{policy_name(policy)} +
                                     "; it cannot be changed: name another batch (--batch)"};
  }
  batch.policy = policy;
  batch.rate = known.batch.per_hour;
  if (!known.opened) return ok();
  const auto hash = known.opened->data.text(Field::kHash);
  if (!hash.empty() && hash != options_.hash) {
    return Error{Code::kRefused, "batch '" + name + "' was made of another file than " +
                                     asked_.file_name + "; name another batch (--batch)"};
  }
  const auto* mapping = find(known.opened->extra, "mapping_hash");
  const auto* ours = find(options_.about, "mapping_hash");
  if (mapping != nullptr && ours != nullptr && *mapping != *ours) {
    return Error{Code::kRefused, "batch '" + name + "' was made through another mapping than " +
                                     asked_.mapping_name + " is now; name another batch (--batch)"};
  }
  // The same rows as the first time.
  if (batch.batch_time && known.opened->time) batch.batch_time = known.opened->time;
  return ok();
}

// On the time of the events nothing may have passed the first of them: what is due would have fired
// without it.
Result<void> Run::check_clock(const Event& event) {
  if (!asked_.first_in_time || !event.time) return ok();
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

Result<bool> Run::step(std::vector<import::BadRow>& bad) {
  events_.clear();
  DW_TRY(const bool more, source_->next(events_, bad));
  for (const auto& event : events_) {
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
  return more;
}

Result<void> Run::settle() {
  if (workspace_ == nullptr) return ok();
  DW_TRY(appender_->flush());
  return wait_all_folded(*workspace_, stop_);
}

ImportCounts Run::counts() const {
  const auto p = source_->progress();
  return {p.bytes_read, p.bytes_total,    p.rows,    p.bad_rows,
          p.events,     p.events_planned, appended_, there_};
}

}  // namespace

Result<std::unique_ptr<ImportRun>> ImportRun::open(Workspace* workspace, FileSystem& files,
                                                   ImportAsked asked, std::function<bool()> stop) {
  auto out = std::make_unique<Run>(workspace, files, std::move(asked), std::move(stop));
  DW_TRY(out->open());
  return std::unique_ptr<ImportRun>{std::move(out)};
}

Result<std::string> hash_of_file(FileSystem& files, const std::string& path,
                                 const std::function<bool()>& stop) {
  DW_TRY(auto file, files.open(path, FileSystem::Mode::kRead));
  Sha256Stream stream;
  std::string piece(kHashedAtOnce, '\0');
  for (std::uint64_t at = 0;;) {
    if (stop && stop()) return stopping();
    DW_TRY(auto got, file->read_at(at, piece.size(), piece.data()));
    if (got == 0) break;
    stream.update(std::string_view{piece}.substr(0, got));
    at += got;
  }
  return hex(stream.finish());
}

Result<void> wait_all_folded(Workspace& workspace, const std::function<bool()>& stop) {
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    if (!workspace.serves(id)) continue;
    DW_TRY(const auto end, workspace.log().end(Topic::kEvents, id));
    while (end > 0) {
      if (stop && stop()) return stopping();
      const auto there = workspace.wait_folded({id, end - 1}, kPatience);
      if (there) break;
      if (!there.error().retriable) return there.error();
    }
  }
  return ok();
}

Result<KnownBatch> find_batch(Workspace& workspace, const std::string& batch) {
  KnownBatch out;
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    if (!workspace.serves(id)) continue;
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

Result<std::vector<std::string>> batch_names(Workspace& workspace) {
  std::vector<std::string> names;
  DW_TRY(scan_all(workspace, runtime::keys::kBatch,
                  [&](PartitionId, std::string_view key, std::string_view) {
                    names.emplace_back(key.substr(1));
                  }));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string_view phase_name(Phase phase) {
  static constexpr std::string_view kNames[] = {"unknown", "open", "paused", "closed"};
  return kNames[static_cast<std::size_t>(phase)];
}

Result<void> mark_batch(Workspace& workspace, const std::string& batch, TypeId type,
                        const std::string& actor) {
  Event event;
  const auto now = workspace.clock().wall();
  event.source = "dealwright/operator";
  event.type = type;
  event.subject = {Kind::kImport, batch};
  event.id = std::string{event.type_name()} + "-" + batch + "-" + to_text(now);
  if (!workspace.event_clock()) event.time = now;
  event.actor = actor;
  event.data.set(Field::kAuthor, Value{actor});
  DW_TRY(const auto placed, workspace.append({std::move(event)}));
  return workspace.wait_folded(placed.front());
}

}  // namespace dealwright::daemon
