#include "connectors/embedded_log/embedded_log.h"

#include <atomic>
#include <mutex>
#include <thread>

#include "tests/connectors/embedded_log/log_disk.h"

namespace dealwright::embedded_log {
namespace {

TEST(EmbeddedLogTest, BelongsToOneProcess) {
  LogDisk disk;
  auto log = disk.open();
  const auto second = disk.try_open();
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Code::kConflict);
  log.reset();
  EXPECT_TRUE(disk.try_open().has_value());
}

TEST(EmbeddedLogTest, FixesTheNumberOfPartitionsWhenCreated) {
  LogDisk disk{1, small_options(3)};
  disk.open();
  disk.options.partitions = 4;
  const auto other = disk.try_open();
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().code, Code::kInvalid);
  EXPECT_NE(other.error().detail.find("created with 3 partitions, not 4"), std::string::npos);
  disk.options.partitions = 3;
  EXPECT_EQ(disk.open()->partitions(), 3U);
}

TEST(EmbeddedLogTest, RefusesLimitsThatMakeNoSense) {
  const std::vector<std::function<void(Options&)>> rows = {
      [](Options& o) { o.partitions = 0; },
      [](Options& o) { o.partitions = 100'000; },
      [](Options& o) { o.segment_bytes = 100; },
      [](Options& o) { o.queue_bytes_max = std::uint64_t{1} << 40; },
  };
  for (const auto& change : rows) {
    LogDisk disk;
    change(disk.options);
    EXPECT_EQ(disk.try_open().error().code, Code::kInvalid);
  }
}

TEST(EmbeddedLogTest, ADamagedPartitionStopsAndTheOthersGoOn) {
  LogDisk disk{1, small_options(3)};
  {
    const auto log = disk.open();
    for (PartitionId p = 0; p < 3; ++p) fill(*log, 10, p);
  }
  const auto path = disk.segments(1).at(0);
  disk.files.flip_bit(path, kHeaderBytes + 100, 3);
  const auto log = disk.open();
  ASSERT_TRUE(log->status(1).stopped);
  EXPECT_EQ(log->status(1).stopped->code, Code::kDamaged);
  EXPECT_NE(log->status(1).stopped->detail.find(path + ", byte "), std::string::npos)
      << log->status(1).stopped->detail;
  const auto refused = append_now(*log, Topic::kEvents, 1, {"x"});
  EXPECT_EQ(refused.error().code, Code::kDamaged);
  EXPECT_EQ(refused.error().detail, log->status(1).stopped->detail);
  EXPECT_EQ(read_all(*log, Topic::kEvents, 1).error->code, Code::kDamaged);
  EXPECT_EQ(read_all(*log, Topic::kEvents, 1).records.size(), 1U);
  for (const PartitionId p : {0U, 2U}) {
    EXPECT_TRUE(append_now(*log, Topic::kEvents, p, {"x"}).has_value());
    EXPECT_FALSE(contents_of(*log, p).error);
  }
}

TEST(EmbeddedLogTest, RefusesADamagedOrNewerMetaFile) {
  LogDisk disk;
  fill(*disk.open(), 3);
  const auto good = disk.files.snapshot();
  const auto text = good.at("data/log/meta");
  for (std::size_t at = 0; at < text.size(); ++at) {
    disk.files.restore(good);
    disk.files.flip_bit("data/log/meta", at, 1);
    const auto log = disk.try_open();
    ASSERT_FALSE(log.has_value()) << at;
    EXPECT_TRUE(log.error().code == Code::kDamaged || log.error().code == Code::kUnsupported);
  }
  disk.files.restore(good);
  ASSERT_TRUE(disk.files.remove("data/log/meta").has_value());
  const auto lost = disk.try_open();
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().code, Code::kDamaged);
  EXPECT_NE(lost.error().detail.find("data/log/meta is missing"), std::string::npos);
}

TEST(EmbeddedLogTest, GoesToNewSegmentsAndReadsAcrossThem) {
  LogDisk disk;
  const auto log = disk.open();
  fill(*log, 300, 0, 100);
  EXPECT_GT(disk.segments().size(), 15U);
  EXPECT_EQ(log->segments(0).size(), disk.segments().size());
  const auto all = contents_of(*log);
  EXPECT_EQ(all.records[0].size(), 200U);
  EXPECT_EQ(all.records[1].size(), 100U);
  for (Position from = 0; from < 200; ++from) {
    const auto one = log->read(Topic::kEvents, 0, from, 1);
    ASSERT_TRUE(one.has_value());
    ASSERT_EQ(one.value().records.at(0).bytes, all.records[0][from]);
  }
  const auto report = disk.verify();
  EXPECT_FALSE(report.damage);
  EXPECT_EQ(report.frames, 300U);
}

TEST(EmbeddedLogTest, ARecordLargerThanASegmentGetsALargerOne) {
  LogDisk disk;
  const auto log = disk.open();
  const std::vector<std::string> records = {"small", std::string(10'000, 'x'), "small again"};
  for (const auto& record : records) {
    ASSERT_TRUE(append_now(*log, Topic::kEvents, 0, {record}).has_value());
  }
  EXPECT_EQ(contents_of(*log).records[0], records);
}

TEST(EmbeddedLogTest, AnAppendLiesInOneSegment) {
  LogDisk disk;
  {
    const auto log = disk.open();
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(
          append_now(*log, Topic::kEvents, 0, std::vector<std::string>(7, std::string(60, 'x'))));
    }
  }
  std::map<std::string_view, int> frames;
  std::vector<std::string> names = disk.segments();
  ASSERT_TRUE(dump(disk.files, "data", 0, [&](const DumpedFrame& frame) {
    for (const auto& name : names) {
      if (name == frame.file && frame.kind == Kind::kEvent) ++frames[name];
    }
  }));
  for (const auto& [name, count] : frames) EXPECT_EQ(count % 7, 0) << name;
}

TEST(EmbeddedLogTest, RefusesWhatItsQueueCannotHold) {
  LogDisk disk;
  disk.options.queue_bytes_max = 1000;
  std::promise<void> go;
  auto gone = go.get_future().share();
  disk.options.at_point = [&](std::string_view point) {
    if (point == "append.written") gone.wait();
  };
  const auto log = disk.open();
  std::vector<std::future<AppendOutcome>> outcomes;
  for (int i = 0; i < 20; ++i) {
    outcomes.push_back(start_append(*log, Topic::kEvents, 0, {std::string(100, 'x')}));
  }
  go.set_value();
  std::size_t taken = 0;
  for (auto& outcome : outcomes) {
    const auto done = outcome.get();
    if (done) {
      ++taken;
    } else {
      EXPECT_EQ(done.error().code, Code::kOverload);
      EXPECT_TRUE(done.error().retriable);
    }
  }
  EXPECT_EQ(taken, 1000U / 132);
  EXPECT_EQ(contents_of(*log).records[0].size(), taken);
  EXPECT_TRUE(append_now(*log, Topic::kEvents, 0, {"room again"}).has_value());
}

TEST(EmbeddedLogTest, WritesWhatIsQueuedBeforeItEnds) {
  LogDisk disk;
  std::vector<std::future<AppendOutcome>> outcomes;
  {
    const auto log = disk.open();
    for (int i = 0; i < 100; ++i) {
      outcomes.push_back(start_append(*log, Topic::kEvents, 0, {std::to_string(i)}));
    }
  }
  for (auto& outcome : outcomes) EXPECT_TRUE(outcome.get().has_value());
  EXPECT_EQ(contents_of(*disk.open()).records[0].size(), 100U);
}

TEST(EmbeddedLogTest, SyncsOnceForAllThatIsQueued) {
  LogDisk disk{1, small_options(1, 1 << 20)};
  std::promise<void> go;
  auto gone = go.get_future().share();
  std::atomic<int> groups{0};
  disk.options.at_point = [&](std::string_view point) {
    if (point == "append.written" && groups++ == 0) gone.wait();
  };
  const auto log = disk.open();
  const auto before = disk.files.calls(FakeFileSystem::Call::kSync);
  std::vector<std::future<AppendOutcome>> outcomes;
  outcomes.push_back(start_append(*log, Topic::kEvents, 0, {"first"}));
  while (groups == 0) std::this_thread::yield();
  for (int i = 0; i < 500; ++i) {
    const auto topic = i % 2 == 0 ? Topic::kEvents : Topic::kDecisions;
    outcomes.push_back(start_append(*log, topic, 0, {std::to_string(i)}));
  }
  go.set_value();
  for (auto& outcome : outcomes) EXPECT_TRUE(outcome.get().has_value());
  EXPECT_EQ(disk.files.calls(FakeFileSystem::Call::kSync) - before, 2U);
  EXPECT_EQ(groups, 2);
}

TEST(EmbeddedLogTest, WhatNeedsNoHurryGoesWithWhatComesBehindIt) {
  LogDisk disk{1, small_options(1, 1 << 20)};
  disk.options.soon = days(1);
  disk.options.queue_bytes_max = 4096;
  std::vector<std::string> all;
  {
    const auto log = disk.open();
    const auto syncs = [&] { return disk.files.calls(FakeFileSystem::Call::kSync); };
    for (int round = 0; round < 3; ++round) {
      const auto before = syncs();
      const auto end = log->end(Topic::kEvents, 0).value();
      std::vector<std::future<AppendOutcome>> outcomes;
      const auto add = [&](bool soon) {
        all.push_back(std::to_string(all.size()));
        outcomes.push_back(start_append(*log, Topic::kEvents, 0, {all.back()}, soon));
      };
      for (int i = 0; i < 3; ++i) add(true);
      EXPECT_EQ(log->end(Topic::kEvents, 0).value(), end);
      add(false);
      for (auto& outcome : outcomes) EXPECT_TRUE(outcome.get().has_value());
      EXPECT_EQ(syncs() - before, 1U) << "round " << round;
      // One that is refused is told at once, with what waits before it.
      add(true);
      const auto refused =
          append_now(*log, Topic::kEvents, 0, {std::string(std::size_t{1} << 14, 'x')});
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, Code::kOverload);
      EXPECT_TRUE(outcomes.back().get().has_value());
    }
  }
  EXPECT_EQ(read_all(*disk.open(), Topic::kEvents, 0).bytes(), all);
}

TEST(EmbeddedLogTest, TheEndWaitsForNobody) {
  LogDisk disk;
  disk.options.soon = days(1);
  std::future<AppendOutcome> outcome;
  {
    const auto log = disk.open();
    outcome = start_append(*log, Topic::kEvents, 0, {"a"}, true);
  }
  EXPECT_TRUE(outcome.get().has_value());
  EXPECT_EQ(contents_of(*disk.open()).records[0].size(), 1U);
}

TEST(EmbeddedLogTest, MuchThatNeedsNoHurryIsNotKept) {
  LogDisk disk{1, small_options(1, 1 << 20)};
  disk.options.soon = days(1);
  disk.options.group_bytes_max = 4096;
  const auto log = disk.open();
  std::vector<std::future<AppendOutcome>> outcomes;
  for (int i = 0; i < 40; ++i) {
    outcomes.push_back(start_append(*log, Topic::kEvents, 0, {std::string(200, 'x')}, true));
  }
  for (std::size_t i = 0; i < 15; ++i) {
    ASSERT_EQ(outcomes[i].wait_for(std::chrono::seconds{60}), std::future_status::ready) << i;
    EXPECT_TRUE(outcomes[i].get()) << i;
  }
}

TEST(EmbeddedLogTest, NamesItsCrashPoints) {
  LogDisk disk;
  std::mutex mutex;
  std::vector<std::string> points;
  disk.options.at_point = [&](std::string_view point) {
    const std::lock_guard lock{mutex};
    points.emplace_back(point);
  };
  {
    const auto log = disk.open();
    ASSERT_TRUE(append_now(*log, Topic::kEvents, 0, {std::string(1500, 'x')}).has_value());
    ASSERT_TRUE(append_now(*log, Topic::kEvents, 0, {std::string(1500, 'x')}).has_value());
    ASSERT_TRUE(log->release_before(0, 1, 0).has_value());
  }
  // "queued" is called on another thread than the others.
  std::erase(points, "append.queued");
  const auto removed = std::find(points.begin(), points.end(), "release.removed");
  ASSERT_NE(removed, points.end());
  points.erase(removed);
  EXPECT_EQ(points,
            (std::vector<std::string>{"append.written", "append.synced", "append.acknowledged",
                                      "rotate.begin", "rotate.created", "rotate.synced",
                                      "append.written", "append.synced", "append.acknowledged"}));
}

TEST(EmbeddedLogTest, ServesReadersWhileItIsWritten) {
  constexpr int kRecords = 3000;
  LogDisk disk{1, small_options(1, 16384)};
  const auto log = disk.open();
  std::vector<std::thread> readers;
  for (const auto topic : kBothTopics) {
    for (int r = 0; r < 2; ++r) {
      readers.emplace_back([&, topic] {
        int next = 0;
        for (Position from = 0; next < kRecords;) {
          auto batch = log->read(topic, 0, from, 500);
          ASSERT_TRUE(batch.has_value()) << batch.error().detail;
          for (const auto& record : batch.value().records) {
            ASSERT_EQ(record.bytes, std::to_string(next++));
          }
          from = batch.value().next;
          if (batch.value().records.empty()) std::this_thread::yield();
        }
      });
    }
  }
  std::vector<std::thread> writers;
  for (const auto topic : kBothTopics) {
    writers.emplace_back([&, topic] {
      for (int i = 0; i < kRecords; ++i) {
        log->append(topic, 0, {std::to_string(i)},
                    [](const AppendOutcome& done) { EXPECT_TRUE(done.has_value()); });
      }
    });
  }
  for (auto& writer : writers) writer.join();
  for (auto& reader : readers) reader.join();
}

TEST(EmbeddedLogTest, ReleasesWhileItIsReadAndWritten) {
  LogDisk disk;
  const auto log = disk.open();
  fill(*log, 60);
  std::atomic<bool> stop{false};
  std::thread reader{[&] {
    while (!stop) {
      const auto begin = log->begin(Topic::kEvents, 0).value();
      auto batch = log->read(Topic::kEvents, 0, begin, 1000);
      ASSERT_TRUE(batch.has_value() || batch.error().code == Code::kNotFound)
          << batch.error().detail;
    }
  }};
  for (int round = 0; round < 20; ++round) {
    fill(*log, 60);
    ASSERT_TRUE(log->release_before(0, log->end(Topic::kEvents, 0).value(),
                                    log->end(Topic::kDecisions, 0).value()));
  }
  stop = true;
  reader.join();
  EXPECT_EQ(log->segments(0).size(), 1U);
  EXPECT_FALSE(disk.verify().damage);
}

TEST(EmbeddedLogTest, AFailedRemovalIsMadeGoodByTheNext) {
  LogDisk disk;
  auto log = disk.open();
  fill(*log, 200);
  const auto segments = disk.segments().size();
  disk.files.fail_call(FakeFileSystem::Call::kRemove, 2, FakeFileSystem::Fault::kIo);
  EXPECT_EQ(log->release_before(0, 1'000'000, 1'000'000).error().code, Code::kIo);
  EXPECT_EQ(disk.segments().size(), segments - 1);
  ASSERT_TRUE(log->release_before(0, 1'000'000, 1'000'000).has_value());
  EXPECT_EQ(disk.segments().size(), 1U);
  log.reset();
  EXPECT_FALSE(disk.open()->status(0).stopped);
}

}  // namespace
}  // namespace dealwright::embedded_log
