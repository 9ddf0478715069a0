// What every Store must do. An implementation joins with
//   INSTANTIATE_TEST_SUITE_P(Rocks, StoreContract, testing::Values(StoreCase{"rocks", make_it}));
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>

#include "engine/ports/store.h"

namespace dealwright {

// A store, empty at first.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual Store& store() = 0;
  // Kills it and opens it again: what was flushed is there, of the rest some first writes.
  virtual void crash() = 0;
};

struct StoreCase {
  std::string name;
  std::function<std::unique_ptr<StoreUnderTest>()> make;
  friend std::ostream& operator<<(std::ostream& out, const StoreCase& c) { return out << c.name; }
};

class StoreContract : public testing::TestWithParam<StoreCase> {
 protected:
  StoreContract() : subject_{GetParam().make()} {}
  Store& store() { return subject_->store(); }
  // All entries with from <= key < to.
  std::map<std::string, std::string> entries(std::string_view from = "",
                                             std::string_view to = "\xff\xff");
  void put(const std::string& key, const std::string& value);

  std::unique_ptr<StoreUnderTest> subject_;
};

inline std::string store_case_name(const testing::TestParamInfo<StoreCase>& info) {
  return info.param.name;
}

}  // namespace dealwright
