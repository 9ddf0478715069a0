// The log of many machines: two topics of a Kafka cluster, `<prefix>.events` and
// `<prefix>.decisions`, through librdkafka. docs/kafka.md says what has to be so on the cluster.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/ports/clock.h"
#include "engine/ports/file_system.h"
#include "engine/ports/log.h"

namespace dealwright::kafka_log {

struct Options {
  std::string brokers;                // host:port, with commas between
  std::string prefix = "dealwright";  // of the topics' names
  std::uint32_t partitions = 4;       // of topics that are made now
  // Of each partition; less than 3 is a cluster that loses data with a broker, and has to be said.
  std::uint32_t replication = 3;
  bool create = true;  // topics that are not there; else kNotFound with the commands that do it
  std::map<std::string, std::string> client;                // librdkafka's properties: TLS, SASL
  std::uint64_t queue_bytes_max = std::uint64_t{64} << 20;  // of a partition, not acknowledged yet
  Duration answer_time = seconds(10);  // events not acknowledged by then: kUnknownOutcome
  std::size_t readers_behind = 3;      // of what lies behind, at once
};

// Opens the log; `data`: where it is kept which cluster and topics it was, so that another is
// refused. kInvalid: an option. kNotFound: no topics. kRefused: the topics are not as they have to
// be, with the command that mends it. kDamaged: another cluster, or topics that were made anew.
// kIo, retriable: no answer. `files` and `clock` outlive the log.
Result<std::unique_ptr<Log>> open(FileSystem& files, const Clock& clock, const std::string& data,
                                  Options options);

}  // namespace dealwright::kafka_log
