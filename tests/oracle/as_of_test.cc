// A record at a past instant, from its history, against the naive fold of the facts that had
// happened and come in by then.
#include "engine/runtime/as_of.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <iterator>

#include "tests/oracle/generator.h"
#include "tests/seeds.h"

namespace dealwright::oracle {
namespace {

Facts facts_by(const Facts& all, Instant as_of, Instant known_by) {
  Facts out;
  std::copy_if(all.begin(), all.end(), std::back_inserter(out), [&](const Fact& fact) {
    return (fact.stamp.occurred <= as_of || takes_back(fact)) && fact.ingested <= known_by;
  });
  return out;
}

bool has_merges(const Facts& facts) {
  return std::any_of(facts.begin(), facts.end(),
                     [](const Fact& fact) { return fact.why == Fact::Why::kMerge; });
}

struct Asked {
  std::size_t all = 0, none = 0, past = 0;
};

// Every record at random instants; with what was merged into it only as of now, for the oracle
// keeps of a loser what it came to.
void compare(Bed& bed, bool knowledge, Asked& asked) {
  auto& state = bed.partition->state();
  for (const auto& [key, facts] : bed.oracle.facts()) {
    for (int i = 0; i < 4; ++i) {
      const auto any = [&] {
        const auto& fact = facts[bed.random.below(facts.size())];
        return bed.random.chance(50) ? fact.stamp.occurred : fact.ingested;
      };
      const bool merged = has_merges(facts);
      const auto as_of = merged || bed.random.chance(20) ? kAfterAll : any();
      const auto known_by = !knowledge || bed.random.chance(40) ? kAfterAll : any();
      const auto told = facts_by(facts, as_of, known_by);
      const auto got = runtime::record_as_of(state, bed.log, 0, key, as_of, known_by);
      ASSERT_TRUE(got) << to_text(key) << ": " << got.error().detail;
      ++asked.all;
      const auto want = values_of(key, told, bed.oracle.pipelines());
      if (!got.value()) {
        ++asked.none;
        ASSERT_TRUE(told.empty() || !heard_of(want)) << to_text(key) << "\n" << text_of(want);
        continue;
      }
      if (told.size() < facts.size()) ++asked.past;
      auto mine = values_of(*got.value());
      auto expected = want;
      // Whither it was merged stands in the oracle beside the facts.
      expected.merged_into = mine.merged_into;
      ASSERT_EQ(text_of(expected), text_of(mine))
          << to_text(key) << " as of " << as_of.ms << ", known by " << known_by.ms;
      ASSERT_EQ(text_of(life_of(key, told, bed.oracle.pipelines())), text_of(got.value()->life))
          << to_text(key) << " as of " << as_of.ms << ", known by " << known_by.ms;
    }
  }
}

void live(Bed& bed, Generator& generator, bool knowledge, Asked& asked) {
  bed.start();
  generator.begin();
  bed.run();
  for (int i = 0; i < 160; ++i) {
    generator.add();
    if (bed.random.chance(40)) {
      bed.clock.advance(minutes(static_cast<std::int64_t>(bed.random.below(700))));
    }
    bed.run();
    bed.receive();
    if (i % 20 != 19) continue;
    ASSERT_TRUE(bed.compare(false));
    compare(bed, knowledge, asked);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(AsOfTest, EqualsTheNaiveFoldOfWhatHadHappenedAndWasKnown) {
  Asked asked;
  for (const auto seed : seeds(3001, 16)) {
    SCOPED_TRACE("seed " + std::to_string(seed) + "; alone: DW_SEED=" + std::to_string(seed));
    Bed bed{seed, seed % 3 == 0};
    Generator generator{bed};
    live(bed, generator, true, asked);
    if (HasFatalFailure()) return;
  }
  std::cout << asked.all << " asked, " << asked.past << " in the past, " << asked.none
            << " before all facts\n";
  EXPECT_GT(asked.past, asked.all / 5);
  EXPECT_GT(asked.none, 0U);
}

// What was taken back counts at no instant.
TEST(AsOfTest, EqualsItToWhereFactsWereTakenBack) {
  Asked asked;
  for (const auto seed : seeds(4001, 12)) {
    SCOPED_TRACE("seed " + std::to_string(seed) + "; alone: DW_SEED=" + std::to_string(seed));
    Bed bed{seed, seed % 5 == 0};
    bed.histories = false;
    Generator generator{bed, true};
    live(bed, generator, false, asked);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(asked.past, 0U);
}

}  // namespace
}  // namespace dealwright::oracle
