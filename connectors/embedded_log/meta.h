// `<data>/log/meta`: what is fixed when a log is created. Text, one `key value` a line, the last
// one a CRC32C over the lines before. And where things lie below the data directory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/hash.h"
#include "engine/base/result.h"
#include "engine/ports/file_system.h"
#include "engine/ports/log.h"

namespace dealwright::embedded_log {

struct Meta {
  std::uint32_t format = 1;
  Hash128 log_id;
  std::uint32_t partitions = 0;
  std::string workspace = "default";
  friend bool operator==(const Meta&, const Meta&) = default;
};

inline std::string log_directory(const std::string& data) { return data + "/log"; }
inline std::string meta_path(const std::string& data) { return log_directory(data) + "/meta"; }
std::string partition_directory(const std::string& data, PartitionId partition);

std::string to_text(const Meta& meta);
// kDamaged, kUnsupported; the detail does not name the file.
Result<Meta> parse_meta(std::string_view text);

// None: there is no such file.
Result<std::optional<Meta>> read_meta(FileSystem& files, const std::string& data);
// Whole and durable, or not there.
Result<void> write_meta(FileSystem& files, const std::string& data, const Meta& meta);

}  // namespace dealwright::embedded_log
