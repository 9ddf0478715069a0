#include "connectors/kafka_log/topic_rules.h"

#include <charconv>

#include "engine/ports/log.h"

namespace dealwright::kafka_log {
namespace {

// Kafka counts what is around a record too.
constexpr std::size_t kMessageBytesLeast = kRecordBytesMax + 65'536;
constexpr std::uint32_t kReplicationSafe = 3;

std::uint64_t number(const std::map<std::string, std::string>& config, const std::string& name) {
  const auto at = config.find(name);
  std::uint64_t out = 0;
  if (at != config.end()) {
    std::from_chars(at->second.data(), at->second.data() + at->second.size(), out);
  }
  return out;
}

std::string command(const std::string& brokers, const std::string& name, std::uint32_t partitions,
                    std::uint32_t replication, const std::map<std::string, std::string>& config) {
  auto out = "kafka-topics.sh --bootstrap-server " + brokers + " --create --topic " + name +
             " --partitions " + std::to_string(partitions) + " --replication-factor " +
             std::to_string(replication);
  for (const auto& [key, value] : config) out += " --config " + key + "=" + value;
  return out;
}

}  // namespace

std::map<std::string, std::string> topic_config(std::uint32_t replication) {
  return {
      {"cleanup.policy", "delete"},
      {"retention.ms", "-1"},
      {"retention.bytes", "-1"},
      {"unclean.leader.election.enable", "false"},
      {"message.timestamp.type", "LogAppendTime"},
      {"min.insync.replicas", replication >= kReplicationSafe ? "2" : "1"},
      {"max.message.bytes", std::to_string(kMessageBytesLeast)},
  };
}

std::map<std::string, std::string> heartbeat_config() {
  return {{"cleanup.policy", "delete"}, {"retention.ms", "60000"}, {"segment.ms", "60000"}};
}

std::string create_command(const std::string& brokers, const std::string& name,
                           std::uint32_t partitions, std::uint32_t replication) {
  return command(brokers, name, partitions, replication, topic_config(replication));
}

std::string create_heartbeat_command(const std::string& brokers, const std::string& name,
                                     std::uint32_t replication) {
  return command(brokers, name, 1, replication, heartbeat_config());
}

Result<void> check_topic(const TopicState& topic, const std::string& brokers,
                         std::uint32_t replication) {
  std::string faults;
  if (topic.replicas < replication) {
    faults += "\n  a partition has " + std::to_string(topic.replicas) + " replicas, not " +
              std::to_string(replication) +
              ": add some with kafka-reassign-partitions.sh, or set kafka.replication if a lost "
              "broker may lose data";
  }
  for (const auto& [key, wanted] : topic_config(replication)) {
    const auto at = topic.config.find(key);
    if (at == topic.config.end()) continue;  // of a newer or older Kafka
    const bool number_suffices = key == "min.insync.replicas" || key == "max.message.bytes";
    const bool fits = number_suffices ? number(topic.config, key) >= number({{key, wanted}}, key)
                                      : at->second == wanted;
    if (fits) continue;
    faults += "\n  " + key + " is " + at->second + ", not " + wanted +
              ": kafka-configs.sh --bootstrap-server " + brokers + " --alter --topic " +
              topic.name + " --add-config " + key + "=" + wanted;
  }
  if (faults.empty()) return ok();
  return Error{Code::kRefused, "topic " + topic.name +
                                   " is not safe for a log that nothing may be lost of:" + faults};
}

}  // namespace dealwright::kafka_log
