// What every FileSystem must do: the real one and the fake.
#include <gtest/gtest.h>

#include <functional>
#include <ostream>

#include "connectors/os/posix_file_system.h"
#include "connectors/os/system_clock.h"
#include "engine/ports/fake/fake_file_system.h"
#include "tests/contract/temporary_directory.h"

namespace dealwright {
namespace {

using Mode = FileSystem::Mode;

struct FileSystemCase {
  std::string name;
  std::function<std::unique_ptr<FileSystem>()> make;
  friend std::ostream& operator<<(std::ostream& out, const FileSystemCase& c) {
    return out << c.name;
  }
};

std::string file_system_case_name(const testing::TestParamInfo<FileSystemCase>& info) {
  return info.param.name;
}

class FileSystemContract : public testing::TestWithParam<FileSystemCase> {
 protected:
  FileSystemContract() : files_{GetParam().make()} {
    EXPECT_TRUE(files_->create_directories(directory_.path()).has_value());
  }
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  std::unique_ptr<File> open(const std::string& name, Mode mode) {
    auto file = files_->open(path(name), mode);
    EXPECT_TRUE(file.has_value()) << file.error().detail;
    return std::move(file).value();
  }
  std::string contents(const File& file) {
    std::string bytes(file.size().value() + 10, '?');
    bytes.resize(file.read_at(0, bytes.size(), bytes.data()).value());
    return bytes;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<FileSystem> files_;
};

TEST_P(FileSystemContract, WritesReadsAndTruncates) {
  const auto file = open("a", Mode::kCreate);
  EXPECT_EQ(file->size().value(), 0U);
  ASSERT_TRUE(file->write_at(0, "hello").has_value());
  ASSERT_TRUE(file->write_at(8, "world").has_value());
  EXPECT_EQ(contents(*file), std::string("hello\0\0\0world", 13));
  ASSERT_TRUE(file->write_at(3, "p!").has_value());
  ASSERT_TRUE(file->truncate(5).has_value());
  EXPECT_EQ(contents(*file), "help!");
  ASSERT_TRUE(file->truncate(7).has_value());
  EXPECT_EQ(contents(*file), std::string("help!\0\0", 7));
  ASSERT_TRUE(file->sync().has_value());
  char out[4] = {};
  EXPECT_EQ(file->read_at(3, 4, out).value(), 4U);
  EXPECT_EQ(file->read_at(6, 4, out).value(), 1U);
  EXPECT_EQ(file->read_at(7, 4, out).value(), 0U);
  EXPECT_EQ(file->read_at(700, 4, out).value(), 0U);
}

TEST_P(FileSystemContract, PreallocatesZerosAndNeverShortens) {
  const auto file = open("a", Mode::kCreate);
  ASSERT_TRUE(file->write_at(0, "abc").has_value());
  ASSERT_TRUE(file->preallocate(10'000).has_value());
  EXPECT_EQ(contents(*file), "abc" + std::string(9'997, '\0'));
  ASSERT_TRUE(file->preallocate(10).has_value());
  EXPECT_EQ(file->size().value(), 10'000U);
}

TEST_P(FileSystemContract, OpensInThreeModes) {
  EXPECT_EQ(files_->open(path("a"), Mode::kRead).error().code, Code::kNotFound);
  EXPECT_EQ(files_->open(path("a"), Mode::kReadWrite).error().code, Code::kNotFound);
  ASSERT_TRUE(open("a", Mode::kCreate)->write_at(0, "x").has_value());
  EXPECT_EQ(files_->open(path("a"), Mode::kCreate).error().code, Code::kConflict);
  EXPECT_EQ(files_->open(path("no/a"), Mode::kCreate).error().code, Code::kNotFound);
  ASSERT_TRUE(open("a", Mode::kReadWrite)->write_at(1, "y").has_value());
  EXPECT_EQ(contents(*open("a", Mode::kRead)), "xy");
  const auto missing = files_->open(path("b"), Mode::kRead);
  EXPECT_NE(missing.error().detail.find(path("b")), std::string::npos) << missing.error().detail;
}

TEST_P(FileSystemContract, ListsRenamesAndRemoves) {
  ASSERT_TRUE(files_->create_directories(path("d/e")).has_value());
  ASSERT_TRUE(files_->create_directories(path("d/e")).has_value());
  for (const auto* name : {"d/b", "d/a", "d/e/c"}) open(name, Mode::kCreate);
  EXPECT_EQ(files_->list(path("d")).value(), (std::vector<std::string>{"a", "b", "e"}));
  ASSERT_TRUE(files_->rename(path("d/b"), path("d/z")).has_value());
  ASSERT_TRUE(open("d/z", Mode::kReadWrite)->write_at(0, "z").has_value());
  ASSERT_TRUE(files_->rename(path("d/z"), path("d/a")).has_value());
  EXPECT_EQ(contents(*open("d/a", Mode::kRead)), "z");
  ASSERT_TRUE(files_->rename(path("d/e"), path("d/f")).has_value());
  EXPECT_EQ(files_->list(path("d/f")).value(), std::vector<std::string>{"c"});
  EXPECT_TRUE(files_->exists(path("d/f")).value());
  EXPECT_FALSE(files_->exists(path("d/e")).value());
  EXPECT_FALSE(files_->remove(path("d/f")).has_value());
  ASSERT_TRUE(files_->remove(path("d/f/c")).has_value());
  ASSERT_TRUE(files_->remove(path("d/f")).has_value());
  EXPECT_EQ(files_->list(path("d")).value(), std::vector<std::string>{"a"});
  EXPECT_EQ(files_->list(path("no")).error().code, Code::kNotFound);
  EXPECT_EQ(files_->remove(path("no")).error().code, Code::kNotFound);
  EXPECT_EQ(files_->rename(path("no"), path("x")).error().code, Code::kNotFound);
  EXPECT_TRUE(files_->sync_directory(path("d")).has_value());
  EXPECT_FALSE(files_->sync_directory(path("no")).has_value());
}

TEST_P(FileSystemContract, AnOpenFileOutlivesItsName) {
  const auto file = open("a", Mode::kCreate);
  ASSERT_TRUE(file->write_at(0, "still").has_value());
  ASSERT_TRUE(files_->remove(path("a")).has_value());
  EXPECT_EQ(contents(*file), "still");
}

TEST_P(FileSystemContract, LocksOnce) {
  auto first = files_->lock(path("LOCK"));
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(files_->lock(path("LOCK")).error().code, Code::kConflict);
  EXPECT_TRUE(files_->lock(path("OTHER")).has_value());
  first.value().reset();
  EXPECT_TRUE(files_->lock(path("LOCK")).has_value());
}

TEST_P(FileSystemContract, KnowsHowFullTheDiskIs) {
  const auto free = files_->free_bytes(directory_.path()).value();
  EXPECT_GT(free, 0U);
  EXPECT_GE(files_->total_bytes(directory_.path()).value(), free);
}

INSTANTIATE_TEST_SUITE_P(
    FileSystems, FileSystemContract,
    testing::Values(FileSystemCase{"posix", [] { return os::make_posix_file_system(); }},
                    FileSystemCase{"fake", [] { return std::make_unique<FakeFileSystem>(); }}),
    file_system_case_name);

TEST(PosixFileSystemTest, NamesTheHolderOfALock) {
  const TemporaryDirectory directory;
  const auto files = os::make_posix_file_system();
  const auto path = directory.path() + "/LOCK";
  const auto lock = files->lock(path);
  EXPECT_EQ(files->lock(path).error().detail, path + " is held by another process (process " +
                                                  std::to_string(::getpid()) + "); stop it first");
}

TEST(SystemClockTest, SteadyTimeNeverGoesBack) {
  const auto clock = os::make_system_clock();
  EXPECT_GT(clock->wall(), Instant{1'700'000'000'000});
  for (auto last = clock->steady_us(), i = decltype(last){0}; i < 1000; ++i) {
    const auto now = clock->steady_us();
    EXPECT_GE(now, last);
    last = now;
  }
  const auto random = os::make_system_random();
  EXPECT_NE(random->next(), random->next());
}

// What only the fake can do.
TEST(FakeFileSystemTest, APowerCutKeepsWhatWasSyncedAndLosesSomeOfTheRest) {
  int lost = 0;
  int kept = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    FakeFileSystem files{seed};
    ASSERT_TRUE(files.create_directories("d").has_value());
    ASSERT_TRUE(files.sync_directory(".").has_value());
    {
      auto file = std::move(files.open("d/a", Mode::kCreate)).value();
      ASSERT_TRUE(file->write_at(0, "synced").has_value());
      ASSERT_TRUE(file->sync().has_value());
      ASSERT_TRUE(files.sync_directory("d").has_value());
      ASSERT_TRUE(file->write_at(6, "not").has_value());
      ASSERT_TRUE(files.open("d/b", Mode::kCreate).has_value());
      files.power_cut();
      EXPECT_FALSE(file->sync().has_value());
      EXPECT_FALSE(files.exists("d/a").has_value());
    }
    files.reboot();
    const auto bytes = files.contents("d/a").value();
    EXPECT_EQ(bytes.substr(0, 6), "synced");
    (bytes.size() == 9 ? kept : lost)++;
    (files.exists("d/b").value() ? kept : lost)++;
  }
  EXPECT_GT(lost, 10);
  EXPECT_GT(kept, 10);
}

TEST(FakeFileSystemTest, FailsTheNthCall) {
  FakeFileSystem files;
  auto file = std::move(files.open("a", Mode::kCreate)).value();
  files.fail_call(FakeFileSystem::Call::kWrite, 2, FakeFileSystem::Fault::kNoSpace);
  EXPECT_TRUE(file->write_at(0, "x").has_value());
  EXPECT_EQ(file->write_at(1, "y").error().code, Code::kNoSpace);
  EXPECT_TRUE(file->write_at(1, "z").has_value());
  EXPECT_EQ(files.calls(FakeFileSystem::Call::kWrite), 3U);
  files.set_capacity(5);
  EXPECT_EQ(file->write_at(2, "1234").error().code, Code::kNoSpace);
  EXPECT_TRUE(file->write_at(2, "123").has_value());
  files.flip_bit("a", 0, 0);
  EXPECT_EQ(files.contents("a").value(), "yz123");
}

}  // namespace
}  // namespace dealwright
