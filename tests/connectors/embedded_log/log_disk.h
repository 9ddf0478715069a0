// A disk in memory with an embedded log on it, for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connectors/embedded_log/embedded_log.h"
#include "connectors/embedded_log/format.h"
#include "connectors/embedded_log/meta.h"
#include "connectors/embedded_log/verify.h"
#include "engine/ports/fake/fake_clock.h"
#include "engine/ports/fake/fake_file_system.h"
#include "tests/contract/log_driver.h"

namespace dealwright::embedded_log {

inline constexpr std::array<Topic, 2> kBothTopics = {Topic::kEvents, Topic::kDecisions};
inline constexpr Hash128 kLogId{0x0123456789abcdef, 0xfedcba9876543210};

inline Options small_options(std::uint32_t partitions = 1, std::uint64_t segment_bytes = 2048) {
  Options options;
  options.partitions = partitions;
  options.segment_bytes = segment_bytes;
  options.ahead_bytes = 256;
  options.tail_cache_bytes = 1024;
  options.open_files_max = 2;
  options.log_id = kLogId;
  return options;
}

struct LogDisk {
  explicit LogDisk(std::uint64_t seed = 1, Options with = small_options())
      : files{seed}, options{std::move(with)} {}

  Result<std::unique_ptr<EmbeddedLog>> try_open() {
    return embedded_log::open(files, clock, "data", options);
  }
  std::unique_ptr<EmbeddedLog> open() {
    auto log = try_open();
    EXPECT_TRUE(log.has_value()) << log.error().detail;
    return log ? std::move(log).value() : nullptr;
  }
  // Paths of the segments, oldest first.
  std::vector<std::string> segments(PartitionId partition = 0) {
    std::vector<std::string> out;
    const auto directory = partition_directory("data", partition);
    const auto names = files.list(directory);
    for (const auto& name : names.value()) out.push_back(directory + "/" + name);
    return out;
  }
  VerifyReport verify(PartitionId partition = 0) {
    auto report = embedded_log::verify(files, "data", partition);
    EXPECT_TRUE(report.has_value()) << report.error().detail;
    return report ? std::move(report).value() : VerifyReport{};
  }

  FakeFileSystem files;
  FakeClock clock;
  Options options;
};

// What both topics of a partition hold, and what ended the reading.
struct Contents {
  std::array<std::vector<std::string>, 2> records;
  std::optional<Error> error;
  friend bool operator==(const Contents& a, const Contents& b) { return a.records == b.records; }
};

inline Contents contents_of(Log& log, PartitionId partition = 0) {
  Contents out;
  for (const auto topic : kBothTopics) {
    auto read = read_all(log, topic, partition, 0, 200);
    for (std::size_t i = 0; i < read.records.size(); ++i) EXPECT_EQ(read.records[i].first, i);
    out.records[static_cast<std::size_t>(topic)] = read.bytes();
    if (read.error) out.error = read.error;
  }
  return out;
}

inline bool is_prefix(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}
inline bool is_prefix(const Contents& part, const Contents& whole) {
  return is_prefix(part.records[0], whole.records[0]) &&
         is_prefix(part.records[1], whole.records[1]);
}

// Appends `count` records, to events and decisions in turn, and waits for each.
inline void fill(Log& log, int count, PartitionId partition = 0, std::size_t bytes = 20) {
  for (int i = 0; i < count; ++i) {
    auto record = "record " + std::to_string(i) + " ";
    record.resize(std::max(bytes, record.size()), static_cast<char>('a' + i % 26));
    const auto topic = i % 3 == 2 ? Topic::kDecisions : Topic::kEvents;
    const auto done = append_now(log, topic, partition, {record});
    ASSERT_TRUE(done.has_value()) << done.error().detail;
  }
}

}  // namespace dealwright::embedded_log
