// What the decider is asked when an effect is to leave.
#include <gtest/gtest.h>

#include "rules/decide/factory.h"
#include "tests/rules/rule_bed.h"

namespace dealwright::rules {
namespace {

TEST(AtDispatchTest, HoursAreThoseOfTheFirstZoneThatIsKnown) {
  DeciderOptions options;
  options.workspace.zone = "+02:00";
  const auto factory = make_decider_factory(options);
  auto made = factory->make({});
  ASSERT_TRUE(made);
  auto& decider = *made.value();
  const auto now = RuleBed::at("2026-03-02 07:30");  // a Monday
  const auto opens = [&](std::vector<std::string> zones) {
    const auto opening = decider.opening(SendHours{}, zones, now);
    return to_text(opening.at) + " " + opening.zone;
  };
  EXPECT_EQ(opens({"+00:00", "+05:00"}), "2026-03-02T08:00:00.000Z +00:00");
  EXPECT_EQ(opens({"+05:00"}), "2026-03-02T07:30:00.000Z +05:00");
  EXPECT_EQ(opens({"-03:00"}), "2026-03-02T11:00:00.000Z -03:00");
  EXPECT_EQ(opens({"Nowhere/City", "+00:00"}), "2026-03-02T08:00:00.000Z +00:00");
  EXPECT_EQ(opens({}), "2026-03-02T07:30:00.000Z +02:00");  // the workspace's: half past nine
}

TEST(AtDispatchTest, AStateExitThatHoldsByNowIsFound) {
  RuleBed bed;
  bed.publish("r",
              "trigger: deal.opened\n"
              "exit: { when: \"now > timestamp('2026-03-04T00:00:00Z')\", reason: too late }\n"
              "steps:\n  - notify: { to: user(\"u1\"), text: hello }\n  - wait: 7d\n");
  bed.happen(bed.event("deal.opened", "deal/d1", "2026-03-02 09:00", {{"pipeline", Value{"p"}}}));
  ASSERT_EQ(bed.world().effects().size(), 1U);
  const auto effect = bed.world().effects().begin()->second;
  EXPECT_EQ(bed.decider().exits_now(effect, bed.world()), "");
  bed.world().advance(RuleBed::at("2026-03-04 00:01"));
  EXPECT_EQ(bed.decider().exits_now(effect, bed.world()), "too late");
  auto other = effect;
  other.enrolment = {};
  EXPECT_EQ(bed.decider().exits_now(other, bed.world()), "");  // it is over: nobody to ask
}

}  // namespace
}  // namespace dealwright::rules
