// Rules get values opened; one that is sealed still has lost its key (its person was erased): to a
// rule it is absent, which never matches and is no fault, and its bytes go nowhere.
#include "tests/rules/rule_bed.h"

namespace dealwright::rules {
namespace {

const Value kSealed{Sealed{"person/7", "\xff secret"}};

Event sealed_note(RuleBed& bed) {
  return bed.event("note.added", "deal/d1", "2026-03-02 09:00",
                   {{"nickname", kSealed}, {"text", kSealed}});
}

TEST(SealedTest, IsAbsentToACondition) {
  struct Row {
    const char* when;
    bool matches;
  };
  const Row rows[] = {
      {"has(event.text)", false},
      {"event.text == \"call me\"", false},
      {"event.text != \"\"", false},
      {"size(event.text) > 3", false},
      {"has(event.data.nickname) && event.data.nickname == 1", false},
      {"!has(event.text)", true},
      {"true || event.text == \"x\"", true},
      {"event.type == \"note.added\"", true},
  };
  for (const auto& row : rows) {
    RuleBed bed;
    bed.publish("r", std::string{"trigger: note.added\nentry: each_time\nwhen: '"} + row.when +
                         "'\nsteps:\n  - notify: { to: user(\"u1\"), text: hello }\n");
    bed.happen(sealed_note(bed));
    const auto got = bed.decided();
    if (row.matches) {
      EXPECT_TRUE(got.starts_with("started r v1 deal/d1")) << row.when << ": " << got;
    } else {
      EXPECT_EQ(got, "") << row.when;
    }
  }
}

TEST(SealedTest, IsNeverPutIntoAnEffect) {
  RuleBed bed;
  bed.publish(
      "r",
      "trigger: note.added\nsteps:\n"
      "  - notify: { to: user(\"u1\"), text: 'They said {{ event.text | default: \"-\" }}' }\n");
  bed.happen(sealed_note(bed));
  ASSERT_EQ(bed.world().effects().size(), 1U) << bed.decided();
  const auto& effect = bed.world().effects().begin()->second;
  EXPECT_EQ(to_json(Value{effect.payload}), R"({"text":"They said -","to":"user/u1"})");
}

}  // namespace
}  // namespace dealwright::rules
