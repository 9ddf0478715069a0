#include "connectors/kafka_log/feed.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "connectors/kafka_log/message.h"

namespace dealwright::kafka_log {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 20;  // read at once
constexpr std::size_t kKeptBytes = std::size_t{4} << 20;   // for who goes back
constexpr std::size_t kKeptBatches = 256;
constexpr std::size_t kMessages = 512;
constexpr int kWaitMs = 100;
constexpr Duration kAskMost = seconds(5);
constexpr Duration kReadOnTime = milliseconds(500);

}  // namespace

Feed::~Feed() { drop(); }

void Feed::drop() {
  if (queue_ == nullptr) return;
  rd_kafka_queue_cb_event_enable(queue_.get(), nullptr, nullptr);
  queue_.reset();
  consumer_.unassign(name_, partition_);
}

// What may pass is tried again by the next read.
Error Feed::fail() {
  auto error = *failed_;
  if (error.retriable) drop();
  return error;
}

bool Feed::has(Position from) const {
  if (queue_ == nullptr) return false;
  return from == next_ ||
         (from < next_ && !kept_.empty() && kept_.front().records.front().position <= from);
}

Result<void> Feed::begin(Position from, std::int32_t epoch) {
  drop();
  kept_.clear();
  kept_bytes_ = 0;
  failed_.reset();
  next_ = from;
  epoch_ = epoch;
  DW_TRY(auto queue, consumer_.assign(name_, partition_, from, epoch, wake_ ? &wake_ : nullptr));
  queue_ = std::move(queue);
  return ok();
}

Result<LogBatch> Feed::read(Position from, std::size_t bytes_max, Position end, Duration patience,
                            std::int32_t epoch) {
  // Who reads on is woken when there is more; who begins has to know whether there is.
  const bool reads_on = has(from) && wake_;
  if (!has(from)) {
    DW_TRY(begin(from, epoch));
  }
  if (auto batch = kept(from, bytes_max)) return std::move(*batch);
  if (failed_) return fail();
  Duration waited{};
  for (;;) {
    const bool wait = next_ < end;
    DW_TRY(take(wait ? milliseconds(kWaitMs) : Duration{}));
    if (auto batch = kept(from, bytes_max)) return std::move(*batch);
    if (failed_) return fail();
    if (next_ >= end || (reads_on && waited >= kReadOnTime)) break;
    waited = Duration{waited.ms + kWaitMs};
    if (waited >= patience) {
      return Error{Code::kIo,
                   name_ + "-" + std::to_string(partition_) + " is there up to " +
                       std::to_string(end) + ", and Kafka gives nothing from " +
                       std::to_string(next_) + " on",
                   true};
    }
  }
  LogBatch none;
  none.next = std::max(from, next_);
  return none;
}

// Of what was read before, from `from` on.
std::optional<LogBatch> Feed::kept(Position from, std::size_t bytes_max) const {
  if (from >= next_) return std::nullopt;
  const auto chunk = std::find_if(kept_.begin(), kept_.end(),
                                  [&](const LogBatch& batch) { return batch.next > from; });
  if (chunk == kept_.end()) return std::nullopt;
  LogBatch out;
  out.buffer = chunk->buffer;
  out.next = chunk->next;
  const auto before = [&](const LogRecord& record) { return record.position < from; };
  auto record = std::partition_point(chunk->records.begin(), chunk->records.end(), before);
  std::size_t bytes = 0;
  for (; record != chunk->records.end(); ++record) {
    bytes += record->bytes.size();
    if (!out.records.empty() && bytes > bytes_max) {
      out.next = out.records.back().position + 1;
      break;
    }
    out.records.push_back(*record);
  }
  if (out.records.empty()) return std::nullopt;  // only a gap lies there
  return out;
}

// False: something else than a log record.
bool Feed::take(const rd_kafka_message_t& message, std::string& bytes,
                std::vector<Position>& positions, std::vector<std::size_t>& ends) {
  if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    next_ = std::max(next_, static_cast<Position>(message.offset));
    return false;
  }
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    failed_ = fault(message);
    return false;
  }
  const auto position = static_cast<Position>(message.offset);
  if (position < next_) return false;
  take_bytes(message, topic_, bytes);
  positions.push_back(position);
  ends.push_back(bytes.size());
  next_ = position + 1;
  const auto epoch = rd_kafka_message_leader_epoch(&message);
  if (epoch != epoch_) epochs_.emplace_back(position, epoch);
  epoch_ = epoch;
  return true;
}

// What waits in the queue; if nothing does, `patience` for the first of it.
Result<void> Feed::take(Duration patience) {
  std::array<rd_kafka_message_t*, kMessages> messages;
  auto bytes = std::make_shared<std::string>();
  std::vector<Position> positions;
  std::vector<std::size_t> ends;
  int wait = static_cast<int>(patience.ms);
  while (bytes->size() < kChunkBytes && !failed_) {
    auto count = rd_kafka_consume_batch_queue(queue_.get(), 0, messages.data(), kMessages);
    if (count == 0 && positions.empty() && wait > 0) {
      count = rd_kafka_consume_batch_queue(queue_.get(), wait, messages.data(), 1);
      wait = 0;
    }
    if (count <= 0) break;
    for (ssize_t i = 0; i < count; ++i) {
      const Message message{messages[static_cast<std::size_t>(i)]};
      if (!failed_) take(*message, *bytes, positions, ends);
    }
  }
  if (positions.empty()) return ok();
  LogBatch batch;
  batch.buffer = bytes;
  batch.records.reserve(positions.size());
  std::size_t begin = 0;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    batch.records.push_back(
        {positions[i], std::string_view{*bytes}.substr(begin, ends[i] - begin)});
    begin = ends[i];
  }
  batch.next = next_;
  keep(std::move(batch));
  return ok();
}

void Feed::keep(LogBatch batch) {
  kept_bytes_ += batch.buffer->size();
  kept_.push_back(std::move(batch));
  while (kept_.size() > 1 && (kept_bytes_ > kKeptBytes || kept_.size() > kKeptBatches)) {
    kept_bytes_ -= kept_.front().buffer->size();
    kept_.pop_front();
  }
}

// Never guesses: what is not where we stand stops the reader.
Error Feed::fault(const rd_kafka_message_t& message) const {
  const auto where = name_ + "-" + std::to_string(partition_);
  const std::string said = rd_kafka_message_errstr(&message);
  switch (message.err) {
    case RD_KAFKA_RESP_ERR__LOG_TRUNCATION:
      return {Code::kDamaged, where + " was cut before " + std::to_string(next_) +
                                  ", where we had read it already: " + said};
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: {
      const auto bounds = consumer_.bounds(name_, partition_, kAskMost);
      if (bounds && next_ < bounds.value().begin) {
        return {Code::kNotFound, where + ": " + std::to_string(next_) +
                                     " is not kept any more; the first is " +
                                     std::to_string(bounds.value().begin)};
      }
      return {Code::kDamaged, where + " has no position " + std::to_string(next_) +
                                  ": it was cut, or made anew (" + said + ")"};
    }
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID:
      return {Code::kDamaged, where + " is gone: " + said};
    case RD_KAFKA_RESP_ERR__BAD_MSG:
      return {Code::kDamaged, where + " is damaged at " + std::to_string(next_) + ": " + said};
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      return {Code::kRefused, where + " may not be read with these credentials: " + said};
    default:
      return {Code::kIo, where + " cannot be read: " + said, true};
  }
}

}  // namespace dealwright::kafka_log
