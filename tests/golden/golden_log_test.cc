// A whole log directory as released: it opens, folds and means the same for ever, and no byte of it
// can change unseen. UPDATE_GOLDEN=1 makes tests/golden/log/v1 if it is not there, never again.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include "connectors/embedded_log/embedded_log.h"
#include "connectors/embedded_log/format.h"
#include "connectors/embedded_log/verify.h"
#include "engine/codec/event_codec.h"
#include "engine/runtime/verify.h"
#include "tests/engine/runtime/world.h"
#include "tests/golden/describe.h"
#include "tests/golden/golden_file.h"

namespace dealwright {
namespace {

namespace fs = std::filesystem;
constexpr std::uint32_t kPartitions = 2;
const std::string kFolder = golden_path("log/v1");

std::string text_of(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

// The released files, below "data" of a disk in memory.
void load(FakeFileSystem& files) {
  for (const auto& entry : fs::recursive_directory_iterator{kFolder + "/log"}) {
    const auto name = fs::relative(entry.path(), kFolder).string();
    if (entry.is_directory()) {
      ASSERT_TRUE(files.create_directories("data/" + name));
    }
  }
  for (const auto& entry : fs::recursive_directory_iterator{kFolder + "/log"}) {
    const auto name = fs::relative(entry.path(), kFolder).string();
    if (!entry.is_regular_file()) continue;
    ASSERT_TRUE(files.open("data/" + name, FileSystem::Mode::kCreate));
    files.set_contents("data/" + name, text_of(entry.path().string()));
  }
}

embedded_log::Options options() {
  embedded_log::Options out;
  out.partitions = kPartitions;
  out.segment_bytes = 4096;
  out.log_id = Hash128{0x600d, 1};
  return out;
}

// Two partitions over one log, stepped in turn by this thread.
struct Seat {
  FakeStore store;
  FakeFileSystem files;
  FakeRandom random{1};
  InlineWorker worker;
  std::unique_ptr<runtime::Partition> partition;
};

void run(std::vector<std::unique_ptr<Seat>>& seats) {
  for (int quiet = 0; quiet < 1000;) {  // the log's threads answer when they like
    bool moved = false;
    for (auto& seat : seats) {
      const auto stepped = seat->partition->step();
      ASSERT_TRUE(stepped) << stepped.error().detail;
      moved = moved || stepped.value() || !seat->partition->idle();
    }
    quiet = moved ? 0 : quiet + 1;
    std::this_thread::yield();
  }
}

// Random facts, timers that fire, facts that partitions send each other; a restart in the middle.
void make_log(FakeFileSystem& disk) {
  runtime::World source{17};  // draws the facts
  auto log = embedded_log::open(disk, source.clock, "data", options());
  ASSERT_TRUE(log) << log.error().detail;
  const auto add = [&](const Event& event, PartitionId partition) {
    std::string bytes;
    codec::encode(event, bytes);
    auto durable = std::make_shared<std::promise<bool>>();
    log.value()->append(Topic::kEvents, partition, {bytes},
                        [durable](const auto& done) { durable->set_value(done.has_value()); });
    ASSERT_TRUE(durable->get_future().get());
  };
  const auto add_random = [&] {
    const auto event = source.random_event();
    add(event, partition_of(placement_key(event), kPartitions));
  };
  for (int life = 0; life < 2; ++life) {
    std::vector<std::unique_ptr<Seat>> seats;
    for (PartitionId id = 0; id < kPartitions; ++id) {
      auto& seat = *seats.emplace_back(std::make_unique<Seat>());
      runtime::PartitionOptions with;
      with.id = id;
      with.dedup_directory = "/ids";
      auto opened =
          runtime::Partition::open({*log.value(), seat.store, seat.files, source.clock, seat.random,
                                    seat.worker, source.deciders, source.key, source.views},
                                   with, [] {});
      ASSERT_TRUE(opened) << opened.error().detail;
      seat.partition = std::move(opened.value());
    }
    run(seats);
    if (life == 0) add(source.pipeline(), 0);  // reference data is judged there
    for (int step = 0; step < 4; ++step) {
      for (int i = 0; i < 6; ++i) add_random();
      run(seats);
      source.clock.advance(hours(13));
      run(seats);
    }
  }
}

void write_golden() {
  FakeFileSystem disk;
  make_log(disk);
  for (const auto& [path, bytes] : disk.snapshot()) {
    if (path.rfind("data/log/", 0) != 0) continue;
    const auto name = kFolder + path.substr(4);
    fs::create_directories(fs::path{name}.parent_path());
    std::ofstream{name, std::ios::binary} << bytes;
  }
}

std::string fold(Log& log, PartitionId partition) {
  FakeStore store;
  FakeFileSystem disk;
  auto state = runtime::State::open(store, disk, "/ids", {}, runtime::StateLimits{});
  EXPECT_TRUE(state);
  runtime::Folder folder{*state.value(), runtime::LogFacts{log, partition}};
  runtime::Replay replay{log, partition, *state.value(), folder};
  for (;;) {
    const auto folded = replay.step();
    EXPECT_TRUE(folded) << folded.error().detail;
    if (!folded || !folded.value()) break;
  }
  return describe(*state.value());
}

class GoldenLogTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kFolder) && update_golden()) write_golden();
    ASSERT_TRUE(fs::exists(kFolder)) << kFolder << " is missing";
    load(files_);
  }
  FakeFileSystem files_;
  FakeClock clock_;
};

TEST_F(GoldenLogTest, FoldsToTheSameState) {
  auto log = embedded_log::open(files_, clock_, "data", options());
  ASSERT_TRUE(log) << log.error().detail;
  for (PartitionId id = 0; id < kPartitions; ++id) {
    ASSERT_FALSE(log.value()->status(id).stopped);
    const auto path = kFolder + "/state-" + std::to_string(id) + ".txt";
    const auto state = fold(*log.value(), id);
    if (!fs::exists(path) && update_golden()) std::ofstream{path} << state;
    const auto same = runtime::same_dump(text_of(path), state);
    EXPECT_TRUE(same) << path;
  }
}

runtime::NextRecord records(FileSystem& files, PartitionId id, Topic topic) {
  auto cursor = embedded_log::RecordCursor::open(files, "data", id, topic);
  EXPECT_TRUE(cursor) << cursor.error().detail;
  auto shared = std::make_shared<embedded_log::RecordCursor>(std::move(cursor.value()));
  return [shared] { return shared->next(); };
}

TEST_F(GoldenLogTest, ItsChainHolds) {
  for (PartitionId id = 0; id < kPartitions; ++id) {
    const auto report = runtime::verify_chain(records(files_, id, Topic::kEvents),
                                              records(files_, id, Topic::kDecisions));
    ASSERT_TRUE(report) << report.error().detail;
    EXPECT_FALSE(report.value().damage) << report.value().damage->detail;
    EXPECT_GT(report.value().accepted, 8U);
    EXPECT_GT(report.value().covered, 10U);
    const auto frames = embedded_log::verify(files_, "data", id);
    ASSERT_TRUE(frames);
    EXPECT_EQ(report.value().decided, frames.value().ends[0]) << "all events are decided on";
  }
}

// What `log verify` says of a disk with one byte changed. Empty: nothing.
std::string complaint(FileSystem& files) {
  for (PartitionId id = 0; id < kPartitions; ++id) {
    const auto report = embedded_log::verify(files, "data", id);
    if (!report) return report.error().detail;
    if (report.value().damage) return report.value().damage->reason;
    if (report.value().torn_bytes > 0) return "unfinished write";
  }
  return {};
}

// Every byte of every file, changed by one bit: a reason for each. The one that is not damage but
// `an unfinished write` is the seal of a log closed in order, with the room behind it: nothing
// follows that could prove it was whole, and no record lies there.
TEST_F(GoldenLogTest, NoByteChangesUnseen) {
  ASSERT_EQ(complaint(files_), "");
  const auto good = files_.snapshot();
  for (const auto& [path, bytes] : good) {
    std::uint64_t seal = bytes.size();
    if (path.find(".seg") != std::string::npos) {
      const auto end = bytes.find_last_not_of('\0') + 1;
      seal = end - embedded_log::kFrameBytes;
    }
    for (std::uint64_t at = 0; at < bytes.size(); ++at) {
      files_.flip_bit(path, at, static_cast<int>(at * 3 % 8));
      const auto said = complaint(files_);
      ASSERT_NE(said, "") << path << " byte " << at << " changed unseen";
      if (said == "unfinished write") {
        ASSERT_GE(at, seal) << path;
      }
      files_.set_contents(path, bytes);
    }
  }
}

}  // namespace
}  // namespace dealwright
