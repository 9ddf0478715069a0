// Any byte of a log may go bad: it is found or does no harm, and never gives a wrong answer.
#include "tests/connectors/embedded_log/log_disk.h"
#include "tests/seeds.h"

namespace dealwright::embedded_log {
namespace {

std::size_t count_of(const Contents& contents) {
  return contents.records[0].size() + contents.records[1].size();
}

// Opens the disk as it is and reads all; the error also of a refusal to open.
Contents open_and_read(LogDisk& disk) {
  auto log = disk.try_open();
  if (!log) {
    Contents out;
    out.error = log.error();
    return out;
  }
  auto out = contents_of(*log.value());
  if (const auto status = log.value()->status(0); status.stopped) out.error = status.stopped;
  return out;
}

class DamageTest : public testing::Test {
 protected:
  // A log of `count` records over some segments, closed in order.
  void make_closed(int count) {
    const auto log = disk_.open();
    fill(*log, count);
    whole_ = contents_of(*log);
  }
  // The same, but the process was killed: no seal.
  void make_killed(int count) {
    std::map<std::string, std::string> as_killed;
    {
      const auto log = disk_.open();
      fill(*log, count);
      whole_ = contents_of(*log);
      as_killed = disk_.files.snapshot();
    }
    disk_.files.restore(as_killed);
  }
  std::uint64_t used_bytes(const std::string& path) {
    return disk_.files.contents(path).value().find_last_not_of('\0') + 1;
  }

  LogDisk disk_;
  Contents whole_;
};

TEST_F(DamageTest, AFlippedBitInAClosedLogIsFoundOrHarmless) {
  make_closed(40);
  const auto good = disk_.files.snapshot();
  const auto segments = disk_.segments();
  ASSERT_EQ(segments.size(), 2U);
  for (const auto& path : segments) {
    for (std::uint64_t at = 0; at < good.at(path).size(); at += stride()) {
      disk_.files.restore(good);
      disk_.files.flip_bit(path, at, static_cast<int>(at * 5 % 8));
      const auto report = disk_.verify();
      const auto read = open_and_read(disk_);
      ASSERT_TRUE(is_prefix(read, whole_)) << path << " byte " << at;
      ASSERT_TRUE(read == whole_ || read.error) << "lost in silence: " << path << " byte " << at;
      ASSERT_TRUE(report.damage || report.torn_bytes > 0) << path << " byte " << at;
      if (read.error) {
        ASSERT_EQ(read.error->code, Code::kDamaged) << read.error->detail;
        ASSERT_NE(read.error->detail.find(path), std::string::npos) << read.error->detail;
      }
    }
  }
}

TEST_F(DamageTest, AFlippedBitInAKilledLogCostsAtMostTheLastGroup) {
  make_killed(12);
  const auto good = disk_.files.snapshot();
  const auto path = disk_.segments().at(0);
  for (std::uint64_t at = 0; at < good.at(path).size(); at += stride()) {
    disk_.files.restore(good);
    disk_.files.flip_bit(path, at, static_cast<int>(at % 8));
    const auto read = open_and_read(disk_);
    ASSERT_TRUE(is_prefix(read, whole_)) << at;
    if (!read.error) {
      ASSERT_GE(count_of(read) + 1, count_of(whole_)) << at;
    }
  }
}

TEST_F(DamageTest, ACutFileKeepsAllThatLiesBeforeTheCut) {
  make_killed(12);
  const auto good = disk_.files.snapshot();
  const auto path = disk_.segments().at(0);
  std::vector<std::uint64_t> ends;
  ASSERT_TRUE(dump(disk_.files, "data", 0, [&](const DumpedFrame& frame) {
                ends.push_back(frame.offset + kFrameBytes + frame.bytes.size());
              }).has_value());
  for (std::uint64_t size = 0; size <= used_bytes(path); size += stride()) {
    disk_.files.restore(good);
    disk_.files.set_contents(path, good.at(path).substr(0, size));
    const auto whole_frames = static_cast<std::size_t>(
        std::count_if(ends.begin(), ends.end(), [&](std::uint64_t end) { return end <= size; }));
    const auto read = open_and_read(disk_);
    ASSERT_TRUE(is_prefix(read, whole_)) << size;
    if (size < kHeaderBytes) {
      ASSERT_EQ(read.error->code, Code::kDamaged);
      continue;
    }
    ASSERT_FALSE(read.error) << read.error->detail;
    ASSERT_EQ(count_of(read), whole_frames) << size;
    // What was cut is written anew, and all is whole again.
    {
      const auto log = disk_.open();
      fill(*log, 3);
    }
    ASSERT_FALSE(disk_.verify().damage);
    ASSERT_EQ(disk_.verify().torn_bytes, 0U);
  }
}

TEST_F(DamageTest, ReportsHowMuchOfATornTailItCut) {
  make_killed(5);
  const auto path = disk_.segments().at(0);
  const auto used = used_bytes(path);
  auto bytes = disk_.files.contents(path).value();
  bytes.replace(used, 10, "torn frame");
  disk_.files.set_contents(path, bytes);
  EXPECT_EQ(disk_.verify().torn_bytes, 10U);
  const auto log = disk_.open();
  EXPECT_EQ(log->status(0).torn_bytes, 10U);
  EXPECT_FALSE(log->status(0).stopped);
  EXPECT_EQ(contents_of(*log), whole_);
  EXPECT_EQ(used_bytes(path), used);
}

TEST_F(DamageTest, ZeroesWithinTheLogAreNoEnd) {
  make_closed(12);
  const auto good = disk_.files.snapshot();
  const auto path = disk_.segments().at(0);
  const auto used = used_bytes(path);
  // The seal behind them stays: it alone tells a lost last frame from one never written.
  for (std::uint64_t at = kHeaderBytes; at + 64 + kFrameBytes <= used; at += 7 * stride()) {
    disk_.files.restore(good);
    auto bytes = good.at(path);
    bytes.replace(at, 64, std::string(64, '\0'));
    disk_.files.set_contents(path, bytes);
    const auto read = open_and_read(disk_);
    ASSERT_TRUE(is_prefix(read, whole_)) << at;
    ASSERT_TRUE(read.error) << at;
    ASSERT_EQ(read.error->code, Code::kDamaged) << at;
  }
}

// Frames that are intact but not in their place.
TEST_F(DamageTest, FindsSwappedRepeatedAndForeignFrames) {
  make_closed(12);
  const auto good = disk_.files.snapshot();
  const auto path = disk_.segments().at(0);
  std::vector<std::uint64_t> starts;
  ASSERT_TRUE(dump(disk_.files, "data", 0, [&](const DumpedFrame& f) {
                starts.push_back(f.offset);
              }).has_value());
  const auto frame = [&](std::size_t i) {
    return good.at(path).substr(starts[i], starts[i + 1] - starts[i]);
  };
  LogDisk other{1, small_options()};
  other.options.log_id = Hash128{1, 2};
  fill(*other.open(), 12);
  const auto foreign = other.files.contents(path).value();
  struct Row {
    const char* what;
    std::string bytes;
  };
  const auto head = good.at(path).substr(0, starts[3]);
  const auto behind = good.at(path).substr(starts[5]);
  const Row rows[] = {
      {"swapped", head + frame(4) + frame(3) + behind},
      {"repeated", head + frame(3) + frame(3) + behind},
      {"left out", head + frame(4) + behind},
      {"from another log", head + foreign.substr(starts[3], starts[5] - starts[3]) + behind},
      {"from further back", head + frame(1) + frame(2) + behind},
  };
  for (const auto& row : rows) {
    disk_.files.restore(good);
    disk_.files.set_contents(path, row.bytes);
    const auto read = open_and_read(disk_);
    EXPECT_TRUE(is_prefix(read, whole_)) << row.what;
    ASSERT_TRUE(read.error) << row.what;
    EXPECT_EQ(read.error->code, Code::kDamaged) << row.what;
  }
}

TEST_F(DamageTest, FindsSegmentsThatAreMissingOrOfAnotherLog) {
  make_closed(120);
  const auto good = disk_.files.snapshot();
  const auto paths = disk_.segments();
  ASSERT_GE(paths.size(), 4U);
  LogDisk other{1, small_options()};
  other.options.log_id = Hash128{1, 2};
  fill(*other.open(), 120);
  struct Row {
    const char* what;
    const char* reason;
    std::function<void()> change;
  };
  const std::vector<Row> rows = {
      {"one in the middle is missing", "is missing",
       [&] { ASSERT_TRUE(disk_.files.remove(paths[1]).has_value()); }},
      {"all are missing", "all segments are missing",
       [&] {
         for (const auto& path : paths) ASSERT_TRUE(disk_.files.remove(path).has_value());
       }},
      {"one of another log", "belongs to another log",
       [&] { disk_.files.set_contents(paths[1], other.files.contents(paths[1]).value()); }},
      {"one under another's name", "its name is not its first frame",
       [&] { disk_.files.set_contents(paths[2], good.at(paths[1])); }},
      {"one without a header", "bad checksum of the segment header",
       [&] { disk_.files.flip_bit(paths[2], 50, 1); }},
      {"one that is empty", "shorter than a segment header",
       [&] { disk_.files.set_contents(paths[1], ""); }},
      {"no segment at all", "other first bytes",
       [&] { disk_.files.set_contents(paths[1], std::string(500, 'x')); }},
  };
  for (const auto& row : rows) {
    disk_.files.restore(good);
    row.change();
    const auto report = disk_.verify();
    ASSERT_TRUE(report.damage) << row.what;
    EXPECT_NE(report.damage->reason.find(row.reason), std::string::npos) << report.damage->reason;
    const auto read = open_and_read(disk_);
    EXPECT_TRUE(is_prefix(read, whole_)) << row.what;
    ASSERT_TRUE(read.error) << row.what;
    EXPECT_NE(read.error->detail.find(row.reason), std::string::npos) << read.error->detail;
  }
}

TEST_F(DamageTest, ReadsUpToTheDamageAndNoFurther) {
  make_closed(120);
  const auto paths = disk_.segments();
  ASSERT_GE(paths.size(), 4U);
  disk_.files.flip_bit(paths[1], kHeaderBytes + 3 * (kFrameBytes + 20) + 5, 0);
  const auto log = disk_.open();
  EXPECT_FALSE(log->status(0).stopped);  // found when it is read, or by verify
  const auto read = read_all(*log, Topic::kEvents, 0);
  ASSERT_TRUE(read.error);
  EXPECT_EQ(read.error->code, Code::kDamaged);
  EXPECT_NE(read.error->detail.find(paths[1]), std::string::npos);
  EXPECT_TRUE(is_prefix(read.bytes(), whole_.records[0]));
  EXPECT_GT(read.records.size(), 20U);
}

// Whoever sends a fact made of frames must not stop a partition with it.
TEST_F(DamageTest, APayloadMadeOfFramesIsNotTakenForFrames) {
  LogDisk other;
  other.options.log_id = Hash128{1, 2};
  fill(*other.open(), 40);
  const auto frames = other.files.contents(other.segments().at(0)).value();
  disk_.options.segment_bytes = 16384;
  std::map<std::string, std::string> as_killed;
  {
    const auto log = disk_.open();
    ASSERT_TRUE(append_now(*log, Topic::kEvents, 0, {"first", frames}).has_value());
    as_killed = disk_.files.snapshot();
  }
  disk_.files.restore(as_killed);
  // The second frame is torn: its payload lies bare.
  disk_.files.flip_bit(disk_.segments().at(0), kHeaderBytes + kFrameBytes + 5, 0);
  const auto log = disk_.open();
  EXPECT_FALSE(log->status(0).stopped);
  EXPECT_GT(log->status(0).torn_bytes, frames.find_last_not_of('\0'));
  EXPECT_EQ(contents_of(*log).records[0], std::vector<std::string>{"first"});
}

}  // namespace
}  // namespace dealwright::embedded_log
