#include "tests/contract/log_contract.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/contract/log_driver.h"

namespace dealwright {

std::vector<Position> LogContract::append(Topic topic, PartitionId partition,
                                          std::vector<std::string> records) {
  auto outcome = start_append(log(), topic, partition, std::move(records));
  subject_->settle();
  auto done = outcome.get();
  EXPECT_TRUE(done.has_value()) << done.error().detail;
  return done ? std::move(done).value() : std::vector<Position>{};
}

namespace {

constexpr Topic kBoth[] = {Topic::kEvents, Topic::kDecisions};

std::vector<std::string> numbered(const std::string& what, int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back(what + " " + std::to_string(i));
  return out;
}

TEST_P(LogContract, IsEmptyAtFirst) {
  EXPECT_GE(log().partitions(), 2U);
  for (const auto topic : kBoth) {
    const auto end = log().end(topic, 0);
    ASSERT_TRUE(end.has_value());
    EXPECT_EQ(log().begin(topic, 0).value(), end.value());
    const auto batch = log().read(topic, 0, end.value(), 1000);
    ASSERT_TRUE(batch.has_value());
    EXPECT_TRUE(batch.value().records.empty());
    EXPECT_EQ(batch.value().next, end.value());
  }
}

TEST_P(LogContract, GivesBackWhatWasAppendedInOrder) {
  const auto records = numbered("record", 100);
  std::vector<Position> positions;
  for (std::size_t i = 0; i < records.size(); i += 10) {
    const auto some = append(Topic::kEvents, 0,
                             {records.begin() + static_cast<std::ptrdiff_t>(i),
                              records.begin() + static_cast<std::ptrdiff_t>(i + 10)});
    positions.insert(positions.end(), some.begin(), some.end());
  }
  const auto read = read_all(log(), Topic::kEvents, 0, log().begin(Topic::kEvents, 0).value());
  ASSERT_FALSE(read.error);
  EXPECT_EQ(read.bytes(), records);
  ASSERT_EQ(positions.size(), records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(read.records[i].first, positions[i]);
    if (i > 0) {
      EXPECT_LT(positions[i - 1], positions[i]);
    }
  }
  EXPECT_EQ(log().end(Topic::kEvents, 0).value(), positions.back() + 1);
}

TEST_P(LogContract, WhatNeedsNoHurryHasItsPlaceAndIsDurableAllTheSame) {
  std::vector<std::future<AppendOutcome>> outcomes;
  std::vector<std::string> records;
  for (int i = 0; i < 30; ++i) {
    records.push_back(std::to_string(i));
    outcomes.push_back(start_append(log(), Topic::kEvents, 0, {records.back()}, i % 3 != 1));
  }
  subject_->settle();
  for (auto& outcome : outcomes) EXPECT_TRUE(outcome.get().has_value());
  EXPECT_EQ(read_all(log(), Topic::kEvents, 0).bytes(), records);
}

TEST_P(LogContract, KeepsTopicsAndPartitionsApart) {
  for (int i = 0; i < 20; ++i) {
    for (PartitionId p = 0; p < 2; ++p) {
      for (const auto topic : kBoth) {
        append(topic, p, numbered(std::string{topic_name(topic)} + std::to_string(p), 3));
      }
    }
  }
  for (PartitionId p = 0; p < 2; ++p) {
    for (const auto topic : kBoth) {
      std::vector<std::string> expected;
      for (int i = 0; i < 20; ++i) {
        for (auto& record : numbered(std::string{topic_name(topic)} + std::to_string(p), 3)) {
          expected.push_back(record);
        }
      }
      EXPECT_EQ(read_all(log(), topic, p).bytes(), expected);
    }
  }
}

TEST_P(LogContract, ReadsUpToTheBytesAskedForButAtLeastOne) {
  const auto records = numbered("a record of some bytes", 50);
  append(Topic::kDecisions, 1, records);
  for (const std::size_t bytes_max : {0, 1, 23, 24, 50, 100, 1000, 100'000}) {
    const auto first = log().read(Topic::kDecisions, 1, 0, bytes_max);
    ASSERT_TRUE(first.has_value());
    std::size_t bytes = 0;
    for (const auto& record : first.value().records) bytes += record.bytes.size();
    EXPECT_TRUE(first.value().records.size() == 1 || bytes <= bytes_max) << bytes_max;
    EXPECT_EQ(read_all(log(), Topic::kDecisions, 1, 0, bytes_max).bytes(), records) << bytes_max;
  }
}

TEST_P(LogContract, ReadsFromAnyPosition) {
  std::vector<Position> positions;
  for (int i = 0; i < 30; ++i) {
    append(Topic::kDecisions, 0, numbered("between", 2));
    for (const auto position : append(Topic::kEvents, 0, numbered("event", 3))) {
      positions.push_back(position);
    }
  }
  for (std::size_t i = positions.size(); i-- > 0;) {
    const auto read = read_all(log(), Topic::kEvents, 0, positions[i]);
    ASSERT_FALSE(read.error);
    ASSERT_EQ(read.records.size(), positions.size() - i);
    EXPECT_EQ(read.records.front().first, positions[i]);
    EXPECT_EQ(read.records.front().second, "event " + std::to_string(i % 3));
  }
}

TEST_P(LogContract, TakesAnyBytesAndSizes) {
  std::string all_bytes;
  for (int i = 0; i < 256; ++i) all_bytes.push_back(static_cast<char>(i));
  const std::vector<std::string> records = {
      std::string(1, '\0'),      std::string(4096, '\0'),          all_bytes, "x",
      std::string(100'000, 'y'), std::string(kRecordBytesMax, 'z')};
  append(Topic::kEvents, 0, records);
  append(Topic::kEvents, 0, {"behind"});
  auto expected = records;
  expected.push_back("behind");
  EXPECT_EQ(read_all(log(), Topic::kEvents, 0).bytes(), expected);
}

TEST_P(LogContract, AnswersEachAppendOnceAndKeepsTheOrderOfEachThread) {
  constexpr int kThreads = 4;
  constexpr int kAppends = 100;
  std::atomic<int> answers{0};
  std::atomic<int> threads_left{kThreads};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kAppends; ++i) {
        const auto topic = i % 2 == 0 ? Topic::kEvents : Topic::kDecisions;
        log().append(topic, 0, {std::to_string(t) + " " + std::to_string(i)},
                     [&](const AppendOutcome& done) {
                       EXPECT_TRUE(done.has_value());
                       ++answers;
                       answers.notify_all();
                     });
      }
      --threads_left;
    });
  }
  while (threads_left > 0) {
    subject_->settle();
    std::this_thread::yield();
  }
  for (auto& thread : threads) thread.join();
  subject_->settle();
  for (int seen = answers; seen < kThreads * kAppends; seen = answers) answers.wait(seen);
  EXPECT_EQ(answers, kThreads * kAppends);
  for (const auto topic : kBoth) {
    std::vector<int> next(kThreads, topic == Topic::kEvents ? 0 : 1);
    for (const auto& record : read_all(log(), topic, 0).bytes()) {
      const auto t = static_cast<std::size_t>(std::stoi(record));
      EXPECT_EQ(std::stoi(record.substr(record.find(' '))), next[t]);
      next[t] += 2;
    }
    for (const auto n : next) EXPECT_GE(n, kAppends);
  }
}

TEST_P(LogContract, TakesAppendsFromCallbacks) {
  std::promise<AppendOutcome> second;
  log().append(Topic::kEvents, 0, {"first"}, [&](const AppendOutcome&) {
    log().append(Topic::kDecisions, 0, {"second"},
                 [&](AppendOutcome done) { second.set_value(std::move(done)); });
  });
  subject_->settle();
  EXPECT_TRUE(second.get_future().get().has_value());
  EXPECT_EQ(read_all(log(), Topic::kDecisions, 0).bytes(), std::vector<std::string>{"second"});
}

TEST_P(LogContract, WakesTheListenerWhenThereIsSomethingToRead) {
  std::mutex mutex;
  std::condition_variable changed;
  int wakes = 0;
  log().listen(0, [&] {
    const std::lock_guard lock{mutex};
    ++wakes;
    changed.notify_all();
  });
  append(Topic::kEvents, 0, {"one"});
  {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return wakes > 0; });
  }
  EXPECT_EQ(read_all(log(), Topic::kEvents, 0).records.size(), 1U);
  log().listen(0, {});
  int before = 0;
  {
    const std::lock_guard lock{mutex};
    before = wakes;
  }
  append(Topic::kEvents, 0, {"two"});
  append(Topic::kEvents, 1, {"elsewhere"});
  const std::lock_guard lock{mutex};
  EXPECT_EQ(wakes, before);
}

TEST_P(LogContract, BatchesOutliveWhatComesLater) {
  append(Topic::kEvents, 0, {"kept"});
  auto batch = log().read(Topic::kEvents, 0, 0, 100);
  for (int i = 0; i < 50; ++i) append(Topic::kEvents, 0, {std::string(1000, 'x')});
  subject_->reopen();
  EXPECT_EQ(batch.value().records.at(0).bytes, "kept");
}

TEST_P(LogContract, GoesOnWhereItWasWhenOpenedAgain) {
  std::vector<std::string> expected;
  for (int i = 0; i < 5; ++i) {
    for (auto& record : numbered("round " + std::to_string(i), 20)) {
      append(Topic::kEvents, 0, {record});
      expected.push_back(record);
    }
    const auto end = log().end(Topic::kEvents, 0).value();
    subject_->reopen();
    EXPECT_EQ(log().end(Topic::kEvents, 0).value(), end);
    EXPECT_EQ(log().end(Topic::kDecisions, 0).value(), log().begin(Topic::kDecisions, 0).value());
    EXPECT_EQ(read_all(log(), Topic::kEvents, 0).bytes(), expected);
  }
}

TEST_P(LogContract, LetsGoOfWhatIsReleasedAndSaysSo) {
  for (int i = 0; i < 60; ++i) {
    append(Topic::kEvents, 0, numbered("event of a certain length", 10));
    append(Topic::kDecisions, 0, numbered("decision of a certain length", 10));
  }
  const auto all = read_all(log(), Topic::kEvents, 0);
  const auto released = all.records[all.records.size() / 2].first;
  ASSERT_TRUE(log().release_before(0, released, log().end(Topic::kDecisions, 0).value()));
  for (int round = 0; round < 2; ++round) {
    const auto begin = log().begin(Topic::kEvents, 0).value();
    EXPECT_LE(begin, released);
    const auto kept = read_all(log(), Topic::kEvents, 0, begin);
    EXPECT_FALSE(kept.error);
    EXPECT_GE(kept.records.size(), all.records.size() / 2);
    EXPECT_EQ(kept.records.back(), all.records.back());
    if (begin > all.records.front().first) {
      const auto gone = log().read(Topic::kEvents, 0, begin - 1, 100);
      ASSERT_FALSE(gone.has_value());
      EXPECT_EQ(gone.error().code, Code::kNotFound);
      EXPECT_NE(gone.error().detail.find(std::to_string(begin)), std::string::npos)
          << gone.error().detail;
    }
    subject_->reopen();
  }
}

}  // namespace
}  // namespace dealwright
