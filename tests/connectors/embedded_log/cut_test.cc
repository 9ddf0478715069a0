// A cut is of one instant over all partitions, and keeps its files.
#include "connectors/embedded_log/cut.h"

#include <atomic>
#include <thread>

#include "tests/connectors/embedded_log/log_disk.h"
#include "tests/seeds.h"

namespace dealwright::embedded_log {
namespace {

Position events_in(const Cut& cut, PartitionId partition) {
  return cut.partitions()[partition].end.positions[static_cast<std::size_t>(Topic::kEvents)];
}

// As partitions send each other: what stands in one of them was durable in the other before.
TEST(CutTest, HoldsNoSendWithoutWhatSentIt) {
  LogDisk disk{1, small_options(2, 256 << 10)};
  const auto log = disk.open();
  std::atomic<bool> over{false};
  std::thread sender{[&] {
    for (int i = 0; !over; ++i) {
      const auto record = "fact " + std::to_string(i);
      // Now one of them is the sender, now the other.
      const PartitionId from = static_cast<PartitionId>(i % 2);
      ASSERT_TRUE(append_now(*log, Topic::kEvents, from, {record}));
      ASSERT_TRUE(append_now(*log, Topic::kEvents, 1 - from, {record}));
    }
  }};
  Position last = 0;
  for (std::uint64_t n = 0; n < some_of(20'000) || last < 100; ++n) {
    const auto cut = log->cut();
    ASSERT_TRUE(cut);
    const auto a = events_in(*cut.value(), 0);
    const auto b = events_in(*cut.value(), 1);
    // Record i is in 0 first if i is even, in 1 first if it is odd.
    ASSERT_LE(a > b ? a - b : b - a, 1U);
    if (a != b) {
      ASSERT_EQ(std::min(a, b) % 2, a > b ? 0U : 1U) << a << " " << b;
    }
    ASSERT_GE(std::min(a, b) + 1, last);
    last = std::max(a, b);
  }
  over = true;
  sender.join();
}

TEST(CutTest, NamesTheBytesUpToItsEndWhateverComesLater) {
  LogDisk disk;
  const auto log = disk.open();
  fill(*log, 100);
  const auto cut = std::move(log->cut().value());
  const auto& partition = cut->partitions().at(0);
  ASSERT_GT(partition.segments.size(), 2U);
  EXPECT_EQ(partition.segments.back().bytes, partition.end.offset);
  EXPECT_EQ(partition.end.sequence, 100U);
  fill(*log, 100);
  // Copied as it says, it is a log that ends where the cut does.
  const auto all = disk.files.snapshot();
  std::map<std::string, std::string> copy{{"data/log/meta", all.at("data/log/meta")}};
  for (const auto& segment : partition.segments) {
    copy[segment.path] = all.at(segment.path).substr(0, segment.bytes);
  }
  LogDisk other{2};
  other.files.restore(copy);
  const auto report = other.verify();
  EXPECT_FALSE(report.damage) << report.damage->reason;
  EXPECT_EQ(report.frames, 100U);
  EXPECT_EQ(report.ends, partition.end.positions);
  EXPECT_EQ(report.torn_bytes, 0U);
  const auto copied = other.open();
  EXPECT_TRUE(is_prefix(contents_of(*copied), contents_of(*log)));
  fill(*copied, 50);  // and it goes on
  EXPECT_EQ(other.verify().frames, 150U);
}

TEST(CutTest, KeepsItsFilesFromRetentionUntilItGoes) {
  LogDisk disk;
  const auto log = disk.open();
  fill(*log, 200);
  const auto ends =
      std::array{log->end(Topic::kEvents, 0).value(), log->end(Topic::kDecisions, 0).value()};
  const auto before = disk.segments();
  ASSERT_GT(before.size(), 3U);
  auto cut = std::move(log->cut().value());
  auto second = std::move(log->cut().value());
  ASSERT_TRUE(log->release_before(0, ends[0], ends[1]));
  EXPECT_EQ(disk.segments(), before);
  cut.reset();
  ASSERT_TRUE(log->release_before(0, ends[0], ends[1]));
  EXPECT_EQ(disk.segments(), before) << "another one still copies";
  second.reset();
  ASSERT_TRUE(log->release_before(0, ends[0], ends[1]));
  EXPECT_EQ(disk.segments().size(), 1U);
}

TEST(CutTest, OfADamagedLogThereIsNone) {
  LogDisk disk{1, small_options(2)};
  {
    const auto log = disk.open();
    fill(*log, 100, 1);
  }
  disk.files.flip_bit(disk.segments(1).front(), 20, 3);
  const auto log = disk.open();
  const auto cut = log->cut();
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, Code::kDamaged);
  EXPECT_NE(cut.error().detail.find("log/1/"), std::string::npos) << cut.error().detail;
}

}  // namespace
}  // namespace dealwright::embedded_log
