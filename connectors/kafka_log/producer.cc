#include "connectors/kafka_log/producer.h"

#include <utility>

#include "connectors/kafka_log/message.h"
#include "engine/base/assert.h"
#include "engine/codec/event_codec.h"

namespace dealwright::kafka_log {
namespace {

constexpr int kPollMs = 50;

using TopicHandle = std::unique_ptr<rd_kafka_topic_t, LetGo<rd_kafka_topic_destroy>>;

std::string place(const std::string& topic, PartitionId partition) {
  return topic + "-" + std::to_string(partition);
}

}  // namespace

struct Producer::Connection {
  Handle handle;
  TopicHandle topics[kTopics];
};

// Alive until Kafka has said of each of its records what became of it.
struct Producer::Append {
  Append(const Producer& by, Lane& to, PartitionId id, std::string at)
      : producer{by}, lane{to}, partition{id}, place{std::move(at)} {}
  const Producer& producer;
  Lane& lane;
  const PartitionId partition;
  const std::string place;
  std::vector<std::string> records;  // librdkafka reads them where they are
  std::uint64_t bytes = 0;
  Log::Done done;
  std::int64_t due_us = 0;
  std::vector<Position> positions;
  std::optional<rd_kafka_resp_err_t> refused;  // as it was queued
  std::optional<rd_kafka_resp_err_t> failed;   // the first, later
  bool perhaps_there = false;                  // of those that failed
  std::atomic<std::size_t> left{0};
  std::atomic<bool> answered{false};
  std::shared_ptr<Append> self;

  bool claim_answer() { return !answered.exchange(true); }
  void answer();
  void let_go(std::size_t count) {
    if (left.fetch_sub(count) > count) return;
    lane.bytes -= bytes;
    const bool durable = !positions.empty();
    answer();
    if (durable && producer.settings_.on_durable) producer.settings_.on_durable(partition);
    self.reset();
  }
};

Producer::Producer(ProducerSettings settings, const Clock& clock)
    : settings_{std::move(settings)}, clock_{clock} {
  hooks_.delivered = &Producer::delivered;
  hooks_.on_error = [this](rd_kafka_resp_err_t error, std::string_view) {
    if (error == RD_KAFKA_RESP_ERR__FATAL) fatal_ = true;
  };
  for (std::size_t i = 0; i < kTopics * settings_.partitions; ++i) {
    lanes_.push_back(std::make_unique<Lane>());
  }
}

Result<std::unique_ptr<Producer>> Producer::make(ProducerSettings settings, const Clock& clock) {
  auto out = std::unique_ptr<Producer>{new Producer{std::move(settings), clock}};
  DW_TRY(auto connection, out->connect());
  out->connection_ = std::move(connection);
  out->thread_ = std::thread{[raw = out.get()] { raw->run(); }};
  return out;
}

Result<std::shared_ptr<Producer::Connection>> Producer::connect() {
  auto properties = settings_.client;
  properties["enable.idempotence"] = "true";
  properties["acks"] = "all";
  properties["message.timeout.ms"] = "0";  // what was sent is never given up and sent anew
  properties["linger.ms"] = "0";
  properties["batch.size"] = "1000000";
  properties["message.max.bytes"] = std::to_string(kRecordBytesMax + 65'536);
  // Our own limit is queue_bytes_max.
  properties["queue.buffering.max.messages"] = "2147483647";
  properties["queue.buffering.max.kbytes"] = "2147483647";
  auto out = std::make_shared<Connection>();
  DW_TRY(auto handle, make_handle(RD_KAFKA_PRODUCER, properties, hooks_));
  out->handle = std::move(handle);
  for (std::size_t i = 0; i < kTopics; ++i) {
    out->topics[i].reset(
        rd_kafka_topic_new(out->handle.get(), settings_.topics[i].c_str(), nullptr));
    if (out->topics[i] == nullptr) return Error{Code::kInvalid, "no topic " + settings_.topics[i]};
  }
  return out;
}

// Waits until nothing is on its way any more, and then gives up the rest.
void Producer::drain(Connection& connection, Duration patience) {
  auto* handle = connection.handle.get();
  const auto end_us = clock_.steady_us() + patience.ms * 1000;
  while (rd_kafka_outq_len(handle) > 0 && clock_.steady_us() < end_us) {
    rd_kafka_poll(handle, kPollMs);
    answer_late();
  }
  rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  while (rd_kafka_outq_len(handle) > 0) rd_kafka_poll(handle, kPollMs);
}

Producer::~Producer() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  if (connection_ != nullptr) drain(*connection_, settings_.answer_time);
}

void Producer::run() {
  while (!stop_) {
    rd_kafka_poll(connection()->handle.get(), kPollMs);
    answer_late();
    if (fatal_.exchange(false)) renew();
  }
}

// Behind a fatal error the order of what is on its way is not to be had any more: all of it is told
// to be unknown, and what comes goes by a new producer.
void Producer::renew() {
  auto fresh = connect();
  if (!fresh) {
    fatal_ = true;  // tried again at the next turn
    return;
  }
  std::shared_ptr<Connection> old;
  {
    const std::lock_guard lock{mutex_};
    old = std::exchange(connection_, std::move(fresh).value());
  }
  drain(*old, Duration{});
}

std::shared_ptr<Producer::Connection> Producer::connection() const {
  const std::lock_guard lock{mutex_};
  return connection_;
}

Producer::Lane& Producer::lane(Topic topic, PartitionId partition) const {
  return *lanes_.at(static_cast<std::size_t>(topic) * settings_.partitions + partition);
}

Position Producer::acknowledged(Topic topic, PartitionId partition) const {
  return lane(topic, partition).acknowledged;
}

std::uint64_t Producer::queued_bytes(PartitionId partition) const {
  return lane(Topic::kEvents, partition).bytes + lane(Topic::kDecisions, partition).bytes;
}

void Producer::append(Topic topic, PartitionId partition, std::vector<std::string> records,
                      Log::Done done) {
  DW_ASSERT(!records.empty());
  const auto& name = settings_.topics[static_cast<std::size_t>(topic)];
  auto& to = lane(topic, partition);
  std::uint64_t bytes = 0;
  for (const auto& record : records) {
    DW_ASSERT(!record.empty() && record.size() <= kRecordBytesMax);
    bytes += record.size();
  }
  if (to.bytes > 0 && to.bytes + bytes > settings_.queue_bytes_max) {
    return done(Error{Code::kOverload,
                      place(name, partition) + " has " + std::to_string(to.bytes) +
                          " bytes that wait for Kafka; try again later",
                      true});
  }
  to.bytes += bytes;
  auto append = std::make_shared<Append>(*this, to, partition, place(name, partition));
  append->records = std::move(records);
  append->bytes = bytes;
  append->done = std::move(done);
  append->self = append;
  const auto count = append->records.size();
  append->left = count + 1;  // one is ours
  if (topic == Topic::kEvents) {
    append->due_us = clock_.steady_us() + settings_.answer_time.ms * 1000;
    const std::lock_guard lock{late_mutex_};
    unanswered_.push_back(append);
  }
  const auto link = connection();
  const auto schema = schema_of(topic);
  std::size_t refused = 0;
  {
    const std::lock_guard lock{to.mutex};
    for (auto& record : append->records) {
      const auto key = topic == Topic::kEvents ? codec::peek_placement(record) : std::string{};
      const auto sent =
          refused > 0 ? RD_KAFKA_RESP_ERR__STATE  // none behind one that was not taken
                      : rd_kafka_producev(
                            link->handle.get(),
                            RD_KAFKA_V_RKT(link->topics[static_cast<std::size_t>(topic)].get()),
                            RD_KAFKA_V_PARTITION(static_cast<std::int32_t>(partition)),
                            RD_KAFKA_V_VALUE(record.data(), record.size()),
                            RD_KAFKA_V_KEY(key.empty() ? nullptr : key.data(), key.size()),
                            RD_KAFKA_V_HEADER(kSchemaHeader, schema.data(),
                                              static_cast<ssize_t>(schema.size())),
                            RD_KAFKA_V_OPAQUE(append.get()), RD_KAFKA_V_END);
      if (sent == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
      if (++refused == 1) append->refused = sent;
    }
  }
  append->let_go(refused + 1);
}

void Producer::delivered(const rd_kafka_message_t& message) {
  auto& append = *static_cast<Append*>(message._private);
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const auto position = static_cast<Position>(message.offset);
    append.positions.push_back(position);
    auto& last = append.lane.acknowledged;
    if (last < position + 1) last = position + 1;
  } else {
    if (!append.failed) append.failed = message.err;
    if (rd_kafka_message_status(&message) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED) {
      append.perhaps_there = true;
    }
  }
  append.let_go(1);
}

void Producer::Append::answer() {
  if (!claim_answer()) return;
  const auto tell = std::move(done);
  const auto why_not = refused ? refused : failed;
  if (!why_not) return tell(std::move(positions));
  const bool unknown = perhaps_there || !positions.empty();
  tell(Error{unknown ? Code::kUnknownOutcome : Code::kOverload,
             place + ": Kafka " +
                 (unknown ? "did not say whether it took this: " : "did not take this: ") +
                 why(*why_not),
             true});
}

void Producer::answer_late() {
  for (;;) {
    std::shared_ptr<Append> append;
    {
      const std::lock_guard lock{late_mutex_};
      while (!unanswered_.empty()) {
        append = unanswered_.front().lock();
        if (append != nullptr && !append->answered) break;
        append.reset();
        unanswered_.pop_front();
      }
      if (append == nullptr || append->due_us > clock_.steady_us()) return;
      unanswered_.pop_front();
    }
    if (!append->claim_answer()) continue;
    const auto done = std::move(append->done);
    done(Error{Code::kUnknownOutcome,
               append->place + ": Kafka did not acknowledge this in time; it may still come: send "
                               "the same id again",
               true});
  }
}

}  // namespace dealwright::kafka_log
