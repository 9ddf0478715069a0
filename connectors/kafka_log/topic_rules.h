// How the two topics have to be, so that no fact and no decision is lost or comes twice. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/base/result.h"

namespace dealwright::kafka_log {

struct TopicState {
  std::string name;
  bool there = false;
  std::string id;  // Kafka's, another one if it is deleted and made again
  std::uint32_t partitions = 0;
  std::uint32_t replicas = 0;  // the least of its partitions
  std::map<std::string, std::string> config;
};

// Kafka's names and values, as topics are made.
std::map<std::string, std::string> topic_config(std::uint32_t replication);
// A line for kafka-topics that makes it.
std::string create_command(const std::string& brokers, const std::string& name,
                           std::uint32_t partitions, std::uint32_t replication);
// Of the heartbeats: what nobody needs a minute later.
std::map<std::string, std::string> heartbeat_config();
std::string create_heartbeat_command(const std::string& brokers, const std::string& name,
                                     std::uint32_t replication);
// kRefused: all that is wrong with it, each with the command that mends it.
Result<void> check_topic(const TopicState& topic, const std::string& brokers,
                         std::uint32_t replication);

}  // namespace dealwright::kafka_log
