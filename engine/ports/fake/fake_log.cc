#include "engine/ports/fake/fake_log.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"

namespace dealwright {
namespace {

constexpr Position kGapMax = 5;

std::string place(Topic topic, PartitionId partition, Position position) {
  return "fake log, " + std::string{topic_name(topic)} + " of partition " +
         std::to_string(partition) + ", position " + std::to_string(position);
}

}  // namespace

FakeLog::FakeLog(std::uint32_t partitions, std::uint64_t seed)
    : random_{seed}, partitions_(partitions) {
  DW_ASSERT(partitions > 0);
}

std::uint32_t FakeLog::partitions() const { return static_cast<std::uint32_t>(partitions_.size()); }

FakeLog::Series& FakeLog::series(Topic topic, PartitionId partition) {
  DW_ASSERT(partition < partitions_.size());
  return partitions_[partition].series[static_cast<std::size_t>(topic)];
}
const FakeLog::Series& FakeLog::series(Topic topic, PartitionId partition) const {
  DW_ASSERT(partition < partitions_.size());
  return partitions_[partition].series[static_cast<std::size_t>(topic)];
}

void FakeLog::append(Topic topic, PartitionId partition, std::vector<std::string> records,
                     Done done) {
  DW_ASSERT(partition < partitions_.size() && !records.empty());
  for (const auto& record : records) {
    DW_ASSERT(!record.empty() && record.size() <= kRecordBytesMax);
  }
  const std::lock_guard lock{mutex_};
  partitions_[partition].waiting.push_back(Waiting{topic, std::move(records), std::move(done)});
}

void FakeLog::append_soon(Topic topic, PartitionId partition, std::vector<std::string> records,
                          Done done) {
  append(topic, partition, std::move(records), std::move(done));
  const std::lock_guard lock{mutex_};
  ++partitions_[partition].soon;
}

std::uint64_t FakeLog::appended_soon(PartitionId partition) const {
  const std::lock_guard lock{mutex_};
  return partitions_[partition].soon;
}

std::vector<Position> FakeLog::add(Series& series, std::vector<std::string> records) {
  std::vector<Position> positions;
  for (auto& record : records) {
    positions.push_back(series.next);
    series.records.push_back(Kept{series.next++, std::move(record)});
  }
  return positions;
}

std::optional<FakeLog::Fault> FakeLog::draw_fault(Partition& partition) {
  std::optional<Fault> fault;
  if (!partition.faults.empty()) {
    fault = partition.faults.front();
    partition.faults.pop_front();
  }
  for (std::size_t i = 0; i < kFaults && !fault; ++i) {
    if (rates_[i] > 0 && random_.chance(rates_[i])) fault = static_cast<Fault>(i);
  }
  if (fault) ++counts_[static_cast<std::size_t>(*fault)];
  return fault;
}

FakeLog::Outcome FakeLog::take(Partition& partition, Waiting& append, std::optional<Fault> fault) {
  auto& series = partition.series[static_cast<std::size_t>(append.topic)];
  const Error unknown{Code::kUnknownOutcome, "the fake log gave no answer in time"};
  if (!fault) return add(series, std::move(append.records));
  switch (*fault) {
    case Fault::kAckLost:
      add(series, std::move(append.records));
      return unknown;
    case Fault::kTimeOut:
      return unknown;
    case Fault::kLate:
      partition.waiting.push_back(Waiting{append.topic, std::move(append.records), nullptr});
      return unknown;
    case Fault::kPart:
      append.records.resize(random_.below(append.records.size()));
      add(series, std::move(append.records));
      return unknown;
    case Fault::kDuplicate: {
      auto again = append.records;
      auto positions = add(series, std::move(append.records));
      add(series, std::move(again));
      return positions;
    }
    case Fault::kGap:
      series.next += 1 + random_.below(kGapMax);
      return add(series, std::move(append.records));
    case Fault::kNoSpace:
      return Error{Code::kNoSpace, "the fake log is full", true};
    case Fault::kOverload:
      return Error{Code::kOverload, "the fake log is busy", true};
  }
  return unknown;
}

bool FakeLog::run_one(PartitionId id) {
  Waiting append;
  Outcome outcome = std::vector<Position>{};
  {
    const std::lock_guard lock{mutex_};
    DW_ASSERT(id < partitions_.size());
    auto& partition = partitions_[id];
    if (partition.waiting.empty()) return false;
    append = std::move(partition.waiting.front());
    partition.waiting.pop_front();
    if (partition.stopped) {
      outcome = Error{Code::kDamaged, *partition.stopped};
    } else {
      // One that comes late comes without a fault of its own, else it might never come.
      outcome = take(partition, append, append.done ? draw_fault(partition) : std::nullopt);
    }
  }
  if (append.done) append.done(std::move(outcome));
  call_listener(id);
  return true;
}

std::size_t FakeLog::run_all() {
  std::size_t count = 0;
  for (bool any = true; any;) {
    any = false;
    for (PartitionId p = 0; p < partitions(); ++p) {
      while (run_one(p)) {
        ++count;
        any = true;
      }
    }
  }
  return count;
}

LogStatus FakeLog::status(PartitionId partition) const {
  const std::lock_guard lock{mutex_};
  LogStatus out;
  if (const auto& why = partitions_.at(partition).stopped)
    out.stopped = Error{Code::kDamaged, *why};
  return out;
}

std::size_t FakeLog::waiting(PartitionId partition) const {
  const std::lock_guard lock{mutex_};
  return partitions_.at(partition).waiting.size();
}

// How many of the series' records reads may see.
std::size_t FakeLog::visible(const Partition& partition, const Series& series) const {
  return series.records.size() - std::min(partition.lag, series.records.size());
}

Result<LogBatch> FakeLog::read(Topic topic, PartitionId partition, Position from,
                               std::size_t bytes_max) {
  const std::lock_guard lock{mutex_};
  const auto& from_series = series(topic, partition);
  if (from < from_series.begin) {
    return Error{Code::kNotFound, place(topic, partition, from) +
                                      " is not kept any more; the first is " +
                                      std::to_string(from_series.begin)};
  }
  const auto end = from_series.records.begin() +
                   static_cast<std::ptrdiff_t>(visible(partitions_[partition], from_series));
  auto kept = std::partition_point(from_series.records.begin(), end,
                                   [&](const Kept& k) { return k.position < from; });
  std::string buffer;
  std::vector<std::pair<Position, std::size_t>> found;
  for (; kept != end; ++kept) {
    if (!found.empty() && buffer.size() + kept->bytes.size() > bytes_max) break;
    if (from_series.damaged && kept->position >= *from_series.damaged) {
      if (!found.empty()) break;
      return Error{Code::kDamaged, place(topic, partition, kept->position) + ": bad checksum"};
    }
    buffer += kept->bytes;
    found.emplace_back(kept->position, kept->bytes.size());
  }
  LogBatch batch{std::make_shared<const std::string>(std::move(buffer)), {}, from};
  std::string_view rest{*batch.buffer};
  for (const auto& [position, size] : found) {
    batch.records.push_back(LogRecord{position, rest.substr(0, size)});
    rest.remove_prefix(size);
    batch.next = position + 1;
  }
  return batch;
}

Result<Position> FakeLog::end(Topic topic, PartitionId partition) {
  const std::lock_guard lock{mutex_};
  const auto& of = series(topic, partition);
  const auto count = visible(partitions_[partition], of);
  if (count == of.records.size()) return of.next;
  return count == 0 ? of.begin : of.records[count - 1].position + 1;
}

Result<Position> FakeLog::begin(Topic topic, PartitionId partition) {
  const std::lock_guard lock{mutex_};
  return series(topic, partition).begin;
}

void FakeLog::listen(PartitionId partition, std::function<void()> wake) {
  const std::lock_guard listening{listener_mutex_};
  const std::lock_guard lock{mutex_};
  partitions_.at(partition).wake = std::move(wake);
}

void FakeLog::call_listener(PartitionId partition) {
  const std::lock_guard listening{listener_mutex_};
  std::function<void()> wake;
  {
    const std::lock_guard lock{mutex_};
    wake = partitions_[partition].wake;
  }
  if (wake) wake();
}

Result<void> FakeLog::release_before(PartitionId partition, Position events, Position decisions) {
  cut_before(Topic::kEvents, partition, events);
  cut_before(Topic::kDecisions, partition, decisions);
  return ok();
}

void FakeLog::fail_next(PartitionId partition, Fault fault) {
  const std::lock_guard lock{mutex_};
  partitions_.at(partition).faults.push_back(fault);
}

void FakeLog::set_rate(Fault fault, std::uint64_t percent) {
  const std::lock_guard lock{mutex_};
  rates_[static_cast<std::size_t>(fault)] = percent;
}

std::uint64_t FakeLog::count(Fault fault) const {
  const std::lock_guard lock{mutex_};
  return counts_[static_cast<std::size_t>(fault)];
}

void FakeLog::crash() {
  const std::lock_guard listening{listener_mutex_};
  const std::lock_guard lock{mutex_};
  for (auto& partition : partitions_) {
    // They were under way in order: some came, the next in part, the others did not.
    const auto whole = random_.below(partition.waiting.size() + 1);
    for (std::size_t i = 0; i < partition.waiting.size() && i <= whole; ++i) {
      auto& append = partition.waiting[i];
      if (i == whole) append.records.resize(random_.below(append.records.size()));
      add(partition.series[static_cast<std::size_t>(append.topic)], std::move(append.records));
    }
    partition.waiting.clear();
    partition.faults.clear();
    partition.wake = nullptr;
    partition.stopped.reset();
    partition.lag = 0;
  }
}

Position FakeLog::put(Topic topic, PartitionId partition, std::string record) {
  const std::lock_guard lock{mutex_};
  std::vector<std::string> records;
  records.push_back(std::move(record));
  return add(series(topic, partition), std::move(records)).front();
}

void FakeLog::skip_positions(Topic topic, PartitionId partition, Position count) {
  const std::lock_guard lock{mutex_};
  series(topic, partition).next += count;
}

void FakeLog::truncate(Topic topic, PartitionId partition, std::size_t count) {
  const std::lock_guard lock{mutex_};
  auto& of = series(topic, partition);
  for (; count > 0 && !of.records.empty(); --count) {
    of.next = of.records.back().position;
    of.records.pop_back();
  }
}

void FakeLog::cut_before(Topic topic, PartitionId partition, Position from) {
  const std::lock_guard lock{mutex_};
  auto& of = series(topic, partition);
  while (!of.records.empty() && of.records.front().position < from) of.records.pop_front();
  of.begin = std::max(of.begin, std::min(from, of.next));
}

void FakeLog::damage(Topic topic, PartitionId partition, std::optional<Position> at) {
  const std::lock_guard lock{mutex_};
  series(topic, partition).damaged = at;
}

void FakeLog::stop(PartitionId partition, std::string reason) {
  {
    const std::lock_guard lock{mutex_};
    partitions_.at(partition).stopped = std::move(reason);
  }
  call_listener(partition);
}

void FakeLog::lag(PartitionId partition, std::size_t count) {
  const std::lock_guard lock{mutex_};
  partitions_.at(partition).lag = count;
}

void FakeLog::recreate() {
  const std::lock_guard lock{mutex_};
  for (auto& partition : partitions_) partition.series = {};
}

std::vector<FakeLog::Kept> FakeLog::records(Topic topic, PartitionId partition) const {
  const std::lock_guard lock{mutex_};
  const auto& of = series(topic, partition);
  return {of.records.begin(), of.records.end()};
}

}  // namespace dealwright
