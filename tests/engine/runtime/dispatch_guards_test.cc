// What holds effects back, and whose word lets them go.
#include <gtest/gtest.h>

#include "engine/codec/event_codec.h"
#include "tests/engine/runtime/office.h"

namespace dealwright::runtime {
namespace {

using Fate = FakeChannel::Fate;

TEST(DispatchGuardsTest, NothingLeavesWhileTheRuleIsPaused) {
  Office office{8};
  office.add_of_rule(TypeId::kRulePublished);
  office.add_of_rule(TypeId::kRulePaused);
  office.note("d1");
  EXPECT_EQ(office.hook.sent, 0U);
  EXPECT_TRUE(office.only("webhook").reason.starts_with("rule_paused: since "));
  EXPECT_EQ(office.only("webhook").held_by, "rule/note");
  const auto decisions = office.world.partition->state().meta.decisions;
  office.world.clock.advance(hours(1));
  office.world.run();  // nobody asks about it again and again
  EXPECT_EQ(office.world.partition->state().meta.decisions, decisions);
  office.add_of_rule(TypeId::kRuleResumed);  // it is looked at at once
  EXPECT_EQ(office.hook.sent, 1U);
  EXPECT_EQ(office.world.dump(), office.world.dump_of_replay());
}

TEST(DispatchGuardsTest, NothingLeavesWhileTheWorkspaceIsPaused) {
  Office office{12};
  office.offer("d1");  // on its way to its gate
  office.pause(TypeId::kWorkspacePaused);
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
  EXPECT_TRUE(office.mail.book.empty());
  office.note("d2");
  EXPECT_EQ(office.hook.sent, 0U);
  EXPECT_TRUE(office.only("email").reason.starts_with("workspace_paused: since "));
  EXPECT_TRUE(office.world.partition->status().effects_paused);
  office.world.crash();
  office.world.start();
  office.world.run();
  EXPECT_EQ(office.hook.sent, 0U);
  office.pause(TypeId::kWorkspaceResumed);
  EXPECT_FALSE(office.world.partition->status().effects_paused);
  EXPECT_EQ(office.hook.sent, 1U);
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
  EXPECT_EQ(office.mail.book.size(), 1U);
  EXPECT_EQ(office.world.dump(), office.world.dump_of_replay());
}

TEST(DispatchGuardsTest, ARestoredCopyWaitsForAPersonsWord) {
  Office office{13};
  office.pause(TypeId::kWorkspaceResumed);  // of long ago: that is no word on this one
  office.note("d1");
  office.world.crash();
  office.hook.crash(false);
  office.world.effects_paused = true;
  office.world.start();
  office.world.run();
  EXPECT_TRUE(office.world.partition->status().effects_paused);
  office.world.clock.advance(minutes(1));
  office.world.run();
  office.note("d2");
  EXPECT_EQ(office.hook.sent, 1U);  // what it was before
  office.world.crash();
  office.world.effects_paused = false;  // it says so itself by now
  office.world.start();
  office.world.run();
  EXPECT_EQ(office.hook.sent, 1U);
  office.pause(TypeId::kWorkspaceResumed);
  EXPECT_EQ(office.hook.sent, 3U);
}

// A clock that jumps makes nothing due: what waits goes when its time has really passed.
TEST(DispatchGuardsTest, NothingLeavesByAClockThatJumped) {
  Office office{24};
  office.note("d1");
  EXPECT_TRUE(office.go_on(office.hook, Fate::kNotNow));
  ASSERT_EQ(office.only("webhook").state, EffectState::kRetryAt);
  const auto due = office.only("webhook").next;
  ASSERT_TRUE(due);
  office.world.clock.jump_wall(hours(3));
  office.world.run();
  EXPECT_TRUE(office.world.partition->status().clock_held);
  EXPECT_EQ(office.hook.sent, 1U);
  EXPECT_EQ(office.only("webhook").next, due);
  office.world.clock.jump_wall(hours(-3));
  office.world.clock.advance(*due - office.world.clock.wall());
  office.world.run();
  EXPECT_EQ(office.hook.sent, 2U);
  EXPECT_EQ(office.world.dump(), office.world.dump_of_replay());
}

TEST(DispatchGuardsTest, WhatWasRejectedIsTriedAgainOnAPersonsWord) {
  Office office{14};
  office.offer("d1");
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
  EXPECT_TRUE(office.go_on(office.mail, Fate::kRefused));
  ASSERT_EQ(office.only("email").state, EffectState::kRejected);
  office.act(TypeId::kEffectRetryRequested, false);  // forged
  EXPECT_EQ(office.only("email").state, EffectState::kRejected);
  office.act(TypeId::kEffectRetryRequested);
  EXPECT_EQ(office.mail.waiting(), 1U);
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
  EXPECT_EQ(office.only("email").state, EffectState::kDelivered);
  EXPECT_EQ(office.only("email").attempts, 2U);
  const auto refused = office.world.partition->state().meta.refused;
  office.act(TypeId::kEffectRetryRequested);
  EXPECT_EQ(office.world.partition->state().meta.refused, refused + 1);
  EXPECT_EQ(office.mail.book.size(), 1U);
  EXPECT_EQ(office.world.dump(), office.world.dump_of_replay());
}

TEST(DispatchGuardsTest, AnUnknownIsResolvedByAPersonOrAReceiver) {
  for (const bool bounced : {false, true}) {
    Office office{15};
    office.offer("d1");
    EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
    EXPECT_TRUE(office.go_on(office.mail, Fate::kAnswerLost));
    ASSERT_EQ(office.only("email").state, EffectState::kUnknown);
    if (bounced) {
      Event word;
      word.source = "mail";
      word.id = "b1";
      word.type = TypeId::kEmailBounced;
      word.subject = {Kind::kContact, "c1"};
      word.data.set(Field::kMessage, Value{"m"});
      word.data.set(Field::kStatus, Value{"5.1.1"});
      word.data.set(Field::kEffect, Value{hex(office.only("email").id).substr(0, 40)});
      office.world.add(word);
      office.world.run();
      EXPECT_EQ(office.only("email").reason, "email.bounced 5.1.1");
    } else {
      office.act(TypeId::kEffectResolved);
      EXPECT_EQ(office.only("email").reason, "resolved by user/u1: asked for");
    }
    EXPECT_EQ(office.only("email").state, EffectState::kDelivered);
    EXPECT_EQ(office.world.dump(), office.world.dump_of_replay());
  }
}

TEST(DispatchGuardsTest, AnOptOutStopsWhatWaits) {
  Office office{16};
  office.pause(TypeId::kWorkspacePaused);
  office.world.add(office.about_person(TypeId::kConsentGranted, "c-1"));
  office.letter("c1");
  ASSERT_TRUE(office.only("email").reason.starts_with("workspace_paused"));
  office.world.add(office.about_person(TypeId::kConsentWithdrawn, "c-2"));
  office.world.run();
  EXPECT_EQ(office.only("email").state, EffectState::kSuppressed);
  EXPECT_NE(office.only("email").reason.find("consent_withdrawn: newsletter at "),
            std::string::npos);
  EXPECT_NE(office.only("email").reason.find(", by web c-2"), std::string::npos);
  EXPECT_EQ(office.world.dump(), office.world.dump_of_replay());
}

TEST(DispatchGuardsTest, AMailPerPersonAndDay) {
  Office office{17};
  office.world.add(office.about_person(TypeId::kConsentGranted, "c-1"));
  office.letter("c1");
  office.letter("c1");
  EXPECT_EQ(office.mail.waiting(), 2U);  // both come to their gates
  for (int i = 0; i < 8; ++i) office.go_on(office.mail, Fate::kTaken);
  EXPECT_EQ(office.mail.book.size(), 1U);
  std::size_t waits = 0;
  for (const auto& [id, effect] : ledger(office.world.partition->state())) {
    waits += effect.reason.starts_with("cap_marketing: 1 in 24 h") ? 1 : 0;
  }
  EXPECT_EQ(waits, 1U);
  office.world.clock.advance(hours(24) + minutes(1));
  office.world.run();
  for (int i = 0; i < 8; ++i) office.go_on(office.mail, Fate::kTaken);
  EXPECT_EQ(office.mail.book.size(), 2U);
  EXPECT_EQ(office.world.dump(), office.world.dump_of_replay());
}

TEST(DispatchGuardsTest, AFuseBlowsAndAPersonMendsIt) {
  Office office{18};
  office.add_of_rule(TypeId::kRulePublished, "follow-up");
  const auto send_all = [&] {
    while (office.go_on(office.mail, Fate::kTaken)) {
    }
  };
  for (int i = 0; i < 230; ++i) {
    office.offer("d" + std::to_string(i));
    send_all();
    if (i == 99) {  // the canary sings
      office.world.clock.advance(minutes(16));
      office.world.run();
    }
  }
  EXPECT_EQ(office.mail.book.size(), 230U);
  office.world.clock.advance(minutes(16));
  office.world.run();
  for (int i = 0; i < 230; ++i) {
    office.offer("e" + std::to_string(i));
    send_all();
  }
  EXPECT_EQ(office.mail.book.size(), 230U + 200U);
  auto& state = office.world.partition->state();
  EXPECT_EQ(state.rule_status("follow-up"), "held");
  const auto* rule = state.find({Kind::kRule, "follow-up"});
  EXPECT_EQ(rule->count(TypeId::kRuleHeld), 1U);  // said once
  office.world.clock.advance(hours(2));
  office.world.run();
  EXPECT_EQ(office.mail.book.size(), 430U);
  office.add_of_rule(TypeId::kRuleResumed, "follow-up");
  send_all();
  EXPECT_EQ(office.mail.book.size(), 460U);
  EXPECT_EQ(office.world.dump(), office.world.dump_of_replay());
}

// Fuses are for people: hooks take as much as there is.
TEST(DispatchGuardsTest, AHookHasNoFuse) {
  Office office{21};
  office.add_of_rule(TypeId::kRulePublished);
  for (int i = 0; i < 230; ++i) {
    office.note("d" + std::to_string(i));
    office.go_on(office.hook, Fate::kTaken);
  }
  EXPECT_EQ(office.hook.sent, 230U);
}

TEST(DispatchGuardsTest, ANoticeIsInItsInboxAtOnce) {
  Office office{19};
  office.offer("d1");
  office.world.clock.advance(days(2));
  office.world.run();
  EXPECT_EQ(office.only("notify").state, EffectState::kDelivered);
  EXPECT_EQ(office.only("notify").reason, "inbox");
}

}  // namespace
}  // namespace dealwright::runtime
