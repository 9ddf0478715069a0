// Keys of a data directory as one file, so that it can be kept apart from the backup.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/ports/file_system.h"

namespace dealwright::daemon {

struct KeyBundle {
  std::string cluster_key;
  std::string api_keys;  // their file; "": there was none
};

// kNotFound: there is no cluster key.
Result<KeyBundle> read_keys(FileSystem& files, const std::string& data);
std::string to_text(const KeyBundle& keys);
// kDamaged; the detail does not name the file.
Result<KeyBundle> parse_key_bundle(std::string_view text);

inline constexpr std::string_view kClusterKeyFile = "keys/cluster.key";
inline constexpr std::string_view kApiKeysFile = "keys/api-keys.json";

}  // namespace dealwright::daemon
