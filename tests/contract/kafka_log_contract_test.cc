// The contract on a real cluster: DW_KAFKA_BROKERS names it, and tests/run.py starts one.
#include <cstdlib>

#include "connectors/kafka_log/kafka_log.h"
#include "connectors/os/posix_file_system.h"
#include "connectors/os/system_clock.h"
#include "tests/contract/log_contract.h"
#include "tests/contract/temporary_directory.h"

namespace dealwright {
namespace {

class KafkaUnderTest : public LogUnderTest {
 public:
  KafkaUnderTest() {
    options_.brokers = std::getenv("DW_KAFKA_BROKERS");
    options_.prefix = "contract-" + std::to_string(os::make_system_random()->next());
    options_.partitions = 2;
    options_.replication = 1;
    open();
  }
  Log& log() override { return *log_; }
  void reopen() override {
    log_.reset();
    open();
  }

 private:
  void open() {
    auto log = kafka_log::open(*files_, *clock_, directory_.path() + "/data", options_);
    EXPECT_TRUE(log.has_value()) << log.error().detail;
    log_ = std::move(log).value();
  }

  TemporaryDirectory directory_;
  std::unique_ptr<FileSystem> files_ = os::make_posix_file_system();
  std::unique_ptr<Clock> clock_ = os::make_system_clock();
  kafka_log::Options options_;
  std::unique_ptr<Log> log_;
};

bool there_is_a_broker() { return std::getenv("DW_KAFKA_BROKERS") != nullptr; }

std::vector<LogCase> cases() {
  if (!there_is_a_broker()) return {};
  return {LogCase{"kafka", [] { return std::make_unique<KafkaUnderTest>(); }}};
}

TEST(KafkaLogContract, HasABroker) {
  const char* why = std::getenv("DW_KAFKA_WHY_NOT");
  if (!there_is_a_broker()) {
    GTEST_SKIP() << "no Kafka broker: " << (why == nullptr ? "DW_KAFKA_BROKERS is not set" : why);
  }
}

INSTANTIATE_TEST_SUITE_P(Kafka, LogContract, testing::ValuesIn(cases()), case_name);

}  // namespace
}  // namespace dealwright
