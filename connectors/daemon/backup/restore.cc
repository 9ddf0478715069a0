#include <fmt/format.h>

#include <utility>

#include "connectors/daemon/backup/backup.h"
#include "connectors/daemon/backup/copying.h"
#include "connectors/daemon/backup/key_bundle.h"
#include "connectors/daemon/effects_pause.h"
#include "engine/domain/evolve.h"

namespace dealwright::daemon {
namespace {

constexpr std::string_view kMetaFile = "log/meta";
constexpr std::size_t kBundleBytesMax = std::size_t{64} << 20;

Result<std::optional<KeyBundle>> keys_for(FileSystem& files, const std::string& folder,
                                          const CheckedBackup& backup,
                                          const RestoreOptions& options) {
  if (options.new_keys) return std::optional<KeyBundle>{};
  const auto path =
      options.keys_file.empty() ? folder + "/" + std::string{kKeysBundle} : options.keys_file;
  if (options.keys_file.empty() && !backup.keys) {
    return Error{Code::kRefused,
                 folder +
                     " was kept without its keys. Say where they are with --keys FILE; or "
                     "--new-keys, and what the engine itself had said and not yet decided on "
                     "is set aside"};
  }
  DW_TRY(const auto text, read_whole(files, path, kBundleBytesMax));
  auto keys = parse_key_bundle(text);
  if (!keys) return Error{keys.error().code, path + ": " + keys.error().detail};
  if (key_id(keys.value().cluster_key) != backup.manifest.cluster_key) {
    return Error{Code::kRefused,
                 fmt::format("{} holds the keys of another cluster: {}, not {}", path,
                             key_id(keys.value().cluster_key), backup.manifest.cluster_key)};
  }
  return std::optional{std::move(keys.value())};
}

Result<void> copy_checked(NewFolder& to, const std::string& folder, const BackupFile& file) {
  DW_TRY(const auto copied, to.copy(folder + "/" + file.path, file.bytes, file.path, {}));
  if (copied == file) return ok();
  return Error{Code::kDamaged, fmt::format("{}/{} changed while it was copied", folder, file.path)};
}

}  // namespace

Result<Manifest> restore_backup(FileSystem& files, const Clock& clock, const std::string& folder,
                                const std::string& data, const RestoreOptions& options) {
  DW_TRY(expect_empty(files, data, "name a new directory with --data"));
  DW_TRY(const auto backup, verify_backup(files, folder));
  const auto& manifest = backup.manifest;
  if (manifest.state_version > kStateVersion) {
    return Error{Code::kUnsupported,
                 fmt::format("{} was made by Dealwright {}, whose decisions (version {}) this "
                             "program does not know (it knows {}): restore it with that one",
                             folder, manifest.version, manifest.state_version, kStateVersion)};
  }
  DW_TRY(const auto keys, keys_for(files, folder, backup, options));
  NewFolder to{files, data};
  DW_TRY(to.create());
  // Before all else: whatever becomes of the rest, nothing leaves by itself.
  to.made(std::string{kEffectsPausedFile} + ".new");
  to.made(std::string{kEffectsPausedFile});
  DW_TRY(write_effects_pause(
      files, data,
      {fmt::format("restored from the backup of {}", to_text(manifest.created)), clock.wall()}));
  const BackupFile* meta = nullptr;
  for (const auto& file : manifest.files) {
    if (file.path == kMetaFile) meta = &file;
    if (file.path == kMetaFile || file.path == kKeysBundle) continue;
    DW_TRY(copy_checked(to, folder, file));
  }
  if (meta == nullptr) return Error{Code::kDamaged, folder + ": its manifest names no log/meta"};
  if (keys) {
    DW_TRY(to.put(std::string{kClusterKeyFile}, keys->cluster_key));
    if (!keys->api_keys.empty()) {
      DW_TRY(to.put(std::string{kApiKeysFile}, keys->api_keys));
    }
  }
  DW_TRY(to.sync());
  DW_TRY(const auto text, read_whole(files, folder + "/" + meta->path, meta->bytes));
  if (sha256(text) != meta->hash) {
    return Error{Code::kDamaged, folder + "/" + meta->path + " changed while it was copied"};
  }
  // What makes it a data directory comes last, and whole.
  to.made(std::string{kMetaFile} + ".new");
  to.made(std::string{kMetaFile});
  DW_TRY(write_durable(files, data + "/" + std::string{kMetaFile}, text));
  to.keep();
  return manifest;
}

}  // namespace dealwright::daemon
