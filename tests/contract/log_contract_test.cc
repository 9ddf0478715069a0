#include "tests/contract/log_contract.h"

#include <filesystem>

#include "connectors/embedded_log/embedded_log.h"
#include "connectors/os/posix_file_system.h"
#include "connectors/os/system_clock.h"
#include "engine/ports/fake/fake_clock.h"
#include "engine/ports/fake/fake_file_system.h"
#include "engine/ports/fake/fake_log.h"
#include "tests/contract/temporary_directory.h"

namespace dealwright {
namespace {

// Small enough that most tests fill several segments.
embedded_log::Options small_options() {
  embedded_log::Options options;
  options.partitions = 2;
  options.segment_bytes = 4096;
  options.tail_cache_bytes = 8192;
  options.open_files_max = 3;
  return options;
}

class EmbeddedUnderTest : public LogUnderTest {
 public:
  EmbeddedUnderTest(std::unique_ptr<FileSystem> files, std::unique_ptr<Clock> clock)
      : files_{std::move(files)}, clock_{std::move(clock)} {
    open();
  }
  Log& log() override { return *log_; }
  void reopen() override {
    log_.reset();
    open();
  }

 private:
  void open() {
    auto log = embedded_log::open(*files_, *clock_, directory_.path() + "/data", small_options());
    EXPECT_TRUE(log.has_value()) << log.error().detail;
    log_ = std::move(log).value();
  }

  TemporaryDirectory directory_;
  std::unique_ptr<FileSystem> files_;
  std::unique_ptr<Clock> clock_;
  std::unique_ptr<embedded_log::EmbeddedLog> log_;
};

class FakeUnderTest : public LogUnderTest {
 public:
  Log& log() override { return log_; }
  void settle() override { log_.run_all(); }

 private:
  FakeLog log_{2};
};

INSTANTIATE_TEST_SUITE_P(Logs, LogContract,
                         testing::Values(LogCase{"embedded_on_disk",
                                                 [] {
                                                   return std::make_unique<EmbeddedUnderTest>(
                                                       os::make_posix_file_system(),
                                                       os::make_system_clock());
                                                 }},
                                         LogCase{"embedded_on_fake_files",
                                                 [] {
                                                   return std::make_unique<EmbeddedUnderTest>(
                                                       std::make_unique<FakeFileSystem>(),
                                                       std::make_unique<FakeClock>());
                                                 }},
                                         LogCase{"fake",
                                                 [] { return std::make_unique<FakeUnderTest>(); }}),
                         case_name);

}  // namespace
}  // namespace dealwright
