// The write-back cache against a plain map: get and scan through current generation, frozen one and
// store.
#include "engine/runtime/kv_cache.h"

#include <gtest/gtest.h>

#include "engine/ports/fake/fake_clock.h"
#include "engine/ports/fake/fake_store.h"

namespace dealwright::runtime {
namespace {

using Model = std::map<std::string, std::string>;

// The letter of a table, ordered ('O') or not ('H'), and a number that often comes again.
std::string random_key(FakeRandom& random) {
  return (random.chance(50) ? "O" : "H") + std::to_string(random.below(60));
}

// What a scan that stops behind `most` entries visits.
std::string scanned(const KvCache& cache, const std::string& from, const std::string& to,
                    std::size_t most) {
  std::string out;
  std::size_t count = 0;
  const auto done = cache.scan(from, to, [&](std::string_view key, std::string_view value) {
    out += std::string{key} + '=' + std::string{value} + ' ';
    return ++count < most;
  });
  EXPECT_TRUE(done);
  return out;
}

std::string expected(const Model& model, const std::string& from, const std::string& to,
                     std::size_t most) {
  std::string out;
  auto it = model.lower_bound(from);
  for (std::size_t i = 0; i < most && it != model.end() && it->first < to; ++i, ++it) {
    out += it->first + '=' + it->second + ' ';
  }
  return out;
}

TEST(KvCacheTest, ReadsThroughItsLayersAsAMapDoes) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FakeRandom random{seed};
    FakeStore store;
    KvCache cache{store, "O"};
    Model model;
    std::shared_ptr<const KvCache::Generation> frozen;
    for (int i = 0; i < 600; ++i) {
      auto key = random_key(random);
      if (random.chance(60)) {
        model[key] = std::to_string(i);
        cache.put(key, std::to_string(i));
      } else {
        model.erase(key);
        cache.erase(key);
      }
      if (random.chance(4) && !frozen) frozen = cache.freeze();
      if (random.chance(4) && frozen) {
        ASSERT_TRUE(store.write(frozen->sorted({})));
        cache.thaw();
        frozen.reset();
      }
      const auto from = random_key(random);
      const auto to = from.substr(0, 1) + (random.chance(30) ? "~" : random_key(random).substr(1));
      const auto most = 1 + random.below(8);
      ASSERT_EQ(scanned(cache, from, to, most), from < to ? expected(model, from, to, most) : "");
      const auto got = cache.get(from);
      ASSERT_TRUE(got);
      const auto there = model.find(from);
      ASSERT_EQ(got.value().value_or("none"), there == model.end() ? "none" : there->second);
      const std::vector<std::string> keys = {"H1", "H7", from < "I" ? "H8" : from, "O99"};
      std::vector<std::string> many(keys.size(), "none");
      ASSERT_TRUE(cache.get_sorted(
          keys, [&](std::size_t index, std::string_view value) { many.at(index) = value; }));
      for (std::size_t at = 0; at < keys.size(); ++at) {
        const auto wanted = model.find(keys[at]);
        ASSERT_EQ(many[at], wanted == model.end() ? "none" : wanted->second) << keys[at];
      }
    }
  }
}

}  // namespace
}  // namespace dealwright::runtime
