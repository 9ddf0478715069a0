// What an import lets rules do, and how a drip lets entries in.
#include <fmt/core.h>

#include "rules/decide/drip.h"
#include "tests/rules/rule_bed.h"

namespace dealwright::rules {
namespace {

constexpr const char* kNotify = "steps:\n  - notify: { to: user(\"u1\"), text: hello }\n";
const std::string kDone = "effect notify:user(\"u1\") user/u1\nended done\n";

std::string won(std::string_view rest) { return "trigger: deal.won\n" + std::string{rest}; }

TEST(ImportPolicyTest, TheStrictestCounts) {
  struct Row {
    Policy policy;
    const char* rule;
    const char* expected;
  };
  const std::string no = "refused r deal/d1 import\n";
  const Row rows[] = {
      // The stricter of event, batch and rule; a batch that nobody opened says nothing: suppress.
      {Policy::kUnset, "suppress", no.c_str()},
      {Policy::kUnset, "fire", no.c_str()},
      {Policy::kSuppress, "suppress", no.c_str()},
      {Policy::kSuppress, "fire", no.c_str()},
      {Policy::kSuppress, "shadow", no.c_str()},
      {Policy::kSuppress, "{ drip: 60/h }", no.c_str()},
      {Policy::kFire, "suppress", no.c_str()},
      {Policy::kFire, "fire", "started r v1 deal/d1\n"},
      {Policy::kFire, "shadow", "started r v1 deal/d1 shadow\n"},
      {Policy::kFire, "{ drip: 60/h }", "started r v1 deal/d1 until 2026-03-30T09:00:00Z\n"},
      {Policy::kDrip, "suppress", no.c_str()},
      {Policy::kDrip, "fire", no.c_str()},  // nobody says how fast
      {Policy::kDrip, "shadow", "started r v1 deal/d1 shadow\n"},
      {Policy::kDrip, "{ drip: 60/h }", "started r v1 deal/d1 until 2026-03-30T09:00:00Z\n"},
      {Policy::kShadow, "suppress", no.c_str()},
      {Policy::kShadow, "fire", "started r v1 deal/d1 shadow\n"},
      {Policy::kShadow, "{ drip: 60/h }", "started r v1 deal/d1 shadow\n"},
  };
  for (const auto& row : rows) {
    RuleBed bed;
    bed.publish("r", won(fmt::format("import: {}\n{}", row.rule, kNotify)));
    auto event = bed.event("deal.won", "deal/d1", "2026-03-02 09:00");
    event.import_batch = "b";
    event.policy = row.policy;
    bed.happen(event, RuleBed::at("2026-03-30 09:00"));  // an old fact of a batch is not stale
    EXPECT_TRUE(bed.decided().starts_with(row.expected)) << policy_name(row.policy) << row.rule;
  }
}

// Outside of batches only the event's own policy counts: the rule's `import` is about imports.
TEST(ImportPolicyTest, PoliciesOfLiveEvents) {
  const std::pair<Policy, const char*> rows[] = {{Policy::kUnset, "started r v1 deal/d1\n"},
                                                 {Policy::kFire, "started r v1 deal/d1\n"},
                                                 {Policy::kShadow, "started r v1 deal/d1 shadow\n"},
                                                 {Policy::kSuppress, "refused r deal/d1 import\n"}};
  for (const auto& [policy, expected] : rows) {
    RuleBed bed;
    bed.publish("r", won(fmt::format("import: suppress\n{}", kNotify)));
    auto event = bed.event("deal.won", "deal/d1", "2026-03-02 09:00");
    event.policy = policy;
    bed.happen(event);
    EXPECT_TRUE(bed.decided().starts_with(expected)) << policy_name(policy);
  }
}

TEST(ImportPolicyTest, ADripLetsInAtItsRateAndExitsStillCount) {
  RuleBed bed;
  bed.publish("r", won(fmt::format("import: {{ drip: 4/h }}\nexit: [{{ event: deal.lost }}]\n{}",
                                   kNotify)));
  for (const auto* deal : {"deal/d1", "deal/d2", "deal/d3", "deal/d4"}) {
    auto event = bed.event("deal.won", deal, "2026-03-01 09:00");
    event.import_batch = "b";
    event.policy = Policy::kFire;
    bed.happen(event, RuleBed::at("2026-03-02 09:01"));
  }
  EXPECT_EQ(bed.decided(),
            "started r v1 deal/d1 until 2026-03-02T09:15:00Z\n"
            "started r v1 deal/d2 until 2026-03-02T09:30:00Z\n"
            "started r v1 deal/d3 until 2026-03-02T09:45:00Z\n"
            "started r v1 deal/d4 until 2026-03-02T10:00:00Z\n");
  bed.world().advance(RuleBed::at("2026-03-02 09:14"));
  EXPECT_EQ(bed.decided(), "");
  bed.world().advance(RuleBed::at("2026-03-02 09:29"));
  EXPECT_EQ(bed.decided(), kDone);
  bed.happen(bed.event("deal.lost", "deal/d3", "2026-03-02 09:29"));
  EXPECT_EQ(bed.decided(), "ended deal.lost cancelling\n");
  bed.world().advance(RuleBed::at("2026-03-02 09:59"));
  EXPECT_EQ(bed.decided(), kDone);
  bed.world().advance(RuleBed::at("2026-03-02 12:00"));
  EXPECT_EQ(bed.decided(), kDone);
}

TEST(ImportPolicyTest, PartitionsShareARate) {
  class Seat : public TestWorld {
   public:
    Seat(Decider& decider, std::uint32_t mine, std::uint32_t of)
        : TestWorld{decider}, mine_{mine}, of_{of} {}
    std::uint32_t partition() const override { return mine_; }
    std::uint32_t partitions() const override { return of_; }

   private:
    std::uint32_t mine_, of_;
  };
  RuleBed bed;
  bed.publish("r", won(kNotify));
  auto made = make_decider_factory()->make({});
  ASSERT_TRUE(made);
  // 7 an hour over 3 partitions: in any hour 7 instants, each of one partition only.
  const Map queue{{"import/b", Value{7}}};
  std::map<Instant, int> given;
  for (std::uint32_t mine = 0; mine < 3; ++mine) {
    for (int minute = 0; minute < 180; ++minute) {
      Seat seat{*made.value(), mine, 3};
      seat.advance(RuleBed::at("2026-03-02 09:00") + minutes(minute));
      given[next_turn(seat, queue)] |= 1 << mine;
    }
  }
  for (const auto& [at, seats] : given) {
    EXPECT_TRUE(seats == 1 || seats == 2 || seats == 4) << to_text(at);
    int within = 0;
    for (const auto& [other, seat] : given) within += other >= at && other < at + hours(1) ? 1 : 0;
    if (at < RuleBed::at("2026-03-02 11:00")) {
      EXPECT_EQ(within, 7) << to_text(at);
    }
  }
  Seat late{*made.value(), 0, 1};
  late.advance(RuleBed::at("2026-03-02 09:00"));
  const Map minutely{{"r", Value{60}}};
  EXPECT_FALSE(missed_turn(late, minutely, RuleBed::at("2026-03-02 08:59")));
  EXPECT_TRUE(missed_turn(late, minutely, RuleBed::at("2026-03-02 08:58")));
  EXPECT_FALSE(missed_turn(late, {{"r", Value{1}}}, RuleBed::at("2026-03-02 08:00")));
}

}  // namespace
}  // namespace dealwright::rules
