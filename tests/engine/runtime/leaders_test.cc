#include "engine/runtime/leaders.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "engine/ports/fake/fake_clock.h"

namespace dealwright::runtime {
namespace {

std::map<std::string, std::vector<PartitionId>> shares(const std::vector<Member>& members,
                                                       std::uint32_t partitions) {
  std::map<std::string, std::vector<PartitionId>> out;
  const auto suggested = suggest_leaders(members, partitions);
  for (PartitionId id = 0; id < partitions; ++id) {
    if (suggested[id] >= 0)
      out[members[static_cast<std::size_t>(suggested[id])].node].push_back(id);
  }
  return out;
}

using Shares = std::map<std::string, std::vector<PartitionId>>;

TEST(Leaders, OneLeadsAll) {
  EXPECT_EQ(shares({{"a", {}, false}}, 3), (Shares{{"a", {0, 1, 2}}}));
  EXPECT_EQ(shares({}, 3), Shares{});
  EXPECT_EQ(shares({{"a", {0, 1, 2}, true}}, 3), Shares{});  // it leaves
}

TEST(Leaders, ANewOneGetsItsShareAndTheOthersKeepTheirs) {
  EXPECT_EQ(shares({{"a", {0, 1, 2, 3}, false}, {"b", {}, false}}, 4),
            (Shares{{"a", {0, 1}}, {"b", {2, 3}}}));
  EXPECT_EQ(shares({{"b", {0, 1}, false}, {"a", {2, 3}, false}, {"c", {}, false}}, 4),
            (Shares{{"a", {2}}, {"b", {0, 1}}, {"c", {3}}}));
  EXPECT_EQ(shares({{"a", {0, 1}, false}, {"b", {2, 3}, true}}, 4), (Shares{{"a", {0, 1, 2, 3}}}));
}

TEST(Leaders, NobodyClaimsWhatAnotherLeads) {
  const std::vector<Member> joining = {{"a", {0, 1, 2, 3}, false}, {"b", {}, false}};
  EXPECT_EQ(should_lead(joining, "b", 4), (std::vector<bool>{false, false, false, false}));
  EXPECT_EQ(should_lead(joining, "a", 4), (std::vector<bool>{true, true, false, false}));
  const std::vector<Member> handed = {{"a", {0, 1, 2}, false}, {"b", {}, false}};
  EXPECT_EQ(should_lead(handed, "b", 4), (std::vector<bool>{false, false, false, true}));
}

// However processes come and go: as long as those that are there hear each other they come to lead
// each partition once, in even shares, and then nothing moves any more.
TEST(Leaders, ComesToRestWithEvenShares) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    FakeRandom random{seed};
    const auto partitions = 1 + static_cast<std::uint32_t>(random.below(12));
    std::vector<Member> members;
    for (int change = 0; change < 12; ++change) {
      if (members.empty() || random.chance(60)) {
        members.push_back(
            {"n" + std::to_string(random.below(1000)) + "-" + std::to_string(change), {}, false});
      } else {
        members.erase(members.begin() + static_cast<std::ptrdiff_t>(random.below(members.size())));
      }
      if (members.empty()) continue;
      bool moved = true;
      int rounds = 0;
      for (; moved && rounds < 20; ++rounds) {
        moved = false;
        const auto seen = members;  // all hear the same
        for (auto& member : members) {
          const auto wanted = should_lead(seen, member.node, partitions);
          std::vector<PartitionId> leads;
          for (PartitionId id = 0; id < partitions; ++id) {
            if (wanted[id]) leads.push_back(id);
          }
          moved = moved || leads != member.leads;
          member.leads = std::move(leads);
        }
      }
      EXPECT_LT(rounds, 5) << seed;
      std::vector<int> led(partitions);
      std::size_t least = partitions;
      std::size_t most = 0;
      for (const auto& member : members) {
        for (const auto id : member.leads) ++led[id];
        least = std::min(least, member.leads.size());
        most = std::max(most, member.leads.size());
      }
      EXPECT_EQ(led, std::vector<int>(partitions, 1)) << seed;
      EXPECT_LE(most - least, 1U) << seed;
    }
  }
}

}  // namespace
}  // namespace dealwright::runtime
