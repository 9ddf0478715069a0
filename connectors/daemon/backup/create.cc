#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "connectors/daemon/backup/backup.h"
#include "connectors/daemon/backup/copying.h"
#include "connectors/daemon/backup/key_bundle.h"
#include "connectors/daemon/space_guard.h"
#include "connectors/daemon/version.h"
#include "connectors/embedded_log/meta.h"
#include "engine/domain/evolve.h"

namespace dealwright::daemon {
namespace {

constexpr std::size_t kSmallFileMax = std::size_t{1} << 20;  // drafts, settings
constexpr std::string_view kDraftEnd = ".rule.yaml";

std::string segment_path(PartitionId partition, const embedded_log::SegmentFile& segment) {
  return fmt::format("log/{}/{}", partition,
                     embedded_log::segment_name(segment.header.first_sequence));
}

class Making {
 public:
  Making(const BackupSource& source, const std::string& to, const BackupOptions& options)
      : source_{source}, options_{options}, to_{to}, folder_{source.files, to} {}

  Result<Manifest> run() {
    DW_TRY(expect_empty(source_.files, to_, "name another folder with --to"));
    DW_TRY(begin());
    point("backup.begin");
    DW_TRY(const auto cut, source_.log.cut());
    manifest_.created = source_.clock.wall();
    point("backup.cut");
    DW_TRY(copy_log(*cut));
    DW_TRY(copy_rest());
    DW_TRY(folder_.sync());
    point("backup.copied");
    DW_TRY(check(*cut));
    std::sort(manifest_.files.begin(), manifest_.files.end(),
              [](const BackupFile& a, const BackupFile& b) { return a.path < b.path; });
    folder_.made(std::string{kManifestFile} + ".new");
    folder_.made(std::string{kManifestFile});
    DW_TRY(
        write_durable(source_.files, to_ + "/" + std::string{kManifestFile}, to_text(manifest_)));
    folder_.keep();
    point("backup.manifest");
    return manifest_;
  }

 private:
  void point(std::string_view name) const {
    if (options_.at_point) options_.at_point(name);
  }

  Result<void> begin() {
    DW_TRY(const auto meta, embedded_log::read_meta(source_.files, source_.data));
    if (!meta) return Error{Code::kNotFound, "there is no log in " + source_.data};
    manifest_.version = kVersion;
    manifest_.state_version = kStateVersion;
    manifest_.workspace = meta->workspace;
    manifest_.log_id = meta->log_id;
    DW_TRY(keys_, read_keys(source_.files, source_.data));
    manifest_.cluster_key = key_id(keys_.cluster_key);
    DW_TRY(folder_.create());
    DW_TRY(auto file, folder_.put("log/meta", embedded_log::to_text(*meta)));
    manifest_.files.push_back(std::move(file));
    return ok();
  }

  Result<void> go_on() const {
    if (!options_.stop || !options_.stop()) return ok();
    return Error{Code::kClosed, "the backup was broken off: the server stops"};
  }

  Result<void> copy_log(const embedded_log::Cut& cut) {
    std::uint64_t of = 0;
    for (const auto& partition : cut.partitions()) {
      for (const auto& segment : partition.segments) of += segment.bytes;
    }
    DW_TRY(leave_room(of));
    std::uint64_t done = 0;
    const auto piece = [&](std::uint64_t, std::string_view bytes) -> Result<void> {
      done += bytes.size();
      if (options_.progress) options_.progress(done, of);
      return go_on();
    };
    for (PartitionId id = 0; id < cut.partitions().size(); ++id) {
      const auto& partition = cut.partitions()[id];
      DW_TRY(describe(id, partition));
      for (const auto& segment : partition.segments) {
        DW_TRY(auto file,
               folder_.copy(segment.path, segment.bytes, segment_path(id, segment), piece));
        manifest_.files.push_back(std::move(file));
        point("backup.file");
      }
    }
    return ok();
  }

  // A backup must not be what fills the disk that facts go to.
  Result<void> leave_room(std::uint64_t bytes) {
    DW_TRY(const auto free, source_.files.free_bytes(to_));
    DW_TRY(const auto total, source_.files.total_bytes(to_));
    const auto kept = total / 100 * kClosePercent;
    if (free >= bytes + kept) return ok();
    return Error{Code::kNoSpace,
                 fmt::format("the backup takes {} bytes, and {} has {} free, of which {} stay: "
                             "name a folder on another disk with --to",
                             bytes, to_, free, kept)};
  }

  Result<void> describe(PartitionId id, const embedded_log::PartitionCut& partition) {
    const auto& first = partition.segments.front().header.first_positions;
    if (first != std::array<Position, kTopics>{}) {
      return Error{Code::kRefused,
                   fmt::format("partition {}: the log begins at event {}, for retention let go of "
                               "what lies before. That stands in the state alone, so a backup of "
                               "the log could not be restored; keep all of the log to have backups "
                               "(log.retain_bytes, log.retain_days)",
                               id, first[0])};
    }
    BackupPartition out;
    out.events = partition.end.positions[static_cast<std::size_t>(Topic::kEvents)];
    out.decisions = partition.end.positions[static_cast<std::size_t>(Topic::kDecisions)];
    out.frames = partition.end.sequence;
    out.link = partition.end.link;
    if (out.decisions > 0) {
      DW_TRY(const auto last, source_.log.read(Topic::kDecisions, id, out.decisions - 1, 1));
      out.last_decision = sha256(last.records.front().bytes);
    }
    manifest_.partitions.push_back(out);
    return ok();
  }

  Result<void> copy_small(const std::string& name) {
    auto bytes = read_whole(source_.files, source_.data + "/" + name, kSmallFileMax);
    if (!bytes && bytes.error().code == Code::kNotFound) return ok();  // or gone meanwhile
    DW_TRY(const auto text, std::move(bytes));
    DW_TRY(auto file, folder_.put(name, text));
    manifest_.files.push_back(std::move(file));
    return ok();
  }

  Result<void> copy_rest() {
    DW_TRY(copy_small("dealwright.yaml"));
    DW_TRY(const bool drafts, source_.files.exists(source_.data + "/drafts"));
    if (drafts) {
      DW_TRY(const auto names, source_.files.list(source_.data + "/drafts"));
      for (const auto& name : names) {
        if (!name.ends_with(kDraftEnd)) continue;
        DW_TRY(copy_small("drafts/" + name));
      }
    }
    if (!options_.keys) return ok();
    DW_TRY(auto file, folder_.put(std::string{kKeysBundle}, to_text(keys_)));
    manifest_.files.push_back(std::move(file));
    return ok();
  }

  // Every frame of the copy, so that nobody learns of damage when it is too late.
  Result<void> check(const embedded_log::Cut& cut) {
    for (PartitionId id = 0; id < cut.partitions().size(); ++id) {
      DW_TRY(go_on());
      DW_TRY(const auto report, embedded_log::verify(source_.files, to_, id));
      const auto& end = cut.partitions()[id].end;
      if (report.damage) {
        return Error{Code::kDamaged,
                     fmt::format("partition {} was copied and is damaged: {}. Look at the log "
                                 "itself with: dealwright log verify",
                                 id, embedded_log::to_error(*report.damage).detail)};
      }
      if (report.ends != end.positions || report.torn_bytes > 0) {
        return Error{Code::kDamaged, fmt::format("partition {}: the copy ends at event {}, not {}",
                                                 id, report.ends[0], end.positions[0])};
      }
    }
    return ok();
  }

  const BackupSource& source_;
  const BackupOptions& options_;
  const std::string to_;
  NewFolder folder_;
  KeyBundle keys_;
  Manifest manifest_;
};

}  // namespace

Result<Manifest> create_backup(const BackupSource& source, const std::string& to,
                               const BackupOptions& options) {
  return Making{source, to, options}.run();
}

std::string backups_folder(const std::string& data) { return data + "/backups"; }

// Sorts by time; no sign in it that a path or a URL would have to escape.
std::string backup_name(Instant at) {
  std::string out;
  for (const char c : to_text(at)) {
    if (c != ':' && c != '.' && c != '-') out += c;
  }
  return out;
}

}  // namespace dealwright::daemon
