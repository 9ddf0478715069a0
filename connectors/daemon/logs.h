// Opens the log that the configuration names.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "connectors/daemon/config.h"
#include "connectors/kafka_log/kafka_log.h"

namespace dealwright::daemon {

// `named`: cluster_key_file of the settings.
inline std::string cluster_key_path(const std::string& named, const std::string& data) {
  return named.empty() ? data + "/keys/cluster.key" : named;
}

// Whether a data directory has been made there, for either kind of log.
Result<bool> has_log(FileSystem& files, const std::string& data);

// A file of `name=value` lines; # begins a comment. kInvalid: a line is none, or a variable that it
// names is not set; says which line, never its value. kNotFound: no file.
Result<std::map<std::string, std::string>> read_properties(FileSystem& files,
                                                           const std::string& path);
Result<kafka_log::Options> kafka_options(FileSystem& files, const Config& config);

}  // namespace dealwright::daemon
