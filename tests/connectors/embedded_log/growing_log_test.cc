// A log that grows while it is read. A read that finds the end of a segment, loses the processor,
// and goes on when there is a next segment must not leave out what came to the first one meanwhile:
// a leader that decides on such a hole writes a record that nobody can fold.
#include <functional>

#include "tests/connectors/embedded_log/log_disk.h"

namespace dealwright::embedded_log {
namespace {

// Runs `hook` once before the next read of a file.
struct Interruption {
  std::function<void()> hook;
  void run() {
    if (const auto now = std::exchange(hook, {})) now();
  }
};

class InterruptedFile : public File {
 public:
  InterruptedFile(std::unique_ptr<File> file, Interruption& interruption)
      : file_{std::move(file)}, interruption_{interruption} {}
  Result<void> write_at(std::uint64_t offset, std::string_view bytes) override {
    return file_->write_at(offset, bytes);
  }
  Result<std::size_t> read_at(std::uint64_t offset, std::size_t count, char* out) const override {
    interruption_.run();
    return file_->read_at(offset, count, out);
  }
  Result<std::uint64_t> size() const override { return file_->size(); }
  Result<void> truncate(std::uint64_t size) override { return file_->truncate(size); }
  Result<void> preallocate(std::uint64_t size) override { return file_->preallocate(size); }
  Result<void> sync() override { return file_->sync(); }

 private:
  std::unique_ptr<File> file_;
  Interruption& interruption_;
};

class InterruptedFiles : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override {
    DW_TRY(auto file, disk.open(path, mode));
    return std::unique_ptr<File>{new InterruptedFile{std::move(file), interruption}};
  }
  Result<bool> exists(const std::string& path) override { return disk.exists(path); }
  Result<void> create_directories(const std::string& path) override {
    return disk.create_directories(path);
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    return disk.list(path);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return disk.rename(from, to);
  }
  Result<void> remove(const std::string& path) override { return disk.remove(path); }
  Result<void> sync_directory(const std::string& path) override {
    return disk.sync_directory(path);
  }
  Result<std::uint64_t> free_bytes(const std::string& path) override {
    return disk.free_bytes(path);
  }
  Result<std::uint64_t> total_bytes(const std::string& path) override {
    return disk.total_bytes(path);
  }
  Result<std::unique_ptr<Lock>> lock(const std::string& path) override { return disk.lock(path); }

  FakeFileSystem disk;
  Interruption interruption;
};

class GrowingLogTest : public testing::Test {
 protected:
  GrowingLogTest() {
    auto options = small_options();
    options.tail_cache_bytes = 0;  // so that every read goes to the file
    auto opened = embedded_log::open(files_, clock_, "data", options);
    EXPECT_TRUE(opened) << opened.error().detail;
    log_ = std::move(opened).value();
  }

  void fill_until_segments(std::size_t count) {
    while (log_->segments(0).size() < count) fill(*log_, 1);
    fill(*log_, 3);
  }
  // What one read from `from` on gives while `meanwhile` happens in its middle.
  std::vector<Position> read_through(Topic topic, Position from, std::function<void()> meanwhile) {
    files_.interruption.hook = std::move(meanwhile);
    const auto batch = log_->read(topic, 0, from, 1 << 20);
    EXPECT_TRUE(batch) << batch.error().detail;
    EXPECT_FALSE(files_.interruption.hook) << "nothing was read from the disk";
    std::vector<Position> out;
    for (const auto& record : batch.value().records) out.push_back(record.position);
    return out;
  }

  FakeClock clock_;
  InterruptedFiles files_;
  std::unique_ptr<EmbeddedLog> log_;
};

TEST_F(GrowingLogTest, AReadLeavesNothingOutWhenTheLogRotatesInItsMiddle) {
  for (const std::size_t more : {0, 1, 2, 4}) {
    fill(*log_, 6);
    for (const auto topic : kBothTopics) {
      const auto end = log_->end(topic, 0).value();
      const auto from = end - 1;
      const auto positions =
          read_through(topic, from, [&] { fill_until_segments(log_->segments(0).size() + more); });
      ASSERT_FALSE(positions.empty());
      for (std::size_t i = 0; i < positions.size(); ++i) {
        ASSERT_EQ(positions[i], from + i) << topic_name(topic) << ", " << more << " segments more";
      }
    }
  }
}

TEST_F(GrowingLogTest, WhatRetentionTakesInItsMiddleEndsTheReadBeforeTheHole) {
  fill(*log_, 6);
  const auto from = log_->end(Topic::kEvents, 0).value() - 1;
  const auto positions = read_through(Topic::kEvents, from, [&] {
    fill_until_segments(log_->segments(0).size() + 2);
    const auto released = log_->release_before(0, log_->end(Topic::kEvents, 0).value(),
                                               log_->end(Topic::kDecisions, 0).value());
    EXPECT_TRUE(released);
  });
  EXPECT_EQ(positions, std::vector<Position>{from});
  const auto next = log_->read(Topic::kEvents, 0, from + 1, 1 << 20);
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, Code::kNotFound);
}

}  // namespace
}  // namespace dealwright::embedded_log
