// What one partition of one topic has, read in order from where its reader stands. Keeps what it
// read last, for a reader that goes back a little.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connectors/kafka_log/consumer.h"

namespace dealwright::kafka_log {

class Feed {
 public:
  // `consumer` outlives it, and reads this partition for it alone.
  Feed(const Consumer& consumer, Topic topic, std::string name, PartitionId partition)
      : consumer_{consumer}, topic_{topic}, name_{std::move(name)}, partition_{partition} {}
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  // Whether `from` is at hand: kept, or what comes next.
  bool has(Position from) const;
  bool begun() const { return queue_ != nullptr; }
  Position next() const { return next_; }
  // Called when there is more to read; before the first read.
  void wake_with(std::function<void()> wake) { wake_ = std::move(wake); }

  // As Log::read; begins anew at `from` if that is not at hand. `end`: what lies before it is known
  // to be there, and waited for: by a reader that is woken half a second, then it reads behind.
  // `epoch`: see Consumer::assign. kNotFound, kDamaged: as Log::read.
  // kIo, retriable: Kafka does not give it in `patience`.
  Result<LogBatch> read(Position from, std::size_t bytes_max, Position end, Duration patience,
                        std::int32_t epoch);
  // From which position on another leader wrote; those since the last call.
  using Epochs = std::vector<std::pair<Position, std::int32_t>>;
  Epochs take_epochs() { return std::exchange(epochs_, {}); }

 private:
  Result<void> begin(Position from, std::int32_t epoch);
  Result<void> take(Duration patience);
  bool take(const rd_kafka_message_t& message, std::string& bytes, std::vector<Position>& positions,
            std::vector<std::size_t>& ends);
  Error fault(const rd_kafka_message_t& message) const;
  Error fail();
  void drop();
  std::optional<LogBatch> kept(Position from, std::size_t bytes_max) const;
  void keep(LogBatch batch);

  const Consumer& consumer_;
  const Topic topic_;
  const std::string name_;
  const PartitionId partition_;
  std::function<void()> wake_;
  Queue queue_;
  Position next_ = 0;
  std::int32_t epoch_ = -1;
  Epochs epochs_;
  std::optional<Error> failed_;
  std::deque<LogBatch> kept_;  // side by side, up to next_
  std::size_t kept_bytes_ = 0;
};

}  // namespace dealwright::kafka_log
