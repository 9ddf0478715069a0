// Questions to the cluster about itself and its topics.
#pragma once

#include <string>

#include "connectors/kafka_log/handle.h"
#include "connectors/kafka_log/topic_rules.h"
#include "engine/base/instant.h"

namespace dealwright::kafka_log {

// All: kIo, retriable: no answer in time; kRefused: not allowed.
Result<std::string> cluster_id(rd_kafka_t* handle, Duration patience);
// Not there: TopicState::there is false.
Result<TopicState> describe_topic(rd_kafka_t* handle, const std::string& name, Duration patience);
// Both: ok() too if it is there by now.
Result<void> create_topic(rd_kafka_t* handle, const std::string& name, std::uint32_t partitions,
                          std::uint32_t replication, Duration patience);
// Of one partition, for what nobody needs a minute later.
Result<void> create_heartbeat_topic(rd_kafka_t* handle, const std::string& name,
                                    std::uint32_t replication, Duration patience);

}  // namespace dealwright::kafka_log
