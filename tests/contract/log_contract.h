// What every Log must do. An implementation joins with
//   INSTANTIATE_TEST_SUITE_P(KafkaLog, LogContract, testing::Values(LogCase{"kafka", make_it}));
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "engine/ports/log.h"

namespace dealwright {

// A log with at least two partitions, empty at first.
class LogUnderTest {
 public:
  virtual ~LogUnderTest() = default;
  virtual Log& log() = 0;
  // Lets waiting appends run, for a log without threads of its own.
  virtual void settle() {}
  // Ends the log in order and opens it again on what it kept.
  virtual void reopen() {}
};

struct LogCase {
  std::string name;
  std::function<std::unique_ptr<LogUnderTest>()> make;
  friend std::ostream& operator<<(std::ostream& out, const LogCase& c) { return out << c.name; }
};

class LogContract : public testing::TestWithParam<LogCase> {
 protected:
  LogContract() : subject_{GetParam().make()} {}
  Log& log() { return subject_->log(); }
  // Appends, waits, and gives the positions.
  std::vector<Position> append(Topic topic, PartitionId partition,
                               std::vector<std::string> records);

  std::unique_ptr<LogUnderTest> subject_;
};

inline std::string case_name(const testing::TestParamInfo<LogCase>& info) {
  return info.param.name;
}

}  // namespace dealwright
