#include "engine/domain/effect_acts.h"

#include "tests/table.h"

namespace dealwright {
namespace {

const Instant kNow{1'772'442'000'000};

Effect effect_in(const std::string& state) {
  Effect out;
  out.id = sha256("an effect");
  out.channel = state == "task" ? "task" : "email";
  out.requested = out.changed = kNow - hours(30);
  out.expires = kNow - hours(6);
  out.attempts = 2;
  out.reason = state == "shadow" ? "shadow" : "";
  const auto named = effect_state_of(state == "shadow" ? "suppressed"
                                     : state == "task" ? "rejected"
                                                       : state);
  EXPECT_TRUE(named) << state;
  out.state = named.value_or(EffectState::kRequested);
  return out;
}

TEST(EffectActsTest, WhatPeopleMaySayOfAnEffect) {
  expect_table(R"(
    state           | act                    | then
    requested       | effect.retry_requested | refused effect_open
    attempt_started | effect.retry_requested | refused effect_open
    retry_at        | effect.retry_requested | refused effect_open
    delivered       | effect.retry_requested | refused effect_delivered
    cancelled       | effect.retry_requested | refused effect_cancelled
    shadow          | effect.retry_requested | refused effect_shadow
    task            | effect.retry_requested | refused effect_stays
    none            | effect.retry_requested | refused unknown_effect
    rejected        | effect.retry_requested | retry_at, again
    expired         | effect.retry_requested | retry_at, again
    suppressed      | effect.retry_requested | retry_at, again
    unknown         | effect.retry_requested | retry_at
    requested       | effect.resolved        | refused effect_not_unknown
    delivered       | effect.resolved        | refused effect_not_unknown
    none            | effect.resolved        | refused unknown_effect
    unknown         | effect.resolved        | delivered
    requested       | effect.cancelled       | cancelled
    retry_at        | effect.cancelled       | cancelled
    attempt_started | effect.cancelled       | refused effect_out
    unknown         | effect.cancelled       | refused effect_out
    delivered       | effect.cancelled       | refused effect_final
    suppressed      | effect.cancelled       | refused effect_final
    none            | effect.cancelled       | refused unknown_effect
  )",
               [](const Row& row) -> std::string {
                 Event act;
                 act.type = event_spec(row["act"])->type;
                 act.data.set(Field::kAuthor, Value{"user/u1"});
                 act.data.set(Field::kReason, Value{"asked for"});
                 act.data.set(Field::kOutcome, Value{"delivered"});
                 if (row["state"] == "none") {
                   return "refused " + std::string{refusal_name(judge_act(act.type, nullptr))};
                 }
                 auto effect = effect_in(row["state"]);
                 const auto before = effect;
                 const auto refusal = judge_act(act.type, &effect);
                 const auto folded = fold_act(effect, act, kNow);
                 EXPECT_EQ(folded.moved, refusal == Refusal::kNone);
                 if (refusal != Refusal::kNone) {
                   EXPECT_EQ(effect, before);
                   return "refused " + std::string{refusal_name(refusal)};
                 }
                 EXPECT_NE(effect.reason.find("by user/u1: asked for"), std::string::npos);
                 return std::string{effect_state_name(effect.state)} +
                        (folded.revived ? ", again" : "");
               });
}

TEST(EffectActsTest, ARetryHasItsTimeAnew) {
  auto effect = effect_in("expired");
  Event act;
  act.type = TypeId::kEffectRetryRequested;
  ASSERT_TRUE(fold_act(effect, act, kNow).moved);
  EXPECT_EQ(effect.expires, kNow + hours(24));  // as long as it had at first
  EXPECT_EQ(effect.next, kNow);
  EXPECT_EQ(effect.attempts, 2U);  // its attempts go on being numbered
  EXPECT_EQ(effect.attempts_before, 2U);
}

TEST(EffectActsTest, WhatReceiversSay) {
  expect_table(R"(
    state           | word             | then
    unknown         | email.bounced    | delivered email.bounced 5.1.1: no such user
    attempt_started | email.bounced    | delivered email.bounced 5.1.1: no such user
    delivered       | email.bounced    | delivered email.bounced 5.1.1: no such user
    unknown         | email.opened     | delivered email.opened
    unknown         | email.replied    | delivered email.replied
    unknown         | email.complained | delivered email.complained 5.1.1: no such user
    delivered       | email.opened     | unchanged
    requested       | email.bounced    | unchanged
    retry_at        | email.bounced    | unchanged
    rejected        | email.bounced    | unchanged
    unknown         | email.sent       | unchanged
  )",
               [](const Row& row) -> std::string {
                 auto effect = effect_in(row["state"]);
                 Event word;
                 word.type = event_spec(row["word"])->type;
                 const bool says_why =
                     word.type == TypeId::kEmailBounced || word.type == TypeId::kEmailComplained;
                 if (says_why) {
                   word.data.set(Field::kStatus, Value{"5.1.1"});
                   word.data.set(Field::kReason, Value{"no such user"});
                 }
                 if (!fold_word(effect, word, kNow)) return "unchanged";
                 return std::string{effect_state_name(effect.state)} + " " + effect.reason;
               });
}

}  // namespace
}  // namespace dealwright
