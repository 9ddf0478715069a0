// `<data>/log/kafka`: which cluster and topics this data directory belongs to, and which leader
// wrote what of them: all that tells a log that was cut, replaced or made anew from ours. Text, one
// `key value` a line, the last one a CRC32C over the lines before.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/result.h"
#include "engine/ports/file_system.h"
#include "engine/ports/log.h"

namespace dealwright::kafka_log {

struct Identity {
  std::string cluster;
  std::array<std::string, kTopics> topics;     // names
  std::array<std::string, kTopics> topic_ids;  // Kafka's
  std::uint32_t partitions = 0;
  // Kafka's leader epochs: from which position on each wrote.
  using Place = std::pair<Topic, PartitionId>;
  std::map<Place, std::map<Position, std::int32_t>> epochs;

  // Of the leader that wrote the log record before `next`; -1: not known.
  std::int32_t epoch_before(Topic topic, PartitionId partition, Position next) const;
  // From `position` on. A leader's epoch that is no newer than one known takes what was behind it.
  void note_epoch(Topic topic, PartitionId partition, Position position, std::int32_t epoch);
  friend bool operator==(const Identity&, const Identity&) = default;
};

inline std::string identity_path(const std::string& data) { return data + "/log/kafka"; }
std::string to_text(const Identity& identity);
// kDamaged, kUnsupported.
Result<Identity> parse_identity(std::string_view text);
// None: there is no such file.
Result<std::optional<Identity>> read_identity(FileSystem& files, const std::string& data);
Result<void> write_identity(FileSystem& files, const std::string& data, const Identity& identity);
// kDamaged: `now` is another cluster, or topics that were made anew; what to do about it.
Result<void> check_same(const Identity& kept, const Identity& now);

}  // namespace dealwright::kafka_log
