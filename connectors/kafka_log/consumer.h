// Reads topics' partitions from where it is told, each through a queue of its own; no group, no
// commits.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "connectors/kafka_log/handle.h"
#include "engine/base/instant.h"

namespace dealwright::kafka_log {

// Thread-safe.
class Consumer {
 public:
  // `live`: answers as soon as there is anything; else in large pieces. kInvalid: `client`.
  static Result<std::unique_ptr<Consumer>> make(Properties client, bool live);
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  rd_kafka_t* handle() const { return handle_.get(); }
  // Takes what librdkafka has to tell; at least once in some seconds.
  void serve() const;
  // What it said last of why it cannot go on; "" if nothing.
  std::string last_error() const;
  // The same, for some time: between two questions that the cluster could not answer yet.
  void pause() const;

  // Reads from `from` on. `wake` is called on librdkafka's threads when the queue has something;
  // none: nobody waits that way. `epoch`: of the leader that wrote what lies before, -1 if not
  // known: then a log that was cut and written anew is not told from one that was not.
  Result<Queue> assign(const std::string& topic, PartitionId partition, Position from,
                       std::int32_t epoch, std::function<void()>* wake) const;
  void unassign(const std::string& topic, PartitionId partition) const;
  // What the last fetch saw as the end: one past the last position that all replicas in sync have;
  // 0 if none yet.
  Position end(const std::string& topic, PartitionId partition) const;
  // Asks the cluster. kIo: no answer in time.
  struct Bounds {
    Position begin = 0;
    Position end = 0;
  };
  Result<Bounds> bounds(const std::string& topic, PartitionId partition, Duration patience) const;

 private:
  Consumer();
  struct Said;
  std::unique_ptr<Said> said_;
  std::unique_ptr<Hooks> hooks_;
  Handle handle_;
};

}  // namespace dealwright::kafka_log
