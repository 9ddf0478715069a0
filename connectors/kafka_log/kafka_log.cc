#include "connectors/kafka_log/kafka_log.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "connectors/kafka_log/admin.h"
#include "connectors/kafka_log/behind.h"
#include "connectors/kafka_log/client.h"
#include "connectors/kafka_log/consumer.h"
#include "connectors/kafka_log/feed.h"
#include "connectors/kafka_log/identity.h"
#include "connectors/kafka_log/producer.h"

namespace dealwright::kafka_log {
namespace {

constexpr Duration kAskTime = seconds(10);
constexpr Duration kReadTime = seconds(10);
constexpr std::chrono::milliseconds kServeEvery{500};

// Who is told that there is more to read.
class Listener {
 public:
  void set(std::function<void()> wake) {
    const std::lock_guard lock{mutex_};
    wake_ = std::move(wake);
  }
  void call() {
    const std::lock_guard lock{mutex_};
    if (wake_) wake_();
  }

 private:
  std::mutex mutex_;
  std::function<void()> wake_;
};

class KafkaLog final : public Log {
 public:
  KafkaLog(FileSystem& files, const Clock& clock, std::string data, Options options)
      : files_{files}, clock_{clock}, data_{std::move(data)}, options_{std::move(options)} {}
  ~KafkaLog() override;
  Result<void> start();

  std::uint32_t partitions() const override { return identity_.partitions; }
  void append(Topic topic, PartitionId partition, std::vector<std::string> records,
              Done done) override {
    producer_->append(topic, partition, std::move(records), std::move(done));
  }
  Result<LogBatch> read(Topic topic, PartitionId partition, Position from,
                        std::size_t bytes_max) override;
  Result<Position> end(Topic topic, PartitionId partition) override;
  Result<Position> begin(Topic topic, PartitionId partition) override;
  void listen(PartitionId partition, std::function<void()> wake) override;
  LogStatus status(PartitionId partition) const override;
  // What the topics keep is theirs to say: other readers need it.
  Result<void> release_before(PartitionId, Position, Position) override { return ok(); }

 private:
  struct Lane {
    std::mutex mutex;
    std::unique_ptr<Feed> feed;
    std::atomic<bool> fresh{true};      // whoever reads it begins: anywhere
    std::atomic<Position> end_once{0};  // when it was last asked for
    std::optional<Error> stopped;
  };
  Lane& lane(Topic topic, PartitionId partition) const {
    return *lanes_.at(static_cast<std::size_t>(topic) * identity_.partitions + partition);
  }
  const std::string& name(Topic topic) const {
    return identity_.topics[static_cast<std::size_t>(topic)];
  }
  Properties client() const { return client_properties(options_); }
  Result<void> prepare_topics();
  Result<void> make_lanes();
  Result<void> take_epochs(Topic topic, PartitionId partition, Feed& feed);
  std::int32_t epoch_before(Topic topic, PartitionId partition, Position next);
  void serve();

  FileSystem& files_;
  const Clock& clock_;
  const std::string data_;
  const Options options_;
  std::unique_ptr<FileSystem::Lock> lock_;
  std::mutex identity_mutex_;
  Identity identity_;
  std::unique_ptr<Consumer> live_;
  std::unique_ptr<Behind> behind_;
  std::vector<std::unique_ptr<Listener>> listeners_;  // by partition; outlive the lanes
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::unique_ptr<Producer> producer_;
  std::mutex stop_mutex_;
  std::condition_variable stopping_;
  bool stop_ = false;
  std::thread server_;
};

Result<void> KafkaLog::start() {
  if (options_.brokers.empty()) {
    return Error{Code::kInvalid, "kafka.brokers is not set: host:port, with commas between"};
  }
  DW_TRY(create_durable(files_, data_ + "/log"));
  DW_TRY(auto lock, files_.lock(data_ + "/log/lock"));
  lock_ = std::move(lock);
  DW_TRY(auto live, Consumer::make(client(), true));
  live_ = std::move(live);
  DW_TRY(prepare_topics());
  behind_ = std::make_unique<Behind>(client(), options_.readers_behind);
  DW_TRY(make_lanes());
  ProducerSettings settings;
  settings.client = client();
  std::copy(identity_.topics.begin(), identity_.topics.end(), std::begin(settings.topics));
  settings.partitions = identity_.partitions;
  settings.queue_bytes_max = options_.queue_bytes_max;
  settings.answer_time = options_.answer_time;
  settings.on_durable = [this](PartitionId id) { listeners_[id]->call(); };
  DW_TRY(auto producer, Producer::make(std::move(settings), clock_));
  producer_ = std::move(producer);
  server_ = std::thread{[this] { serve(); }};
  return ok();
}

// The topics as they are, or as they are made now.
Result<void> KafkaLog::prepare_topics() {
  auto* handle = live_->handle();
  Identity now;
  auto cluster = cluster_id(handle, kAskTime);
  live_->serve();
  if (!cluster) {
    const auto said = live_->last_error();
    return Error{Code::kIo,
                 "no Kafka broker answers at kafka.brokers (" + options_.brokers + ")" +
                     (said.empty() ? "" : ": " + said) +
                     "; check the addresses and kafka.properties_file",
                 true};
  }
  now.cluster = std::move(cluster).value();
  std::string missing;
  for (const auto topic : {Topic::kEvents, Topic::kDecisions}) {
    const auto i = static_cast<std::size_t>(topic);
    now.topics[i] = options_.prefix + "." + std::string{topic_name(topic)};
    DW_TRY(auto state, describe_topic(handle, now.topics[i], kAskTime));
    if (!state.there && options_.create) {
      DW_TRY(
          create_topic(handle, now.topics[i], options_.partitions, options_.replication, kAskTime));
      for (int tries = 0; !state.there && tries < 100; ++tries) {  // until all brokers know it
        live_->pause();
        DW_TRY(state, describe_topic(handle, now.topics[i], kAskTime));
      }
    }
    if (!state.there) {
      missing += "\n  " + create_command(options_.brokers, now.topics[i], options_.partitions,
                                         options_.replication);
      continue;
    }
    DW_TRY(check_topic(state, options_.brokers, options_.replication));
    if (i > 0 && state.partitions != now.partitions) {
      return Error{Code::kRefused, now.topics[0] + " has " + std::to_string(now.partitions) +
                                       " partitions and " + now.topics[i] + " has " +
                                       std::to_string(state.partitions) +
                                       ": they need the same number; make one of them anew"};
    }
    now.topic_ids[i] = state.id;
    now.partitions = state.partitions;
  }
  if (!missing.empty()) {
    missing += "\n  " + create_heartbeat_command(options_.brokers, options_.prefix + ".members",
                                                 options_.replication);
    return Error{Code::kNotFound, "topics are not there, and may not be made from here:" + missing};
  }
  DW_TRY(auto kept, read_identity(files_, data_));
  if (kept) {
    DW_TRY(check_same(*kept, now));
    identity_ = std::move(*kept);
    return ok();
  }
  identity_ = std::move(now);
  return write_identity(files_, data_, identity_);
}

Result<void> KafkaLog::make_lanes() {
  for (PartitionId id = 0; id < identity_.partitions; ++id) {
    listeners_.push_back(std::make_unique<Listener>());
  }
  for (const auto topic : {Topic::kEvents, Topic::kDecisions}) {
    for (PartitionId id = 0; id < identity_.partitions; ++id) {
      auto made = std::make_unique<Lane>();
      made->feed = std::make_unique<Feed>(*live_, topic, name(topic), id);
      made->feed->wake_with([listener = listeners_[id].get()] { listener->call(); });
      DW_TRY(const auto bounds, live_->bounds(name(topic), id, kAskTime));
      made->end_once = bounds.end;
      lanes_.push_back(std::move(made));
    }
  }
  return ok();
}

KafkaLog::~KafkaLog() {
  {
    const std::lock_guard lock{stop_mutex_};
    stop_ = true;
  }
  stopping_.notify_all();
  if (server_.joinable()) server_.join();
  producer_.reset();
  lanes_.clear();
  behind_.reset();
  live_.reset();
}

// Takes what librdkafka has to tell of the reader.
void KafkaLog::serve() {
  std::unique_lock lock{stop_mutex_};
  while (!stopping_.wait_for(lock, kServeEvery, [&] { return stop_; })) live_->serve();
}

Result<Position> KafkaLog::end(Topic topic, PartitionId partition) {
  return std::max({lane(topic, partition).end_once.load(), live_->end(name(topic), partition),
                   producer_->acknowledged(topic, partition)});
}

Result<Position> KafkaLog::begin(Topic topic, PartitionId partition) {
  DW_TRY(const auto bounds, live_->bounds(name(topic), partition, kAskTime));
  auto& known = lane(topic, partition).end_once;
  if (known < bounds.end) known = bounds.end;
  return bounds.begin;
}

void KafkaLog::listen(PartitionId partition, std::function<void()> wake) {
  if (wake) {
    for (const auto topic : {Topic::kEvents, Topic::kDecisions})
      lane(topic, partition).fresh = true;
  }
  listeners_.at(partition)->set(std::move(wake));
}

LogStatus KafkaLog::status(PartitionId partition) const {
  LogStatus out;
  out.queued_bytes = producer_->queued_bytes(partition);
  out.queue_bytes_max = options_.queue_bytes_max;
  for (const auto topic : {Topic::kDecisions, Topic::kEvents}) {
    auto& at = lane(topic, partition);
    const std::lock_guard lock{at.mutex};
    if (at.stopped) out.stopped = at.stopped;
  }
  return out;
}

std::int32_t KafkaLog::epoch_before(Topic topic, PartitionId partition, Position next) {
  const std::lock_guard lock{identity_mutex_};
  return identity_.epoch_before(topic, partition, next);
}

// Durable before anything that was read is given out.
Result<void> KafkaLog::take_epochs(Topic topic, PartitionId partition, Feed& feed) {
  const auto epochs = feed.take_epochs();
  if (epochs.empty()) return ok();
  const std::lock_guard lock{identity_mutex_};
  const auto before = identity_;
  for (const auto& [position, epoch] : epochs) {
    if (identity_.epoch_before(topic, partition, position + 1) == epoch) continue;
    identity_.note_epoch(topic, partition, position, epoch);
  }
  if (identity_ == before) return ok();
  return write_identity(files_, data_, identity_);
}

// The partition's own reader goes on where it was; whoever looks further back has readers of its
// own. A reader ahead of it is the partition's, and moves it.
Result<LogBatch> KafkaLog::read(Topic topic, PartitionId partition, Position from,
                                std::size_t bytes_max) {
  auto& at = lane(topic, partition);
  DW_TRY(const auto until, end(topic, partition));
  {
    const std::lock_guard lock{at.mutex};
    auto& feed = *at.feed;
    const bool moves = at.fresh || !feed.begun() || from > feed.next();
    if (moves || feed.has(from)) {
      at.fresh = false;
      const auto epoch = feed.has(from) ? -1 : epoch_before(topic, partition, from);
      auto batch = feed.read(from, bytes_max, until, kReadTime, epoch);
      DW_TRY(take_epochs(topic, partition, feed));
      if (!batch && !batch.error().retriable) at.stopped = batch.error();
      return batch;
    }
  }
  return behind_->read(topic, name(topic), partition, from, bytes_max, until, kReadTime);
}

}  // namespace

Result<std::unique_ptr<Log>> open(FileSystem& files, const Clock& clock, const std::string& data,
                                  Options options) {
  auto out = std::make_unique<KafkaLog>(files, clock, data, std::move(options));
  DW_TRY(out->start());
  return std::unique_ptr<Log>{std::move(out)};
}

}  // namespace dealwright::kafka_log
