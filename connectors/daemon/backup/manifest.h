// A backup is a folder that is laid out as a data directory is:
//
//   manifest.json        written last: without it there is no backup
//   log/meta log/<partition>/<first>.seg
//   drafts/<rule>.rule.yaml, dealwright.yaml     if there were such
//   keys.json            the cluster key and the API keys; may be kept elsewhere
//
// State and views are not in it: they are a fold of the log.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/hash.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/ports/file_system.h"
#include "engine/ports/log.h"

namespace dealwright::daemon {

inline constexpr std::string_view kManifestFile = "manifest.json";
inline constexpr std::string_view kKeysBundle = "keys.json";

struct BackupFile {
  std::string path;  // below the folder
  std::uint64_t bytes = 0;
  Sha256 hash{};
  friend bool operator==(const BackupFile&, const BackupFile&) = default;
};

struct BackupPartition {
  Position events = 0;  // one past the last of each topic
  Position decisions = 0;
  std::uint64_t frames = 0;  // one past the number of the last, over both topics
  std::uint32_t link = 0;    // the last frame's checksum
  Sha256 last_decision{};    // of its bytes: what the next record's chain would begin with
  friend bool operator==(const BackupPartition&, const BackupPartition&) = default;
};

struct Manifest {
  std::string version;  // of the program that made it
  std::uint32_t state_version = 0;
  std::string workspace;
  Hash128 log_id;           // of the cluster
  std::string cluster_key;  // its id, as events name it
  Instant created;
  std::vector<BackupPartition> partitions;
  std::vector<BackupFile> files;  // by path
  friend bool operator==(const Manifest&, const Manifest&) = default;

  std::uint64_t bytes() const;
  const BackupFile* find(std::string_view path) const;
};

std::string to_text(const Manifest& manifest);
// kDamaged: not as it was written. kUnsupported: of a newer format.
Result<Manifest> parse_manifest(std::string_view text);
// Of the backup in `folder`. kNotFound: it has no manifest, so there is none.
Result<Manifest> read_manifest(FileSystem& files, const std::string& folder);

// What is done with a piece of a file; its error ends the reading.
using TakePiece = std::function<Result<void>(std::uint64_t offset, std::string_view bytes)>;
// The hash of the first `bytes` of `file`; kDamaged: it is shorter.
Result<Sha256> read_pieces(const File& file, const std::string& path, std::uint64_t bytes,
                           const TakePiece& take);
// The id of a cluster key.
std::string key_id(std::string_view secret);

}  // namespace dealwright::daemon
