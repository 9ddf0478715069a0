#include "tests/contract/store_contract.h"

#include "engine/ports/fake/fake_clock.h"
#include "engine/ports/fake/fake_store.h"

namespace dealwright {
namespace {

class FakeStoreUnderTest : public StoreUnderTest {
 public:
  explicit FakeStoreUnderTest(std::size_t keep_writes) : keep_writes_{keep_writes} {}
  Store& store() override { return store_; }
  void crash() override { store_.crash(keep_writes_); }

 private:
  std::size_t keep_writes_;
  FakeStore store_;
};

INSTANTIATE_TEST_SUITE_P(
    Fake, StoreContract,
    testing::Values(StoreCase{"fake", [] { return std::make_unique<FakeStoreUnderTest>(0); }},
                    StoreCase{"fake_that_keeps_some",
                              [] { return std::make_unique<FakeStoreUnderTest>(7); }}),
    store_case_name);

TEST(FakeStoreTest, FailsTheNthWriteAndAllBehindItUntilReopened) {
  FakeStore store;
  ASSERT_TRUE(store.write({{"a", "1"}}).has_value());
  ASSERT_TRUE(store.flush().has_value());
  ASSERT_TRUE(store.write({{"a", "2"}}).has_value());
  store.fail_write(2, Code::kNoSpace);
  ASSERT_TRUE(store.write({{"b", "1"}}).has_value());
  EXPECT_EQ(store.write({{"c", "1"}}).error().code, Code::kNoSpace);
  EXPECT_EQ(store.flush().error().code, Code::kNoSpace);
  store.crash();
  EXPECT_EQ(store.contents(), (std::map<std::string, std::string>{{"a", "1"}}));
  EXPECT_TRUE(store.write({{"c", "1"}}).has_value());
}

TEST(FakeStoreTest, IsFullAtItsCapacity) {
  FakeStore store;
  store.set_capacity(10);
  ASSERT_TRUE(store.write({{"a", "12345"}}).has_value());
  EXPECT_EQ(store.write({{"b", "123456"}}).error().code, Code::kNoSpace);
  EXPECT_FALSE(store.get("b").value().has_value());
}

}  // namespace
}  // namespace dealwright
