#include "connectors/kafka_log/behind.h"

#include <algorithm>

namespace dealwright::kafka_log {

// One that is there already, else the one that was used longest ago.
Result<Behind::Reader*> Behind::take_reader(Topic topic, PartitionId partition, Position from) {
  const auto is_here = [&](const Reader& reader) {
    return reader.feed != nullptr && reader.topic == topic && reader.partition == partition &&
           reader.feed->has(from);
  };
  std::unique_lock lock{mutex_};
  for (;;) {
    Reader* best = nullptr;
    bool here = false;
    for (const auto& reader : readers_) {
      if (reader->busy || here) continue;
      here = is_here(*reader);
      if (here || best == nullptr || reader->used < best->used) best = reader.get();
    }
    if (!here && readers_.size() < readers_max_) {
      DW_TRY(auto consumer, Consumer::make(client_, false));
      readers_.push_back(std::make_unique<Reader>());
      best = readers_.back().get();
      best->consumer = std::move(consumer);
    }
    if (best != nullptr) {
      best->busy = true;
      best->used = ++used_;
      return best;
    }
    free_.wait(lock);
  }
}

Result<LogBatch> Behind::read(Topic topic, const std::string& name, PartitionId partition,
                              Position from, std::size_t bytes_max, Position end,
                              Duration patience) {
  DW_TRY(auto* reader, take_reader(topic, partition, from));
  reader->consumer->serve();
  if (reader->feed == nullptr || reader->topic != topic || reader->partition != partition) {
    reader->feed.reset();
    reader->feed = std::make_unique<Feed>(*reader->consumer, topic, name, partition);
    reader->topic = topic;
    reader->partition = partition;
  }
  auto batch = reader->feed->read(from, bytes_max, end, patience, -1);
  {
    const std::lock_guard lock{mutex_};
    reader->busy = false;
  }
  free_.notify_one();
  return batch;
}

}  // namespace dealwright::kafka_log
