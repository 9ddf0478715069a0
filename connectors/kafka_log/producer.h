// Appends to Kafka: idempotent, acknowledged by all replicas in sync, in the order of each caller.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "connectors/kafka_log/handle.h"
#include "engine/ports/clock.h"
#include "engine/ports/log.h"

namespace dealwright::kafka_log {

struct ProducerSettings {
  Properties client;
  std::string topics[kTopics];
  std::uint32_t partitions = 0;
  std::uint64_t queue_bytes_max = 0;  // of a partition: waiting to be acknowledged
  // Events that are not acknowledged by then have an unknown outcome: who sent them is told, and
  // they may still come. Decisions wait for ever.
  Duration answer_time;
  std::function<void(PartitionId)> on_durable;  // behind the answer
};

class Producer {
 public:
  // kInvalid: the client's properties.
  static Result<std::unique_ptr<Producer>> make(ProducerSettings settings, const Clock& clock);
  // Waits for what is on its way, `answer_time` at most; what is not answered then is told so.
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // As Log::append.
  void append(Topic topic, PartitionId partition, std::vector<std::string> records, Log::Done done);
  // One past the last position that was acknowledged to us; 0: none yet.
  Position acknowledged(Topic topic, PartitionId partition) const;
  std::uint64_t queued_bytes(PartitionId partition) const;

 private:
  struct Append;
  struct Connection;
  struct Lane {
    std::mutex mutex;  // held while records of one append are queued
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<Position> acknowledged{0};
  };
  Producer(ProducerSettings settings, const Clock& clock);
  Result<std::shared_ptr<Connection>> connect();
  void drain(Connection& connection, Duration patience);
  void run();
  void renew();
  void answer_late();
  static void delivered(const rd_kafka_message_t& message);
  std::shared_ptr<Connection> connection() const;
  Lane& lane(Topic topic, PartitionId partition) const;

  const ProducerSettings settings_;
  const Clock& clock_;
  Hooks hooks_;
  mutable std::mutex mutex_;  // of connection_
  std::shared_ptr<Connection> connection_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::atomic<bool> fatal_{false};
  std::atomic<bool> stop_{false};
  std::mutex late_mutex_;
  std::deque<std::weak_ptr<Append>> unanswered_;  // of events, oldest first
  std::thread thread_;
};

}  // namespace dealwright::kafka_log
