#include "connectors/kafka_log/consumer.h"

#include <mutex>

namespace dealwright::kafka_log {
namespace {

constexpr int kPauseMs = 50;

Result<void> done(rd_kafka_error_t* raw, std::string_view what) {
  const HandleError error{raw};
  if (error == nullptr) return ok();
  return Error{Code::kIo, "Kafka: " + std::string{what} + ": " + rd_kafka_error_string(error.get()),
               true};
}

}  // namespace

struct Consumer::Said {
  std::mutex mutex;
  std::string text;
};

Consumer::Consumer() : said_{std::make_unique<Said>()}, hooks_{std::make_unique<Hooks>()} {}

std::string Consumer::last_error() const {
  const std::lock_guard lock{said_->mutex};
  return said_->text;
}

Result<std::unique_ptr<Consumer>> Consumer::make(Properties client, bool live) {
  client["group.id"] = client["client.id"] + "-reads-by-position";  // never joined
  client["enable.auto.commit"] = "false";
  client["enable.auto.offset.store"] = "false";
  client["auto.offset.reset"] = "error";
  client["enable.partition.eof"] = "true";
  client["check.crcs"] = "true";
  client["fetch.min.bytes"] = "1";
  client["fetch.wait.max.ms"] = live ? "100" : "10";
  client["fetch.message.max.bytes"] = "1048576";
  client["fetch.queue.backoff.ms"] = "10";
  client["queued.min.messages"] = "100000";
  client["queued.max.messages.kbytes"] = live ? "8192" : "2048";  // of each partition
  auto out = std::unique_ptr<Consumer>{new Consumer};
  out->hooks_->on_error = [said = out->said_.get()](rd_kafka_resp_err_t error,
                                                    std::string_view text) {
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;  // says nothing of why
    const std::lock_guard lock{said->mutex};
    said->text = text;
  };
  DW_TRY(auto handle, make_handle(RD_KAFKA_CONSUMER, client, *out->hooks_));
  out->handle_ = std::move(handle);
  rd_kafka_poll_set_consumer(out->handle_.get());
  return out;
}

Consumer::~Consumer() {
  if (handle_ != nullptr) rd_kafka_consumer_close(handle_.get());
}

void Consumer::serve() const {
  while (Message{rd_kafka_consumer_poll(handle_.get(), 0)} != nullptr) {
  }
}

void Consumer::pause() const { Message{rd_kafka_consumer_poll(handle_.get(), kPauseMs)}; }

Result<Queue> Consumer::assign(const std::string& topic, PartitionId partition, Position from,
                               std::int32_t epoch, std::function<void()>* wake) const {
  const auto place = place_of(topic, partition, static_cast<std::int64_t>(from));
  if (epoch >= 0) rd_kafka_topic_partition_set_leader_epoch(&place->elems[0], epoch);
  Queue queue{rd_kafka_queue_get_partition(handle_.get(), topic.c_str(),
                                           static_cast<std::int32_t>(partition))};
  if (queue == nullptr) return Error{Code::kIo, "Kafka: no queue for " + topic};
  rd_kafka_queue_forward(queue.get(), nullptr);  // its own, not that of all partitions
  if (wake != nullptr) {
    rd_kafka_queue_cb_event_enable(
        queue.get(),
        [](rd_kafka_t*, void* opaque) { (*static_cast<std::function<void()>*>(opaque))(); }, wake);
  }
  DW_TRY(done(rd_kafka_incremental_assign(handle_.get(), place.get()), "cannot read " + topic));
  return queue;
}

void Consumer::unassign(const std::string& topic, PartitionId partition) const {
  const auto place = place_of(topic, partition, RD_KAFKA_OFFSET_INVALID);
  static_cast<void>(
      done(rd_kafka_incremental_unassign(handle_.get(), place.get()), "cannot stop reading"));
}

Position Consumer::end(const std::string& topic, PartitionId partition) const {
  std::int64_t low = 0;
  std::int64_t high = 0;
  const auto got = rd_kafka_get_watermark_offsets(
      handle_.get(), topic.c_str(), static_cast<std::int32_t>(partition), &low, &high);
  return got == RD_KAFKA_RESP_ERR_NO_ERROR && high > 0 ? static_cast<Position>(high) : 0;
}

Result<Consumer::Bounds> Consumer::bounds(const std::string& topic, PartitionId partition,
                                          Duration patience) const {
  std::int64_t low = 0;
  std::int64_t high = 0;
  auto got = RD_KAFKA_RESP_ERR__TIMED_OUT;
  // A leader may be on its way: a topic is new, a broker went.
  for (std::int64_t waited = 0; waited <= patience.ms; waited += kPauseMs) {
    got = rd_kafka_query_watermark_offsets(handle_.get(), topic.c_str(),
                                           static_cast<std::int32_t>(partition), &low, &high,
                                           static_cast<int>(patience.ms));
    if (got == RD_KAFKA_RESP_ERR_NO_ERROR || got == RD_KAFKA_RESP_ERR__TIMED_OUT) break;
    pause();
  }
  if (got != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Error{Code::kIo,
                 "Kafka does not say where " + topic + "-" + std::to_string(partition) +
                     " ends: " + why(got),
                 true};
  }
  return Bounds{static_cast<Position>(low), static_cast<Position>(high)};
}

}  // namespace dealwright::kafka_log
