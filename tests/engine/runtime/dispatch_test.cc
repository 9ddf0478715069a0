#include "engine/runtime/dispatch.h"

#include <gtest/gtest.h>

#include "engine/codec/event_codec.h"
#include "tests/engine/runtime/office.h"

namespace dealwright::runtime {
namespace {

using Fate = FakeChannel::Fate;

TEST(DispatchTest, AMailPassesItsGateOnceThatIsWrittenDown) {
  Office office{1};
  office.offer("d1");
  ASSERT_EQ(office.mail.waiting(), 1U);
  EXPECT_EQ(office.only("email").state, EffectState::kRequested);
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));  // to its gate
  EXPECT_EQ(office.only("email").state, EffectState::kAttemptStarted);
  EXPECT_EQ(office.only("email").attempts, 1U);
  EXPECT_TRUE(office.mail.book.empty());
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
  EXPECT_EQ(office.only("email").state, EffectState::kDelivered);
  EXPECT_EQ(office.only("email").reason, "250 ok");
  EXPECT_EQ(office.mail.book.size(), 1U);
  EXPECT_EQ(office.world.dump(), office.world.dump_of_replay());
}

TEST(DispatchTest, AWebhookIsStartedByTheRecordThatFindsItDue) {
  Office office{2};
  office.note("d1");
  EXPECT_EQ(office.only("webhook").state, EffectState::kAttemptStarted);
  EXPECT_EQ(office.only("webhook").traceparent,
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_TRUE(office.go_on(office.hook, Fate::kTaken));
  EXPECT_EQ(office.only("webhook").state, EffectState::kDelivered);
  const auto* deal = office.world.partition->state().find({Kind::kDeal, "d1"});
  EXPECT_EQ(deal->count(TypeId::kEffectOutcome), 1U);  // it stands in the deal's history
}

TEST(DispatchTest, WhatIsRefusedIsFinalAndWhatIsPutOffComesAgain) {
  Office office{3};
  office.note("d1");
  EXPECT_TRUE(office.go_on(office.hook, Fate::kNotNow));
  auto effect = office.only("webhook");
  EXPECT_EQ(effect.state, EffectState::kRetryAt);
  ASSERT_TRUE(effect.next);
  EXPECT_GE(*effect.next, office.world.clock.wall() + seconds(30));  // as it was asked
  EXPECT_EQ(office.hook.waiting(), 0U);
  office.world.clock.advance(minutes(1));
  office.world.run();
  EXPECT_EQ(office.hook.waiting(), 1U);
  EXPECT_TRUE(office.go_on(office.hook, Fate::kRefused));
  EXPECT_EQ(office.only("webhook").state, EffectState::kRejected);
  EXPECT_EQ(office.only("webhook").attempts, 2U);
  office.world.clock.advance(hours(1));
  office.world.run();
  EXPECT_EQ(office.hook.sent, 2U);
}

TEST(DispatchTest, AnAttemptThatNeverCameToItsGateCounts) {
  Office office{4};
  office.offer("d1");
  EXPECT_TRUE(office.go_on(office.mail, Fate::kNoLine));
  EXPECT_EQ(office.only("email").state, EffectState::kRetryAt);
  EXPECT_EQ(office.only("email").attempts, 1U);
}

TEST(DispatchTest, AMailThatIsDueBesideAFactThatWaitsIsBegun) {
  Office office{10};
  office.offer("d1");
  EXPECT_TRUE(office.go_on(office.mail, Fate::kNoLine));
  ASSERT_EQ(office.only("email").state, EffectState::kRetryAt);
  Event note;
  note.source = "crm";
  note.id = "a note";
  note.type = TypeId::kNoteAdded;
  note.subject = {Kind::kDeal, "d1"};
  note.data.set(Field::kText, Value{"call"});
  office.world.add(note);
  office.world.add(office.world.retraction_of(note));
  ASSERT_TRUE(office.world.try_step());  // the note's record is on its way, the retraction waits
  office.world.clock.advance(minutes(2));
  ASSERT_TRUE(office.world.try_step());  // now the mail is due
  office.world.run();
  EXPECT_EQ(office.mail.waiting(), 1U);
}

TEST(DispatchTest, WhatIsOnlyBegunIsNotWrittenDown) {
  Office office{11};
  office.offer("d1");
  EXPECT_TRUE(office.go_on(office.mail, Fate::kNoLine));
  const auto decisions = office.world.partition->state().meta.decisions;
  office.world.clock.advance(minutes(2));
  office.world.run();
  EXPECT_EQ(office.mail.waiting(), 1U);
  EXPECT_EQ(office.world.partition->state().meta.decisions, decisions);
}

TEST(DispatchTest, WhatIsCancelledWhileItIsPreparedDoesNotPass) {
  Office office{5};
  office.offer("d1");
  office.happen("d1", TypeId::kDealWon);  // it left `offer`: the enrolment ends
  EXPECT_EQ(office.only("email").state, EffectState::kCancelled);
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
  EXPECT_TRUE(office.mail.book.empty());
  EXPECT_EQ(office.only("email").state, EffectState::kCancelled);
}

TEST(DispatchTest, WhatIsOutIsNotCalledBack) {
  Office office{6};
  office.offer("d1");
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
  office.happen("d1", TypeId::kDealWon);
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
  EXPECT_EQ(office.only("email").state, EffectState::kDelivered);
}

TEST(DispatchTest, NobodyKnowsOfAMailThatACrashCutOff) {
  Office office{7};
  office.offer("d1");
  office.note("d2");
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
  office.world.crash();
  office.mail.crash(true);
  office.hook.crash(false);
  office.world.start();
  office.world.run();
  EXPECT_EQ(office.only("email").state, EffectState::kAttemptStarted);  // it may still be under way
  office.world.clock.advance(seconds(30));
  office.world.run();
  EXPECT_EQ(office.only("email").state, EffectState::kUnknown);
  EXPECT_EQ(office.mail.waiting(), 0U);
  EXPECT_EQ(office.hook.waiting(), 1U);  // a webhook comes again, under its id
  EXPECT_TRUE(office.go_on(office.hook, Fate::kTaken));
  EXPECT_EQ(office.only("webhook").state, EffectState::kDelivered);
  EXPECT_EQ(office.world.dump(), office.world.dump_of_replay());
}

// Its span is over at the very instant at which it is looked at: the next look has the key of this
// one.
TEST(DispatchTest, AWebhookThatACrashCutOffComesAgainAtTheInstantItsSpanEnds) {
  Office office{8};
  office.note("d1");
  office.world.crash();
  office.hook.crash(false);
  office.world.start();
  office.world.run();
  const auto due = office.only("webhook").next;
  ASSERT_TRUE(due);
  office.world.clock.advance(*due - office.world.clock.wall());
  office.world.run();
  EXPECT_EQ(office.hook.waiting(), 1U);
  EXPECT_TRUE(office.go_on(office.hook, Fate::kTaken));
  EXPECT_EQ(office.only("webhook").state, EffectState::kDelivered);
}

// The partition is closed under attempts that go on, for a full disk say.
TEST(DispatchTest, WhatAttemptsCameToMeanwhileIsSaidByTheNextOne) {
  Office office{20};
  office.offer("d1");
  office.note("d2");
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));  // past its gate
  office.world.partition.reset();
  EXPECT_TRUE(office.mail.go_on(Fate::kTaken));
  EXPECT_TRUE(office.hook.go_on(Fate::kTaken));
  office.world.start();
  office.world.run();
  EXPECT_EQ(office.only("email").state, EffectState::kDelivered);
  EXPECT_EQ(office.only("webhook").state, EffectState::kDelivered);
  EXPECT_EQ(office.mail.book.size() + office.hook.book.size(), 2U);
  EXPECT_EQ(office.world.dump(), office.world.dump_of_replay());
}

TEST(DispatchTest, ADeadHostHoldsUpNoOther) {
  Office office{21};
  office.hook.host_of = [](const Effect& effect) {
    return effect.subject.id.starts_with("dead") ? "dead.example" : "alive.example";
  };
  for (int i = 0; i < 60; ++i) office.note("dead" + std::to_string(i));
  EXPECT_EQ(office.hook.waiting(), 5U);
  office.note("d1");
  EXPECT_EQ(office.hook.waiting(), 6U);
  for (int i = 0; i < 40; ++i) office.go_on(office.hook, Fate::kNoLine);
  std::size_t down = 0;
  for (const auto& [id, effect] : ledger(office.world.partition->state())) {
    down += effect.reason == "host_down: dead.example" ? 1 : 0;
  }
  EXPECT_GT(down, 30U);
  EXPECT_LE(office.hook.sent, 30U);
  office.note("d2");
  EXPECT_TRUE(office.go_on(office.hook, Fate::kTaken));
}

TEST(DispatchTest, WhatWaitsForAHostGoesWhenItHasRoom) {
  Office office{23};
  office.hook.host_of = [](const Effect&) { return "busy.example"; };
  for (int i = 0; i < 200; ++i) office.note("d" + std::to_string(i));
  EXPECT_EQ(office.hook.waiting(), 5U);
  while (office.go_on(office.hook, Fate::kTaken)) {
    EXPECT_LE(office.hook.waiting(), 64U);
  }
  std::size_t delivered = 0;
  for (const auto& [id, effect] : ledger(office.world.partition->state())) {
    delivered += effect.state == EffectState::kDelivered ? 1 : 0;
    EXPECT_LE(effect.attempts, 1U);
  }
  EXPECT_EQ(delivered, 200U) << "at one instant: no time has passed";
  EXPECT_EQ(office.world.dump(), office.world.dump_of_replay());
}

TEST(DispatchTest, RetriesComeLaterAndLaterAndEnd) {
  Effect effect;
  effect.channel = "webhook";
  const Instant now = effect.requested = Instant{1'772'442'000'000};
  for (std::uint32_t attempts = 1; attempts <= 9; ++attempts) {
    const auto at = retry_time(effect, attempts, {}, now, ~std::uint64_t{0});
    ASSERT_TRUE(at) << attempts;
    EXPECT_GT(*at, now);
    EXPECT_LE(*at, now + hours(24));
  }
  EXPECT_FALSE(retry_time(effect, 10, {}, now, 7));
  EXPECT_GE(*retry_time(effect, 1, seconds(90), now, 0), now + seconds(90));
  EXPECT_LE(*retry_time(effect, 1, hours(9), now, 0), now + hours(1));  // asked for too much
  EXPECT_FALSE(retry_time(effect, 1, {}, now + hours(76), 7));
  effect.channel = "email";
  EXPECT_FALSE(retry_time(effect, 3, {}, now + hours(24), 7));
  effect.expires = now + seconds(1);
  EXPECT_FALSE(retry_time(effect, 3, minutes(1), now, 7));
  effect.expires = now + days(3);  // a rule's word counts, not the day that there is without one
  EXPECT_TRUE(retry_time(effect, 1, {}, now + hours(30), 7));
  EXPECT_FALSE(retry_time(effect, 1, {}, now + days(3), 7));
}

// Whatever fails and whenever the process dies: a mail is taken at most once, a webhook at least
// once if anybody says it was, and what nobody knows says so.
TEST(DispatchTest, TheBooksOfTheReceiversAndTheLedgerAgree) {
  std::size_t delivered = 0, unknown = 0, crashes = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Office office{seed};
    auto& random = office.world.random;
    std::map<EffectId, bool> lost;  // a crash or a lost answer fell behind its gate
    for (int round = 0; round < 150; ++round) {
      const auto deal = "d" + std::to_string(random.below(5));
      switch (random.below(8)) {
        case 0:
          office.offer(deal);
          break;
        case 1:
        case 2:
          office.note(deal);
          break;
        case 3:
          office.happen(deal, TypeId::kDealWon);
          break;
        case 4:
          office.world.clock.advance(seconds(static_cast<std::int64_t>(random.below(900))));
          office.world.run();
          break;
        case 5:
          if (random.chance(25)) {
            ++crashes;
            office.world.crash();
            office.mail.crash(random.chance(50));
            office.hook.crash(random.chance(50));
            office.world.start();
            office.world.run();
          }
          break;
        default: {
          auto& channel = random.chance(50) ? office.mail : office.hook;
          office.go_on(channel, static_cast<Fate>(random.below(6)));
        }
      }
    }
    for (int round = 0; round < 400; ++round) {  // then all goes well, and all ends
      while (office.go_on(office.mail, Fate::kTaken) || office.go_on(office.hook, Fate::kTaken)) {
      }
      office.world.clock.advance(minutes(30));
      office.world.run();
    }
    for (const auto& [id, effect] : ledger(office.world.partition->state())) {
      const auto mails = office.mail.book.contains(id) ? office.mail.book.at(id) : 0;
      const auto hooks = office.hook.book.contains(id) ? office.hook.book.at(id) : 0;
      EXPECT_LE(mails, 1) << hex(id) << " seed " << seed;
      if (effect.channel == "notify") continue;  // nobody carries those here
      if (effect.channel == "email") {
        EXPECT_TRUE(is_final(effect.state) || effect.state == EffectState::kUnknown);
        if (effect.state == EffectState::kDelivered) {
          EXPECT_EQ(mails, 1);
        }
        if (effect.state != EffectState::kDelivered && effect.state != EffectState::kUnknown) {
          EXPECT_EQ(mails, 0) << effect_state_name(effect.state) << " seed " << seed;
        }
      } else {
        EXPECT_TRUE(is_final(effect.state)) << effect_state_name(effect.state);
        if (effect.state == EffectState::kDelivered) {
          EXPECT_GE(hooks, 1);
        }
      }
      delivered += effect.state == EffectState::kDelivered ? 1 : 0;
      unknown += effect.state == EffectState::kUnknown ? 1 : 0;
    }
    EXPECT_EQ(office.world.dump(), office.world.dump_of_replay()) << "seed " << seed;
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
  EXPECT_GT(delivered, 400U);
  EXPECT_GT(unknown, 40U);
  EXPECT_GT(crashes, 40U);
}

// A replay has no channels, and another engine over a restored copy asks nobody by itself.
TEST(DispatchTest, AReplayCallsNobody) {
  Office office{9};
  office.offer("d1");
  office.note("d1");
  const auto sent = office.mail.sent + office.hook.sent;
  office.world.dump_of_replay();
  EXPECT_EQ(office.mail.sent + office.hook.sent, sent);
}

}  // namespace
}  // namespace dealwright::runtime
