// Every call to the disk fails once, in every way: an append says what became of it, and says true.
#include <set>

#include "tests/connectors/embedded_log/log_disk.h"
#include "tests/seeds.h"

namespace dealwright::embedded_log {
namespace {

using Fault = FakeFileSystem::Fault;
using Call = FakeFileSystem::Call;

struct Tally {
  std::set<std::string> there;
  std::set<std::string> perhaps;
  std::set<std::string> not_there;
  int no_space = 0;
  int unknown = 0;
};

void append_one(EmbeddedLog& log, int i, Tally& tally) {
  const auto record = "record " + std::to_string(i) + std::string(150, 'x');
  const auto topic = i % 2 == 0 ? Topic::kEvents : Topic::kDecisions;
  const auto done = append_now(log, topic, 0, {record});
  if (done) {
    tally.there.insert(record);
    return;
  }
  const auto code = done.error().code;
  (code == Code::kUnknownOutcome ? tally.perhaps : tally.not_there).insert(record);
  tally.unknown += code == Code::kUnknownOutcome ? 1 : 0;
  tally.no_space += code == Code::kNoSpace ? 1 : 0;
  EXPECT_TRUE(code == Code::kUnknownOutcome || code == Code::kNoSpace || code == Code::kDamaged)
      << done.error().detail;
}

void check(EmbeddedLog& log, const Tally& tally) {
  const auto contents = contents_of(log);
  ASSERT_FALSE(contents.error) << contents.error->detail;
  std::set<std::string> seen;
  for (const auto& records : contents.records) {
    for (const auto& record : records) {
      EXPECT_TRUE(seen.insert(record).second) << "twice: " << record;
      EXPECT_EQ(tally.not_there.count(record), 0U) << "denied, yet there: " << record;
    }
  }
  for (const auto& record : tally.there) EXPECT_EQ(seen.count(record), 1U) << "lost: " << record;
}

// Opens, appends, closes with the n-th change failing; true once there are fewer changes than n.
bool run(std::uint64_t n, Fault fault, Tally& tally) {
  LogDisk disk{n};
  disk.files.fail_change(n, fault);
  auto log = disk.try_open();
  for (int i = 0; log && i < 30; ++i) append_one(*log.value(), i, tally);
  const bool stopped = log && log.value()->status(0).stopped.has_value();
  if (log && !stopped) check(*log.value(), tally);
  if (log) log.value().reset();
  const bool done = disk.files.changes() < n;
  disk.files.fail_nothing();
  const auto again = disk.open();
  if (!again) return true;
  EXPECT_FALSE(again->status(0).stopped) << again->status(0).stopped->detail;
  check(*again, tally);
  append_one(*again, 1000, tally);
  EXPECT_EQ(tally.there.size() + tally.perhaps.size() + tally.not_there.size(), log ? 31U : 1U);
  return done;
}

class DiskFaultTest : public testing::TestWithParam<Fault> {};

TEST_P(DiskFaultTest, SaysTrueWhateverCallFails) {
  int no_space = 0;
  int unknown = 0;
  std::uint64_t n = 1 + static_cast<std::uint64_t>(GetParam()) % stride();
  for (bool done = false; !done && n < 1000; n += stride()) {
    SCOPED_TRACE("change " + std::to_string(n));
    Tally tally;
    done = run(n, GetParam(), tally);
    ASSERT_FALSE(HasFatalFailure());
    no_space += tally.no_space;
    unknown += tally.unknown;
  }
  EXPECT_GT(n, 70U);
  const bool full = GetParam() == Fault::kNoSpace || GetParam() == Fault::kShortSpace;
  EXPECT_GT(full ? no_space : unknown, 5 / static_cast<int>(stride()));
}

INSTANTIATE_TEST_SUITE_P(Faults, DiskFaultTest,
                         testing::Values(Fault::kIo, Fault::kNoSpace, Fault::kShortIo,
                                         Fault::kShortSpace, Fault::kDoneButIo));

TEST(DiskFullTest, RefusesWhileItIsFullAndGoesOnByItself) {
  for (const bool in_segment : {true, false}) {
    LogDisk disk;
    const auto log = disk.open();
    Tally tally;
    for (int i = 0; i < 7; ++i) append_one(*log, i, tally);
    if (in_segment) {
      // Blocks promised to the segment are gone: a write breaks off in it.
      disk.files.fail_call(Call::kWrite, 1, Fault::kShortSpace);
    }
    disk.files.set_capacity(0);
    for (int i = 7; i < 40; ++i) append_one(*log, i, tally);
    EXPECT_GT(tally.no_space, 20);
    EXPECT_EQ(tally.unknown, 0);
    const auto before = tally.there.size();
    disk.files.set_capacity(1 << 20);
    for (int i = 40; i < 80; ++i) append_one(*log, i, tally);
    EXPECT_EQ(tally.there.size(), before + 40);
    check(*log, tally);
  }
}

// Less is left than would be taken ahead: it is used all the same, to the last record that fits.
TEST(DiskFaultTest, TheLastBlocksAreUsed) {
  LogDisk disk{1, small_options(1, 64 << 10)};
  const auto log = disk.open();
  const std::string record(20, 'x');
  ASSERT_TRUE(append_now(*log, Topic::kEvents, 0, {record}));
  const auto all = disk.files.free_bytes("data").value();
  const auto used = (std::uint64_t{1} << 40) - all;
  disk.files.set_capacity(used + disk.options.ahead_bytes / 2);
  int fits = 0;
  while (append_now(*log, Topic::kEvents, 0, {record})) ++fits;
  EXPECT_GT(fits, 1);
  EXPECT_LT(disk.files.free_bytes("data").value(), record.size() + kFrameBytes);
  disk.files.set_capacity(1 << 20);
  EXPECT_TRUE(append_now(*log, Topic::kEvents, 0, {record}));
  EXPECT_EQ(log->end(Topic::kEvents, 0).value(), static_cast<Position>(fits) + 2);
}

// A rename that came about and said that it did not: going on in the old segment would leave one
// between the old and the next.
TEST(DiskFaultTest, ASegmentThatPerhapsCameToBeStopsThePartition) {
  for (const auto fault : {Fault::kShortSpace, Fault::kNoSpace}) {
    LogDisk disk;
    auto log = disk.open();
    Tally tally;
    disk.files.fail_call(Call::kRename, 1, fault);
    int i = 0;
    while (tally.no_space + tally.unknown + static_cast<int>(tally.not_there.size()) == 0) {
      append_one(*log, i++, tally);
    }
    const std::string small{"small"};  // it has room where the last one had none
    const auto went_on = append_now(*log, Topic::kEvents, 0, {small}).has_value();
    EXPECT_EQ(went_on, fault == Fault::kNoSpace);
    if (went_on) tally.there.insert(small);
    for (int more = 0; went_on && more < 30; ++more) append_one(*log, i++, tally);
    log.reset();
    const auto again = disk.open();
    ASSERT_FALSE(again->status(0).stopped) << again->status(0).stopped->detail;
    append_one(*again, 1000, tally);
    check(*again, tally);
  }
}

TEST(DiskFullTest, ACutThatCannotBeMadeSureOfIsAnUnknownOutcome) {
  LogDisk disk;
  auto log = disk.open();
  Tally tally;
  append_one(*log, 0, tally);
  disk.files.fail_call(Call::kWrite, 1, Fault::kShortSpace);
  disk.files.fail_call(Call::kTruncate, 1, Fault::kIo);
  append_one(*log, 1, tally);
  EXPECT_EQ(tally.unknown, 1);
  EXPECT_TRUE(log->status(0).stopped);
  append_one(*log, 2, tally);
  EXPECT_EQ(tally.not_there.size(), 1U);
  log.reset();
  check(*disk.open(), tally);
}

TEST(DiskFaultTest, AFailedSyncStopsThePartitionAndWakesItsListener) {
  LogDisk disk{1, small_options(2)};
  const auto log = disk.open();
  std::promise<void> woken;
  disk.files.fail_call(Call::kSync, 1, Fault::kIo);
  log->listen(0, [&] { woken.set_value(); });
  const auto failed = append_now(*log, Topic::kEvents, 0, {"lost?"});
  woken.get_future().get();
  EXPECT_EQ(failed.error().code, Code::kUnknownOutcome);
  const auto later = append_now(*log, Topic::kEvents, 0, {"no more"});
  EXPECT_EQ(later.error().code, Code::kDamaged);
  EXPECT_NE(later.error().detail.find("Input/output error"), std::string::npos);
  EXPECT_TRUE(append_now(*log, Topic::kEvents, 1, {"next door"}).has_value());
  EXPECT_TRUE(read_all(*log, Topic::kEvents, 0).records.empty());
  log->listen(0, {});
}

TEST(DiskFaultTest, AFailedReadGivesAnErrorAndNoWrongAnswer) {
  LogDisk disk;
  disk.options.tail_cache_bytes = 0;
  fill(*disk.open(), 100);
  const auto whole = contents_of(*disk.open());
  std::uint64_t failures = 0;
  for (std::uint64_t n = 1; n < 60; ++n) {
    disk.files.fail_call(Call::kRead, n, Fault::kIo);
    auto log = disk.try_open();
    if (!log) {
      EXPECT_EQ(log.error().code, Code::kIo);
      ++failures;
      continue;
    }
    const auto read = contents_of(*log.value());
    EXPECT_TRUE(is_prefix(read, whole));
    EXPECT_TRUE(read.error || read == whole);
    failures += read.error ? 1 : 0;
    disk.files.fail_nothing();
    EXPECT_EQ(contents_of(*log.value()), whole);
  }
  EXPECT_GT(failures, 10U);
}

}  // namespace
}  // namespace dealwright::embedded_log
