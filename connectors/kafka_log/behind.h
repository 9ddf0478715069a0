// Reads of what lies behind: explanations, rebuilds, late facts. A few readers, each where it was
// asked last, so that reading on is cheap.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connectors/kafka_log/feed.h"

namespace dealwright::kafka_log {

// Thread-safe.
class Behind {
 public:
  Behind(Properties client, std::size_t readers_max)
      : client_{std::move(client)}, readers_max_{readers_max} {}

  // See Feed::read. Waits for a reader if all are in use.
  Result<LogBatch> read(Topic topic, const std::string& name, PartitionId partition, Position from,
                        std::size_t bytes_max, Position end, Duration patience);

 private:
  struct Reader {
    std::unique_ptr<Consumer> consumer;
    std::unique_ptr<Feed> feed;
    Topic topic = Topic::kEvents;
    PartitionId partition = 0;
    std::uint64_t used = 0;  // when, by count
    bool busy = false;
  };
  Result<Reader*> take_reader(Topic topic, PartitionId partition, Position from);

  const Properties client_;
  const std::size_t readers_max_;
  std::mutex mutex_;
  std::condition_variable free_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::uint64_t used_ = 0;
};

}  // namespace dealwright::kafka_log
