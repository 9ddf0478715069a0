#include "connectors/kafka_log/identity.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "engine/base/hash.h"

namespace dealwright::kafka_log {
namespace {

constexpr std::string_view kTitle = "dealwright-kafka";
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kBytesMax = std::size_t{4} << 20;
constexpr std::uint32_t kPartitionsMax = 4096;
constexpr std::size_t kEpochsMax = 32;  // of a partition; what lies before has been read long ago

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> out;
  while (!line.empty()) {
    const auto end = line.find(' ');
    out.push_back(line.substr(0, end));
    line = end == std::string_view::npos ? std::string_view{} : line.substr(end + 1);
  }
  return out;
}

template <class T>
bool parse_number(std::string_view text, T& value, int base = 10) {
  const auto* end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, value, base);
  return ec == std::errc{} && stop == end;
}

bool take_epoch(const std::vector<std::string_view>& line, Identity& out) {
  std::uint32_t topic = 0;
  PartitionId partition = 0;
  Position position = 0;
  std::int32_t epoch = 0;
  if (line.size() != 5 || !parse_number(line[1], topic) || topic >= kTopics ||
      !parse_number(line[2], partition) || !parse_number(line[3], position) ||
      !parse_number(line[4], epoch)) {
    return false;
  }
  out.epochs[{static_cast<Topic>(topic), partition}][position] = epoch;
  return true;
}

bool take_line(const std::vector<std::string_view>& line, Identity& out) {
  if (line.empty()) return false;
  if (line[0] == "epoch") return take_epoch(line, out);
  if (line[0] == "cluster" && line.size() == 2) {
    out.cluster = line[1];
  } else if (line[0] == "partitions" && line.size() == 2) {
    return parse_number(line[1], out.partitions);
  } else if (line[0] == "topic" && line.size() == 4) {
    std::uint32_t topic = 0;
    if (!parse_number(line[1], topic) || topic >= kTopics) return false;
    out.topics[topic] = line[2];
    out.topic_ids[topic] = line[3];
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::int32_t Identity::epoch_before(Topic topic, PartitionId partition, Position next) const {
  const auto found = epochs.find({topic, partition});
  if (found == epochs.end() || next == 0) return -1;
  const auto behind = found->second.lower_bound(next);
  return behind == found->second.begin() ? -1 : std::prev(behind)->second;
}

void Identity::note_epoch(Topic topic, PartitionId partition, Position position,
                          std::int32_t epoch) {
  auto& known = epochs[{topic, partition}];
  known.erase(known.lower_bound(position), known.end());
  known[position] = epoch;
  while (known.size() > kEpochsMax) known.erase(known.begin());
}

std::string to_text(const Identity& identity) {
  auto text = fmt::format("{} {}\ncluster {}\npartitions {}\n", kTitle, kFormat, identity.cluster,
                          identity.partitions);
  for (std::size_t i = 0; i < kTopics; ++i) {
    text += fmt::format("topic {} {} {}\n", i, identity.topics[i], identity.topic_ids[i]);
  }
  for (const auto& [place, epochs] : identity.epochs) {
    for (const auto& [position, epoch] : epochs) {
      text += fmt::format("epoch {} {} {} {}\n", static_cast<int>(place.first), place.second,
                          position, epoch);
    }
  }
  return text + fmt::format("checksum {:08x}\n", crc32c(text));
}

Result<Identity> parse_identity(std::string_view text) {
  const Error damaged{Code::kDamaged, "not as Dealwright wrote it"};
  Identity out;
  std::size_t at = 0;
  for (std::size_t number = 0; at < text.size(); ++number) {
    const auto end = text.find('\n', at);
    if (end == std::string_view::npos) return damaged;
    const auto line = words(text.substr(at, end - at));
    std::uint32_t value = 0;
    if (number == 0) {
      if (line.size() != 2 || line[0] != kTitle || !parse_number(line[1], value)) return damaged;
      if (value != kFormat) {
        return Error{Code::kUnsupported, fmt::format("format {}, this build reads 1", value)};
      }
    } else if (line.size() == 2 && line[0] == "checksum") {
      if (!parse_number(line[1], value, 16) || end + 1 != text.size()) return damaged;
      if (value != crc32c(text.substr(0, at))) return Error{Code::kDamaged, "bad checksum"};
      if (out.partitions == 0 || out.partitions > kPartitionsMax) return damaged;
      return out;
    } else if (!take_line(line, out)) {
      return damaged;
    }
    at = end + 1;
  }
  return damaged;
}

Result<std::optional<Identity>> read_identity(FileSystem& files, const std::string& data) {
  const auto path = identity_path(data);
  DW_TRY(const auto there, files.exists(path));
  if (!there) return std::optional<Identity>{};
  DW_TRY(const auto text, read_whole(files, path, kBytesMax));
  auto identity = parse_identity(text);
  if (!identity) {
    return Error{identity.error().code,
                 path + ": " + identity.error().detail +
                     "; delete this data directory's state and this file: both are made anew "
                     "from the topics"};
  }
  return std::optional<Identity>{std::move(identity).value()};
}

Result<void> write_identity(FileSystem& files, const std::string& data, const Identity& identity) {
  return write_durable(files, identity_path(data), to_text(identity));
}

Result<void> check_same(const Identity& kept, const Identity& now) {
  constexpr std::string_view kMend =
      "; point kafka.brokers to where they are, or delete the data directory to build its state "
      "anew from these";
  if (kept.cluster != now.cluster) {
    return Error{Code::kDamaged, "a foreign Kafka cluster: this data directory belongs to " +
                                     kept.cluster + ", and this is " + now.cluster +
                                     std::string{kMend}};
  }
  for (std::size_t i = 0; i < kTopics; ++i) {
    if (kept.topics[i] != now.topics[i]) {
      return Error{Code::kDamaged, "other topics: this data directory belongs to " +
                                       kept.topics[i] + ", not to " + now.topics[i] +
                                       std::string{kMend}};
    }
    if (kept.topic_ids[i] != now.topic_ids[i]) {
      return Error{Code::kDamaged,
                   "topic " + now.topics[i] + " was deleted and made anew: its id was " +
                       kept.topic_ids[i] + " and is " + now.topic_ids[i] + std::string{kMend}};
    }
  }
  if (kept.partitions != now.partitions) {
    return Error{Code::kDamaged, "the topics had " + std::to_string(kept.partitions) +
                                     " partitions and have " + std::to_string(now.partitions) +
                                     ": customers would be split; restore the topics" +
                                     std::string{kMend}};
  }
  return ok();
}

}  // namespace dealwright::kafka_log
