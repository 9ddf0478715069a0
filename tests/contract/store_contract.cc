#include "tests/contract/store_contract.h"

#include <atomic>
#include <thread>

namespace dealwright {

std::map<std::string, std::string> StoreContract::entries(std::string_view from,
                                                          std::string_view to) {
  std::map<std::string, std::string> out;
  std::string last;
  const auto done = store().scan(from, to, [&](std::string_view key, std::string_view value) {
    EXPECT_TRUE(out.empty() || last < key) << "not in order: " << key;
    last = key;
    out.emplace(key, value);
    return true;
  });
  EXPECT_TRUE(done.has_value());
  return out;
}

void StoreContract::put(const std::string& key, const std::string& value) {
  ASSERT_TRUE(store().write({StoreWrite{key, value}}).has_value());
}

namespace {

using Entries = std::map<std::string, std::string>;

TEST_P(StoreContract, IsEmptyAtFirst) {
  EXPECT_TRUE(entries().empty());
  const auto value = store().get("nothing");
  ASSERT_TRUE(value.has_value());
  EXPECT_FALSE(value.value().has_value());
}

TEST_P(StoreContract, PutsReplacesAndDeletes) {
  ASSERT_TRUE(store().write({{"a", "1"}, {"b", "2"}, {"c", "3"}}).has_value());
  ASSERT_TRUE(store().write({{"a", std::nullopt}, {"b", "22"}, {"d", ""}}).has_value());
  EXPECT_EQ(entries(), (Entries{{"b", "22"}, {"c", "3"}, {"d", ""}}));
  EXPECT_FALSE(store().get("a").value().has_value());
  EXPECT_EQ(store().get("b").value(), "22");
  EXPECT_EQ(store().get("d").value(), "");
  ASSERT_TRUE(store().write({{"never there", std::nullopt}}).has_value());
  ASSERT_TRUE(store().write(std::vector<StoreWrite>{}).has_value());
  EXPECT_EQ(entries().size(), 3U);
}

TEST_P(StoreContract, OrdersKeysAsUnsignedBytes) {
  const std::string zero(1, '\0');
  const std::vector<std::string> keys = {zero, zero + zero, "a",    "a" + zero, "aa",
                                         "b",  "\x7f",      "\x80", "\xfe\xff"};
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) put(*key, *key);
  std::vector<std::string> seen;
  ASSERT_TRUE(store().scan("", "\xff", [&](std::string_view key, std::string_view value) {
    EXPECT_EQ(key, value);
    seen.emplace_back(key);
    return true;
  }));
  EXPECT_EQ(seen, keys);
}

TEST_P(StoreContract, ScansFromToAndStopsWhenTold) {
  for (char c = 'a'; c <= 'j'; ++c) put(std::string(1, c), "v");
  EXPECT_EQ(entries("c", "f").size(), 3U);
  EXPECT_EQ(entries("c", "c").size(), 0U);
  EXPECT_EQ(entries("f", "c").size(), 0U);
  EXPECT_EQ(entries("bb", "cc").size(), 1U);
  int visits = 0;
  ASSERT_TRUE(
      store().scan("a", "z", [&](std::string_view, std::string_view) { return ++visits < 4; }));
  EXPECT_EQ(visits, 4);
}

TEST_P(StoreContract, ReadsWithinAScan) {
  put("a", "b");
  put("b", "c");
  std::string found;
  ASSERT_TRUE(store().scan("a", "b", [&](std::string_view, std::string_view value) {
    found = store().get(value).value().value_or("none");
    return true;
  }));
  EXPECT_EQ(found, "c");
}

TEST_P(StoreContract, GetsManyKeysAtOnce) {
  std::vector<std::string> keys;
  for (int i = 100; i < 400; ++i) keys.push_back("key " + std::to_string(i));
  for (std::size_t i = 0; i < keys.size(); i += 3) put(keys[i], keys[i] + " value");
  put(keys[1], "");
  ASSERT_TRUE(store().write({{keys[3], std::nullopt}}).has_value());
  std::vector<std::size_t> seen;
  ASSERT_TRUE(store().get_sorted(keys, [&](std::size_t index, std::string_view value) {
    seen.push_back(index);
    EXPECT_EQ(value, index == 1 ? "" : keys[index] + " value");
  }));
  std::vector<std::size_t> there = {0, 1};
  for (std::size_t i = 6; i < keys.size(); i += 3) there.push_back(i);
  EXPECT_EQ(seen, there);
  ASSERT_TRUE(store().get_sorted({}, [](std::size_t, std::string_view) { FAIL(); }));
}

TEST_P(StoreContract, ErasesRanges) {
  for (char c = 'a'; c <= 'j'; ++c) put(std::string(1, c), "v");
  ASSERT_TRUE(store().erase_range("c", "h").has_value());
  EXPECT_EQ(entries().size(), 5U);
  EXPECT_TRUE(store().get("h").value().has_value());
  put("d", "again");
  EXPECT_EQ(store().get("d").value(), "again");
  ASSERT_TRUE(store().erase_range("x", "y").has_value());
  EXPECT_EQ(entries().size(), 6U);
}

TEST_P(StoreContract, KeepsWhatWasFlushed) {
  put("a", "1");
  ASSERT_TRUE(store().erase_range("b", "c").has_value());
  ASSERT_TRUE(store().flush().has_value());
  subject_->crash();
  EXPECT_EQ(entries(), (Entries{{"a", "1"}}));
  put("b", "2");
  EXPECT_EQ(store().get("b").value(), "2");
}

// After a crash the store holds a prefix of the writes, each whole.
TEST_P(StoreContract, RollsBackToAPrefixOfWholeWrites) {
  constexpr int kWrites = 40;
  constexpr int kFlushed = 15;
  for (int i = 1; i <= kWrites; ++i) {
    const auto n = std::to_string(i);
    ASSERT_TRUE(store().write({{"count", n}, {"key " + n, n}, {"mirror", n}}).has_value());
    if (i == kFlushed) {
      ASSERT_TRUE(store().flush().has_value());
    }
  }
  subject_->crash();
  const auto count = std::stoi(store().get("count").value().value_or("0"));
  EXPECT_GE(count, kFlushed);
  EXPECT_EQ(store().get("mirror").value(), std::to_string(count));
  EXPECT_EQ(entries("key ", prefix_end("key ")).size(), static_cast<std::size_t>(count));
  for (int i = 1; i <= count; ++i) {
    EXPECT_TRUE(store().get("key " + std::to_string(i)).value().has_value());
  }
}

// However large a batch is: what was written later stands, and a crash takes none before it.
TEST_P(StoreContract, KeepsTheOrderOfBatchesOfAnySize) {
  const std::string filling(4096, 'f');
  const auto large = [&](const std::string& mark, std::optional<std::string> value) {
    std::vector<StoreWrite> batch;
    for (int i = 0; i < 200; ++i) batch.push_back({"filling " + std::to_string(1000 + i), filling});
    batch.push_back({"mark", std::move(value)});
    batch.push_back({"seen " + mark, mark});
    ASSERT_TRUE(store().write(batch).has_value());
  };
  put("mark", "first");
  large("a", "second");
  EXPECT_EQ(store().get("mark").value(), "second");
  put("mark", "third");
  EXPECT_EQ(store().get("mark").value(), "third");
  put("seen third", "third");
  large("b", std::nullopt);
  EXPECT_FALSE(store().get("mark").value().has_value());
  subject_->crash();
  if (store().get("seen b").value()) {
    EXPECT_TRUE(store().get("seen third").value().has_value());
    EXPECT_FALSE(store().get("mark").value().has_value());
  }
  put("mark", "last");
  ASSERT_TRUE(store().flush().has_value());
  subject_->crash();
  EXPECT_EQ(store().get("mark").value(), "last");
}

TEST_P(StoreContract, ScansOneSnapshotWhileAnotherThreadWrites) {
  constexpr int kKeys = 50;
  std::atomic<bool> stop{false};
  std::atomic<int> rounds{0};
  std::thread writer{[&] {
    for (int n = 1; !stop; ++n) {
      std::vector<StoreWrite> batch;
      for (int k = 0; k < kKeys; ++k) {
        batch.push_back({"k" + std::to_string(100 + k), std::to_string(n)});
      }
      EXPECT_TRUE(store().write(batch).has_value());
      ++rounds;
      rounds.notify_all();
    }
  }};
  rounds.wait(0);
  for (int i = 0; i < 50; ++i) {
    const auto seen = entries("k", "l");
    ASSERT_EQ(seen.size(), static_cast<std::size_t>(kKeys));
    for (const auto& [key, value] : seen) EXPECT_EQ(value, seen.begin()->second) << key;
  }
  stop = true;
  writer.join();
}

TEST_P(StoreContract, CountsItsBytes) {
  const auto before = store().approximate_bytes();
  std::vector<StoreWrite> batch;
  for (int i = 0; i < 100; ++i) {
    std::string value;
    for (int k = 0; k < 1000; ++k) value.push_back(static_cast<char>('a' + (i * 31 + k * k) % 26));
    batch.push_back({"key " + std::to_string(1000 + i), value});
  }
  ASSERT_TRUE(store().write(batch).has_value());
  ASSERT_TRUE(store().flush().has_value());
  EXPECT_GT(store().approximate_bytes(), before);
}

}  // namespace
}  // namespace dealwright
