#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "connectors/daemon/backup/backup.h"

namespace dealwright::daemon {
namespace {

runtime::NextRecord records_of(embedded_log::RecordCursor cursor, Sha256* last) {
  auto shared = std::make_shared<embedded_log::RecordCursor>(std::move(cursor));
  return [shared, last]() -> Result<std::optional<LogRecord>> {
    DW_TRY(auto record, shared->next());
    if (record && last != nullptr) *last = sha256(record->bytes);
    return record;
  };
}

Error damaged(const std::string& path, std::string_view why) {
  return Error{Code::kDamaged, fmt::format("{}: {}", path, why)};
}

Result<void> check_file(FileSystem& files, const std::string& folder, const BackupFile& file,
                        bool& there) {
  const auto path = folder + "/" + file.path;
  DW_TRY(there, files.exists(path));
  if (!there) return file.path == kKeysBundle ? ok() : Result<void>{damaged(path, "is missing")};
  DW_TRY(const auto opened, files.open(path, FileSystem::Mode::kRead));
  DW_TRY(const auto size, opened->size());
  if (size != file.bytes) {
    return damaged(path, fmt::format("has {} bytes; it had {}", size, file.bytes));
  }
  DW_TRY(const auto hash, read_pieces(*opened, path, size, {}));
  if (hash != file.hash) return damaged(path, "is not as it was written: another SHA-256");
  return ok();
}

// A file that create_backup() makes none of would be taken for what it is not: keys, a state.
bool is_ours(std::string_view path, std::size_t partitions) {
  if (path == "log/meta" || path == "dealwright.yaml" || path == kKeysBundle) return true;
  const auto last = path.rfind('/');
  if (last == std::string_view::npos) return false;
  const auto folder = path.substr(0, last);
  if (folder == "drafts") return path.ends_with(".rule.yaml");
  for (std::size_t id = 0; id < partitions; ++id) {
    if (folder == fmt::format("log/{}", id)) return path.ends_with(".seg");
  }
  return false;
}

// A segment too many would be folded with the others.
Result<void> check_no_more(FileSystem& files, const std::string& folder, const Manifest& manifest) {
  for (PartitionId id = 0; id < manifest.partitions.size(); ++id) {
    const auto below = fmt::format("log/{}", id);
    DW_TRY(const auto names, files.list(folder + "/" + below));
    for (const auto& name : names) {
      const auto path = below + "/" + name;
      if (manifest.find(path) == nullptr) {
        return damaged(folder + "/" + path, "is not of this backup: its manifest does not name it");
      }
    }
  }
  return ok();
}

Result<CheckedPartition> check_partition(FileSystem& files, const std::string& folder,
                                         PartitionId id, const BackupPartition& said) {
  using embedded_log::RecordCursor;
  CheckedPartition out;
  DW_TRY(out.log, embedded_log::verify(files, folder, id));
  if (out.log.damage) return embedded_log::to_error(*out.log.damage);
  const auto where = fmt::format("{}/log/{}", folder, id);
  if (out.log.torn_bytes > 0) return damaged(where, "ends within a frame");
  const std::array<Position, kTopics> ends{said.events, said.decisions};
  if (out.log.ends != ends || out.log.frames != said.frames) {
    return damaged(where, fmt::format("has {} events and {} decisions; its manifest says {} and {}",
                                      out.log.ends[0], out.log.ends[1], ends[0], ends[1]));
  }
  Sha256 last{};
  DW_TRY(auto events, RecordCursor::open(files, folder, id, Topic::kEvents));
  DW_TRY(auto decisions, RecordCursor::open(files, folder, id, Topic::kDecisions));
  DW_TRY(out.chain, runtime::verify_chain(records_of(std::move(events), nullptr),
                                          records_of(std::move(decisions), &last)));
  if (out.chain.damage) return damaged(where, out.chain.damage->detail);
  if (said.decisions > 0 && last != said.last_decision) {
    return damaged(where, "its last decision is not the one that its manifest names");
  }
  return out;
}

}  // namespace

Result<CheckedBackup> verify_backup(FileSystem& files, const std::string& folder) {
  CheckedBackup out;
  DW_TRY(out.manifest, read_manifest(files, folder));
  for (const auto& file : out.manifest.files) {
    if (!is_ours(file.path, out.manifest.partitions.size())) {
      return damaged(folder + "/" + file.path,
                     "is no file of a backup, though its manifest names it");
    }
    bool there = false;
    DW_TRY(check_file(files, folder, file, there));
    if (file.path == kKeysBundle) out.keys = there;
  }
  DW_TRY(check_no_more(files, folder, out.manifest));
  for (PartitionId id = 0; id < out.manifest.partitions.size(); ++id) {
    DW_TRY(auto partition, check_partition(files, folder, id, out.manifest.partitions[id]));
    out.partitions.push_back(std::move(partition));
  }
  return out;
}

Result<std::vector<ListedBackup>> list_backups(FileSystem& files, const std::string& parent) {
  std::vector<ListedBackup> out;
  DW_TRY(const bool there, files.exists(parent));
  if (!there) return out;
  DW_TRY(const auto names, files.list(parent));
  for (const auto& name : names) {
    auto& one = out.emplace_back();
    one.name = name;
    one.path = parent + "/" + name;
    auto manifest = read_manifest(files, one.path);
    if (manifest) {
      one.manifest = std::move(manifest.value());
    } else {
      one.fault = manifest.error().detail;
    }
  }
  return out;
}

}  // namespace dealwright::daemon
