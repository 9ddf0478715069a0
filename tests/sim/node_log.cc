#include "tests/sim/node_log.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "engine/codec/decision_codec.h"

namespace dealwright::sim {
namespace {

constexpr Position kGapMax = 5;

Error unknown() { return {Code::kUnknownOutcome, "the log gave no answer in time", true}; }

}  // namespace

void NodeLog::append(Topic topic, PartitionId partition, std::vector<std::string> records,
                     Done done) {
  if (dead) return;
  waiting_[partition].push_back({topic, std::move(records), std::move(done)});
}

std::vector<Position> Broker::put(Topic topic, PartitionId partition,
                                  std::vector<std::string> records) {
  std::vector<Position> positions;
  for (auto& record : records) {
    Position through = 0;
    if (DecisionRecord decided; topic == Topic::kDecisions && codec::decode(record, decided)) {
      through = decided.header.through;
    }
    positions.push_back(log.put(topic, partition, std::move(record)));
    if (topic == Topic::kDecisions) covers[partition].emplace_back(positions.back(), through);
    told(topic, partition, positions.back());
  }
  return positions;
}

Position Broker::first_behind(PartitionId partition, Position events) const {
  for (const auto& [position, through] : covers[partition]) {
    if (through > events) return position;
  }
  return covers[partition].empty() ? 0 : covers[partition].back().first + 1;
}

Connection::Connection(Broker& broker, Dice& dice, Story& story)
    : NodeLog{broker.log.partitions()},
      broker_{broker},
      dice_{dice},
      story_{story},
      views_(broker.log.partitions() * kTopics) {
  // Nobody is told of an end before what he knew when he was here last.
  for (PartitionId p = 0; p < partitions(); ++p) {
    for (const auto topic : {Topic::kEvents, Topic::kDecisions}) {
      view(topic, p).seen = broker.log.end(topic, p).value();
    }
  }
}

Result<Position> Connection::end(Topic topic, PartitionId partition) {
  DW_TRY(const auto end, broker_.log.end(topic, partition));
  auto& v = view(topic, partition);
  if (v.limit && *v.limit < end) return *v.limit;
  v.seen = std::max(v.seen, end);
  return end;
}

Result<LogBatch> Connection::read(Topic topic, PartitionId partition, Position from,
                                  std::size_t bytes_max) {
  DW_TRY(check_epoch(topic, partition, from));
  DW_TRY(auto batch, broker_.log.read(topic, partition, from, bytes_max));
  auto& v = view(topic, partition);
  while (v.limit && !batch.records.empty() && batch.records.back().position >= *v.limit) {
    batch.records.pop_back();
    batch.next = batch.records.empty() ? from : batch.records.back().position + 1;
  }
  v.seen = std::max(v.seen, batch.next);
  return batch;
}

// As a client of Kafka finds out: what it read last is not there under the leader's epoch.
Result<void> Connection::check_epoch(Topic topic, PartitionId partition, Position from) {
  auto& v = view(topic, partition);
  const auto& cut = broker_.cut(topic, partition);
  if (v.epoch == cut.epoch) return ok();
  if (from > cut.at) {
    return Error{Code::kDamaged, std::string{topic_name(topic)} + " of partition " +
                                     std::to_string(partition) + " was truncated to " +
                                     std::to_string(cut.at)};
  }
  v.epoch = cut.epoch;
  return ok();
}

void Connection::fall_behind(PartitionId partition, std::size_t count) {
  // "decisions first" of the list of what is left out: decisions are never visible before the
  // events that they cover.
  auto& events = view(Topic::kEvents, partition);
  auto& decisions = view(Topic::kDecisions, partition);
  for (const auto& [position, through] : broker_.covers[partition]) {
    if (position < decisions.seen) events.seen = std::max(events.seen, through);
  }
  for (const auto topic : {Topic::kEvents, Topic::kDecisions}) {
    auto& v = view(topic, partition);
    const auto end = broker_.log.end(topic, partition).value();
    v.limit = std::max(v.seen, end > count ? end - count : 0);
  }
  const auto first = broker_.first_behind(partition, *events.limit);
  decisions.limit = std::max(decisions.seen, std::min(*decisions.limit, first));
}

void Connection::catch_up() {
  for (auto& v : views_) v.limit.reset();
}

Connection::Outcome Connection::take(PartitionId partition, Waiting& append) {
  const auto hit = [&](Fault fault) {
    if (!dice_.hit(fault)) return false;
    story_.say("an append of {} to partition {}: {}", topic_name(append.topic), partition,
               fault_name(fault));
    return true;
  };
  if (hit(Fault::kLogFull)) return Error{Code::kNoSpace, "the log is full", true};
  if (hit(Fault::kLogBusy)) return Error{Code::kOverload, "the log is busy", true};
  if (hit(Fault::kTimeOut)) return unknown();
  if (hit(Fault::kLate)) {
    waiting_[partition].push_back({append.topic, std::move(append.records), nullptr});
    return unknown();
  }
  if (hit(Fault::kPart)) {
    append.records.resize(dice_.of(Fault::kPart).below(append.records.size()));
    broker_.put(append.topic, partition, std::move(append.records));
    return unknown();
  }
  // Events alone have gaps: whoever writes decisions writes no transactions.
  if (append.topic == Topic::kEvents && hit(Fault::kGap)) {
    broker_.log.skip_positions(append.topic, partition, 1 + dice_.of(Fault::kGap).below(kGapMax));
  }
  const bool twice = hit(Fault::kDuplicate);
  auto again = twice ? append.records : std::vector<std::string>{};
  auto positions = broker_.put(append.topic, partition, std::move(append.records));
  broker_.put(append.topic, partition, std::move(again));
  if (hit(Fault::kAckLost)) return unknown();
  return positions;
}

bool Connection::run_one(PartitionId partition) {
  auto& queue = waiting_[partition];
  if (queue.empty()) return false;
  auto append = std::move(queue.front());
  queue.pop_front();
  if (!append.done) {
    broker_.put(append.topic, partition, std::move(append.records));
    return true;
  }
  auto outcome = take(partition, append);
  append.done(std::move(outcome));
  return true;
}

// They were under way in order: some came, the next in part, the others did not.
void Connection::crash(FakeRandom& random) {
  for (PartitionId partition = 0; partition < waiting_.size(); ++partition) {
    auto& queue = waiting_[partition];
    const auto whole = random.below(queue.size() + 1);
    for (std::size_t i = 0; i < queue.size() && i <= whole; ++i) {
      auto& append = queue[i];
      if (i == whole) append.records.resize(random.below(append.records.size()));
      broker_.put(append.topic, partition, std::move(append.records));
    }
    queue.clear();
  }
}

void Connection::lose_answers(PartitionId partition, FakeRandom& random) {
  auto lost = std::exchange(waiting_[partition], {});
  for (auto& append : lost) {
    if (random.chance(50)) broker_.put(append.topic, partition, std::move(append.records));
    if (append.done) append.done(unknown());
  }
}

Result<std::unique_ptr<Lockstep>> Lockstep::open(FakeFileSystem& files, const Clock& clock,
                                                 std::uint32_t partitions) {
  embedded_log::Options options;
  options.partitions = partitions;
  options.segment_bytes = 8192;
  options.ahead_bytes = 1024;
  options.log_id = Hash128{1, 2};
  options.soon = milliseconds(0);
  DW_TRY(auto log, embedded_log::open(files, clock, "data", options));
  return std::unique_ptr<Lockstep>{new Lockstep{std::move(log), partitions}};
}

bool Lockstep::run_one(PartitionId partition) {
  auto& queue = waiting_[partition];
  if (queue.empty()) return false;
  auto append = std::move(queue.front());
  queue.pop_front();
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Result<std::vector<Position>>> outcome;
  log_->append(append.topic, partition, std::move(append.records),
               [&](Result<std::vector<Position>> done) {
                 const std::lock_guard lock{mutex};
                 outcome = std::move(done);
                 changed.notify_one();
               });
  {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return outcome.has_value(); });
  }
  append.done(std::move(*outcome));
  return true;
}

void Lockstep::crash(FakeRandom&) { waiting_[0].clear(); }

}  // namespace dealwright::sim
