#include "engine/runtime/packed_records.h"

#include <gtest/gtest.h>

#include "engine/codec/state_codec.h"

namespace dealwright::runtime {
namespace {

Record deal(std::uint64_t number) {
  Record out;
  out.key = {Kind::kDeal, "d" + std::to_string(number)};
  out.newest = {Instant{static_cast<std::int64_t>(number)}, number};
  out.fields.push_back({Field::kStage, Value{"offer"}, out.newest});
  return out;
}
void put(PackedRecords& records, const Record& record, std::uint64_t hash) {
  std::string bytes;
  codec::encode(record, bytes);
  records.put(hash, record.key, bytes);
}

TEST(PackedRecordsTest, GivesBackOnceWhatWasPut) {
  PackedRecords records{100'000};
  for (std::uint64_t n = 1; n <= 50; ++n) put(records, deal(n), n * 1000);
  for (std::uint64_t n = 1; n <= 50; ++n) {
    Record out;
    ASSERT_TRUE(records.take(n * 1000, deal(n).key, out).value()) << n;
    out.key = deal(n).key;
    EXPECT_EQ(out, deal(n));
    EXPECT_FALSE(records.take(n * 1000, deal(n).key, out).value()) << "taken out already";
  }
  EXPECT_EQ(records.bytes(), 0U);
}

TEST(PackedRecordsTest, TellsRecordsOfOneHashApart) {
  PackedRecords records{100'000};
  put(records, deal(1), 7);
  Record out;
  EXPECT_FALSE(records.take(7, deal(2).key, out).value());
  EXPECT_FALSE(records.take(7, {Kind::kLead, "d1"}, out).value());
  put(records, deal(2), 7);  // takes its place
  EXPECT_FALSE(records.take(7, deal(1).key, out).value());
  EXPECT_TRUE(records.take(7, deal(2).key, out).value());
}

TEST(PackedRecordsTest, LetsTheOldestGoPastItsLimit) {
  PackedRecords records{20'000};
  for (std::uint64_t n = 1; n <= 10'000; ++n) {
    put(records, deal(n), n);
    ASSERT_LE(records.bytes(), 20'400U);
  }
  Record out;
  EXPECT_TRUE(records.take(10'000, deal(10'000).key, out).value());
  EXPECT_TRUE(records.take(9'950, deal(9'950).key, out).value());
  EXPECT_FALSE(records.take(1, deal(1).key, out).value());
}

}  // namespace
}  // namespace dealwright::runtime
