// Drives a Log from a test: appends and waits, reads to the end.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/ports/log.h"

namespace dealwright {

using AppendOutcome = Result<std::vector<Position>>;

// Starts an append; the future has its outcome.
inline std::future<AppendOutcome> start_append(Log& log, Topic topic, PartitionId partition,
                                               std::vector<std::string> records,
                                               bool soon = false) {
  auto promise = std::make_shared<std::promise<AppendOutcome>>();
  auto outcome = promise->get_future();
  const auto append = soon ? &Log::append_soon : &Log::append;
  (log.*append)(topic, partition, std::move(records),
                [promise](AppendOutcome done) { promise->set_value(std::move(done)); });
  return outcome;
}

inline AppendOutcome append_now(Log& log, Topic topic, PartitionId partition,
                                std::vector<std::string> records) {
  return start_append(log, topic, partition, std::move(records)).get();
}

struct ReadAll {
  std::vector<std::pair<Position, std::string>> records;
  std::optional<Error> error;  // what ended it, if not the end of the log
  std::vector<std::string> bytes() const {
    std::vector<std::string> out;
    for (const auto& record : records) out.push_back(record.second);
    return out;
  }
};

inline ReadAll read_all(Log& log, Topic topic, PartitionId partition, Position from = 0,
                        std::size_t bytes_max = 4096) {
  ReadAll out;
  for (;;) {
    auto batch = log.read(topic, partition, from, bytes_max);
    if (!batch) {
      out.error = batch.error();
      return out;
    }
    if (batch.value().records.empty()) return out;
    for (const auto& record : batch.value().records) {
      out.records.emplace_back(record.position, std::string{record.bytes});
    }
    from = batch.value().next;
  }
}

}  // namespace dealwright
