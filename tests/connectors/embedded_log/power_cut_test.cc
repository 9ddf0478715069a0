// The power goes at every write, sync, rename and removal: what was acknowledged is there, in
// order, once.
#include "tests/connectors/embedded_log/log_disk.h"
#include "tests/seeds.h"

namespace dealwright::embedded_log {
namespace {

// What was appended, in order, and how it went.
struct Book {
  struct Line {
    Topic topic;
    std::vector<std::string> records;
    std::optional<AppendOutcome> outcome;
  };
  std::vector<Line> lines;
};

// Appends in rounds of some that are under way together; stops at the first failure.
void work(EmbeddedLog& log, Book& book, int rounds, FakeRandom& random) {
  for (int round = 0; round < rounds; ++round) {
    std::vector<std::future<AppendOutcome>> under_way;
    const auto first = book.lines.size();
    const auto appends = 1 + random.below(3);
    for (std::uint64_t a = 0; a < appends; ++a) {
      const auto topic = random.chance(50) ? Topic::kEvents : Topic::kDecisions;
      std::vector<std::string> records;
      for (auto n = 1 + random.below(4); n > 0; --n) {
        records.push_back("line " + std::to_string(book.lines.size()) + " " + std::to_string(n) +
                          std::string(random.below(300), 'x'));
      }
      book.lines.push_back({topic, records, {}});
      under_way.push_back(start_append(log, topic, 0, std::move(records)));
    }
    bool failed = false;
    for (std::size_t i = 0; i < under_way.size(); ++i) {
      auto& outcome = book.lines[first + i].outcome.emplace(under_way[i].get());
      failed = failed || !outcome.has_value();
    }
    if (failed) return;
  }
}

// Each acknowledged append is there once and in order; of the others some, each in its turn.
void check(Log& log, Book& book) {
  for (const auto topic : kBothTopics) {
    const auto read = read_all(log, topic, 0);
    ASSERT_FALSE(read.error) << read.error->detail;
    const auto bytes = read.bytes();
    std::size_t at = 0;
    for (const auto& line : book.lines) {
      if (line.topic != topic) continue;
      const bool acknowledged = line.outcome && line.outcome->has_value();
      for (const auto& record : line.records) {
        if (at < bytes.size() && bytes[at] == record) {
          ++at;
        } else {
          ASSERT_FALSE(acknowledged) << "lost: " << record.substr(0, 20);
          break;
        }
      }
    }
    ASSERT_EQ(at, bytes.size()) << "out of order or twice";
  }
}

// What is there now counts as acknowledged from here on: the next crash must not take it back.
void settle(Log& log, Book& book) {
  Book now;
  for (const auto topic : kBothTopics) {
    for (auto& record : read_all(log, topic, 0).bytes()) {
      now.lines.push_back({topic, {record}, AppendOutcome{std::vector<Position>{0}}});
    }
  }
  book = std::move(now);
}

TEST(PowerCutTest, KeepsWhatWasAcknowledgedAtEveryChangeOfTheDisk) {
  std::uint64_t cuts = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    for (std::uint64_t n = 1 + seed % stride();; n += stride()) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", change " + std::to_string(n));
      LogDisk disk{seed * 1000 + n};
      FakeRandom random{seed};
      Book book;
      disk.files.fail_change(n, FakeFileSystem::Fault::kPowerCut);
      bool cut = true;
      if (auto log = disk.try_open()) {
        work(*log.value(), book, 12, random);
        log.value().reset();
        cut = disk.files.changes() >= n;
      }
      disk.files.power_cut();
      disk.files.reboot();
      {
        const auto log = disk.open();
        ASSERT_TRUE(log);
        ASSERT_FALSE(log->status(0).stopped) << log->status(0).stopped->detail;
        ASSERT_NO_FATAL_FAILURE(check(*log, book));
        settle(*log, book);
        work(*log, book, 4, random);
      }
      ASSERT_FALSE(disk.verify().damage) << disk.verify().damage->reason;
      const auto log = disk.open();
      ASSERT_NO_FATAL_FAILURE(check(*log, book));
      if (!cut) break;
      ++cuts;
    }
  }
  EXPECT_GT(cuts, 400U / stride());
}

// A segment was begun, and its name could not be made durable: the log stops. What is written to
// that segment by the next process is there after a power cut.
TEST(PowerCutTest, KeepsASegmentWhoseNameWasNotDurableWhenTheLogWasOpened) {
  for (const auto seed : seeds(1, 12)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    LogDisk disk{seed};
    auto log = disk.open();
    disk.files.fail_call(FakeFileSystem::Call::kSyncDirectory, 1, FakeFileSystem::Fault::kIo);
    while (append_now(*log, Topic::kEvents, 0, {std::string(300, 'a')})) {
    }
    log.reset();
    log = disk.open();
    ASSERT_TRUE(append_now(*log, Topic::kEvents, 0, {"the last"}));
    disk.files.power_cut();
    log.reset();
    disk.files.reboot();
    log = disk.open();
    const auto read = read_all(*log, Topic::kEvents, 0);
    ASSERT_FALSE(read.error) << read.error->detail;
    ASSERT_FALSE(read.records.empty());
    EXPECT_EQ(read.records.back().second, "the last");
  }
}

TEST(PowerCutTest, SurvivesOneMoreWhileItRecovers) {
  for (const auto seed : seeds(1, 40)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    LogDisk disk{seed};
    FakeRandom random{seed};
    Book book;
    {
      const auto log = disk.open();
      disk.files.fail_change(10 + random.below(30), FakeFileSystem::Fault::kPowerCut);
      work(*log, book, 20, random);
    }
    disk.files.reboot();
    for (std::uint64_t n = 1; n <= 6; ++n) {
      disk.files.fail_change(n, FakeFileSystem::Fault::kPowerCut);
      auto log = disk.try_open();
      if (log) {
        ASSERT_NO_FATAL_FAILURE(check(*log.value(), book));
        settle(*log.value(), book);
        log.value().reset();
      }
      disk.files.power_cut();
      disk.files.reboot();
    }
    const auto log = disk.open();
    ASSERT_TRUE(log);
    ASSERT_NO_FATAL_FAILURE(check(*log, book));
  }
}

TEST(PowerCutTest, LeavesNoHoleWhenItFallsIntoARelease) {
  for (std::uint64_t n = 1; n <= 12; ++n) {
    for (const auto seed : seeds(1, 10)) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", change " + std::to_string(n));
      LogDisk disk{seed};
      Position released = 0;
      {
        const auto log = disk.open();
        fill(*log, 150);
        released = log->end(Topic::kEvents, 0).value() * 3 / 4;
        disk.files.fail_change(n, FakeFileSystem::Fault::kPowerCut);
        const auto done = log->release_before(0, released, 1'000'000);
        EXPECT_TRUE(done.has_value() || done.error().code == Code::kIo);
      }
      disk.files.power_cut();
      disk.files.reboot();
      const auto log = disk.open();
      ASSERT_FALSE(log->status(0).stopped) << log->status(0).stopped->detail;
      const auto begin = log->begin(Topic::kEvents, 0).value();
      EXPECT_LE(begin, released);
      const auto read = read_all(*log, Topic::kEvents, 0, begin);
      EXPECT_FALSE(read.error);
      EXPECT_EQ(read.records.size(), 100 - begin);
    }
  }
}

}  // namespace
}  // namespace dealwright::embedded_log
