// Making, checking and restoring backups (docs/operations.md). See manifest.h for what one holds.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/daemon/backup/manifest.h"
#include "connectors/embedded_log/embedded_log.h"
#include "connectors/embedded_log/verify.h"
#include "engine/ports/clock.h"
#include "engine/ports/file_system.h"
#include "engine/runtime/verify.h"

namespace dealwright::daemon {

struct BackupSource {
  FileSystem& files;
  const Clock& clock;
  std::string data;  // the data directory of `log`
  embedded_log::EmbeddedLog& log;
};

struct BackupOptions {
  bool keys = true;
  std::function<bool()> stop;  // asked between pieces; true: break off with kClosed
  std::function<void(std::uint64_t done, std::uint64_t of)> progress;  // bytes
  // Crash tests: backup.{begin,cut,file,copied,manifest}, the last behind it.
  std::function<void(std::string_view point)> at_point;
};

// Copies what is durable at one instant while the log goes on, reads every frame of the copy again,
// and writes the manifest last. What a failure leaves is removed; what a crash leaves is no backup.
// kConflict: `to` is there and not empty. kRefused: retention let go of a part of the log, which
// stands in the state alone. kDamaged: the log is, and where.
Result<Manifest> create_backup(const BackupSource& source, const std::string& to,
                               const BackupOptions& options);

struct CheckedPartition {
  embedded_log::VerifyReport log;
  runtime::ChainReport chain;
};
struct CheckedBackup {
  Manifest manifest;
  bool keys = false;  // they are in it
  std::vector<CheckedPartition> partitions;
};

// Every byte: hashes, frames, the chain over both topics. kNotFound: there is no backup.
// kDamaged: the first damage, with its file.
Result<CheckedBackup> verify_backup(FileSystem& files, const std::string& folder);

struct RestoreOptions {
  std::string keys_file;  // where the keys are kept; "": in the backup
  bool new_keys = false;  // go on without them
};

// Checks the backup and makes a data directory of it, in which effects are paused. It is one when
// its log/meta is there, the last thing written. kConflict: `data` is there and not empty.
// kRefused: no keys, or those of another cluster. kUnsupported: made by a newer program.
Result<Manifest> restore_backup(FileSystem& files, const Clock& clock, const std::string& folder,
                                const std::string& data, const RestoreOptions& options);

// Folders in `parent` that are, or were to become, backups; by name.
struct ListedBackup {
  std::string name;
  std::string path;
  std::optional<Manifest> manifest;  // none: it broke off, or its manifest is damaged
  std::string fault;                 // then: why
};
Result<std::vector<ListedBackup>> list_backups(FileSystem& files, const std::string& parent);

// `<data>/backups/<instant>`: where a backup goes if nobody says otherwise.
std::string backups_folder(const std::string& data);
std::string backup_name(Instant at);

}  // namespace dealwright::daemon
