// A disk that fills up: facts are refused in time, with a clear error; if it is full to the last
// byte all the same, nothing that was acknowledged is lost; once there is space the engine goes on
// by itself.
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <set>
#include <thread>

#include "connectors/daemon/appender.h"
#include "connectors/daemon/workspace.h"
#include "engine/codec/event_codec.h"
#include "engine/ports/fake/fake_file_system.h"
#include "tests/contract/log_driver.h"
#include "tests/contract/temporary_directory.h"

namespace dealwright::daemon {
namespace {

TEST(SpaceGuardTest, ClosesBelowFivePercentAndOpensAtTen) {
  FakeFileSystem files;
  files.set_capacity(1000);
  ASSERT_TRUE(files.create_directories("data"));
  std::string told;
  SpaceGuard guard{files, "data",
                   [&](const std::string& full) { told += full.empty() ? "open " : "full "; }};
  std::string seen;
  for (const std::size_t used : {0, 940, 950, 951, 940, 901, 900, 940, 950, 960, 1000, 800}) {
    files.set_contents("data/x", std::string(used, 'x'));
    const auto admitted = guard.admit();
    seen += admitted ? "+" : "-";
    if (!admitted) {
      EXPECT_EQ(admitted.error().code, Code::kNoSpace);
      EXPECT_TRUE(admitted.error().retriable);
      EXPECT_NE(admitted.error().detail.find("5 %"), std::string::npos);
    }
  }
  EXPECT_EQ(seen, "+++---+++--+");
  EXPECT_EQ(told, "full open full open ");
}

// A disk of 64 MiB, and a file on it that takes what it is told.
class DiskFullTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=64m") != 0) {
      GTEST_SKIP() << "a disk of its own needs root: mount: " << std::strerror(errno);
    }
    mounted_ = true;
    WorkspaceOptions options;
    options.path = directory_.path() + "/data";
    options.create = true;
    options.partitions = 2;
    options.memory_bytes = std::size_t{64} << 20;
    options.segment_bytes = std::uint64_t{4} << 20;
    options.generation_events = 100;
    auto opened = Workspace::open(std::move(options));
    ASSERT_TRUE(opened) << opened.error().detail;
    workspace_ = std::move(opened).value();
  }
  void TearDown() override {
    workspace_.reset();
    if (mounted_) {
      EXPECT_EQ(::umount2(directory_.path().c_str(), MNT_DETACH), 0);
    }
  }

  // Leaves so many bytes free, about; 0: not one.
  void take_all_but(std::uint64_t free) {
    const std::string block(64 << 10, 'b');
    std::ofstream ballast{ballast_path(), std::ios::binary | std::ios::app};
    while (free == 0 || workspace_->files().free_bytes(directory_.path()).value() > free) {
      if (!ballast.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) return;
    }
  }
  void give_back() { ::unlink(ballast_path().c_str()); }
  std::string ballast_path() const { return directory_.path() + "/ballast"; }

  Event next_event() {
    Event event;
    event.source = "crm";
    event.id = "e" + std::to_string(next_id_++);
    event.type = TypeId::kNoteAdded;
    event.subject = {Kind::kDeal, "d" + std::to_string(next_id_ % 50)};
    event.data.set(Field::kText, Value{std::string(1000, 'n')});
    return event;
  }
  // Straight into the log, past the guard.
  Result<std::vector<Position>> append_past_guard(const Event& event) {
    std::string bytes;
    codec::encode(event, bytes);
    return append_now(workspace_->log(), Topic::kEvents, workspace_->placement(event), {bytes});
  }
  // Whether all partitions come to rest within a minute, however often they are opened again.
  bool settles() {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (std::chrono::steady_clock::now() < limit) {
      if (workspace_->engine().wait_idle()) return true;
      std::this_thread::yield();
    }
    return false;
  }
  void expect_all_there() {
    std::multiset<std::string> found;
    std::uint64_t judged = 0;
    for (PartitionId id = 0; id < 2; ++id) {
      const auto read = read_all(workspace_->log(), Topic::kEvents, id, 0, 1 << 20);
      ASSERT_FALSE(read.error) << read.error->detail;
      for (const auto& [position, bytes] : read.records) {
        Event event;
        ASSERT_TRUE(codec::decode(bytes, event));
        found.insert(event.id);
      }
      std::optional<Sha256> live, replayed;
      ASSERT_TRUE(workspace_->engine().ask(id, [&](runtime::Partition& p) {
        judged += p.state().meta.accepted;
        if (auto print = p.state().fingerprint()) live = print.value();
      }));
      ASSERT_TRUE(workspace_->with_replay(id, [&](runtime::State& state) {
        if (auto print = state.fingerprint()) replayed = print.value();
      }));
      EXPECT_TRUE(live && live == replayed);
    }
    for (const auto& id : acknowledged_) EXPECT_EQ(found.count(id), 1U) << id;
    EXPECT_EQ(judged, found.size());
  }

  TemporaryDirectory directory_;
  bool mounted_ = false;
  std::unique_ptr<Workspace> workspace_;
  std::uint64_t next_id_ = 0;
  std::set<std::string> acknowledged_;
};

TEST_F(DiskFullTest, FactsAreRefusedBeforeItIsFullAndTakenAgainByItself) {
  take_all_but(6 << 20);
  std::optional<Error> refused;
  for (int i = 0; i < 20'000 && !refused; ++i) {
    const auto event = next_event();
    const auto placed = workspace_->append({event});
    if (placed) {
      acknowledged_.insert(event.id);
    } else {
      refused = placed.error();
    }
  }
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, Code::kNoSpace);
  EXPECT_NE(refused->detail.find("below 5 %"), std::string::npos) << refused->detail;
  EXPECT_GT(acknowledged_.size(), 100U);
  EXPECT_TRUE(workspace_->engine().wait_idle()) << "what was taken is decided";
  Appender appender{*workspace_};
  ASSERT_TRUE(appender.add(next_event()));
  EXPECT_EQ(appender.flush().error().code, Code::kNoSpace);
  give_back();
  const auto event = next_event();
  ASSERT_TRUE(workspace_->append({event}));
  acknowledged_.insert(event.id);
  ASSERT_TRUE(appender.flush());
  ASSERT_TRUE(workspace_->engine().wait_idle());
  expect_all_there();
}

TEST_F(DiskFullTest, NothingAcknowledgedIsLostWhenItIsFullToTheLastByte) {
  for (int i = 0; i < 300; ++i) {
    const auto event = next_event();
    ASSERT_TRUE(workspace_->append({event}));
    acknowledged_.insert(event.id);
  }
  take_all_but(0);
  bool fell = false;
  int refused = 0;
  for (int i = 0; i < 200'000 && (!fell || refused < 100); ++i) {
    const auto event = next_event();
    const auto placed = append_past_guard(event);
    if (placed) {
      acknowledged_.insert(event.id);
    } else {
      ++refused;
      EXPECT_EQ(placed.error().code, Code::kNoSpace) << placed.error().detail;
    }
    for (PartitionId id = 0; id < 2 && !fell; ++id) {
      const auto asked = workspace_->engine().ask(id, [](runtime::Partition&) {});
      fell = !asked && asked.error().code == Code::kNoSpace;
    }
  }
  EXPECT_TRUE(fell) << "no partition ran out of space";
  EXPECT_GE(refused, 100);
  give_back();
  ASSERT_TRUE(settles());
  const auto event = next_event();
  const auto placed = workspace_->append({event});
  ASSERT_TRUE(placed) << placed.error().detail;
  acknowledged_.insert(event.id);
  ASSERT_TRUE(settles());
  expect_all_there();
}

}  // namespace
}  // namespace dealwright::daemon
