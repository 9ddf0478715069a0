// More than one may lead: races of claims, and what a leader of before still has to say.
#include <gtest/gtest.h>

#include "engine/codec/decision_codec.h"
#include "engine/codec/event_codec.h"
#include "tests/engine/runtime/office.h"

namespace dealwright::runtime {
namespace {

using Fate = FakeChannel::Fate;

// A record that covers no events (timers, effects, a barrier) may get in before the claim of one
// who had not read it. Readers drop the claim; they did take it for damage.
TEST(TermsTest, AClaimOfOneWhoHadNotReadAllIsDropped) {
  World world{1};
  world.start();
  world.add(world.pipeline());
  world.run();
  const auto claim = claim_behind(world.partition->state().meta);
  ASSERT_TRUE(world.partition->reset_clock(world.clock.wall() - hours(1), "user/u1"));
  world.run();
  world.log.put(Topic::kDecisions, 0, claim);
  world.crash();
  world.start();
  world.run();
  EXPECT_EQ(world.partition->state().meta.term, 2U);  // of our own second claim
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

// Whoever leads now cannot know what became of an attempt that it did not make.
TEST(TermsTest, WhoLeadsNoMoreSaysWhatItsAttemptsCameTo) {
  Office office{2};
  auto& world = office.world;
  office.offer("d1");
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));  // past its gate
  const auto id = office.only("email").id;
  world.log.put(Topic::kDecisions, 0, claim_behind(world.partition->state().meta));
  EXPECT_FALSE(world.try_step());
  world.partition.reset();
  world.start();
  world.partition->lead(false);
  EXPECT_TRUE(office.mail.go_on(Fate::kTaken));
  world.run();
  Event said;
  ASSERT_TRUE(codec::decode(world.log.records(Topic::kEvents, 0).back().bytes, said));
  EXPECT_EQ(said.type, TypeId::kEffectOutcome);
  EXPECT_EQ(said.id, hex(id) + "/1");
  EXPECT_EQ(said.data.text(Field::kOutcome), "delivered");
}

// An attempt fails in front of its point of no return, the log takes no word of it, the partition
// is closed. The next attempt has the same number, and the old word is not about it: a mail that
// went out would be sent again.
TEST(TermsTest, AnAttemptThatNeverPassedSaysNothingOfTheNextOfItsNumber) {
  Office office{3};
  auto& world = office.world;
  office.offer("d1");
  world.log.fail_next(0, FakeLog::Fault::kNoSpace);
  EXPECT_TRUE(office.go_on(office.mail, Fate::kNoLine));
  EXPECT_EQ(office.only("email").attempts, 0U);
  world.partition.reset();
  world.store.crash();
  world.start();
  world.run();
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));  // to its gate
  EXPECT_EQ(office.only("email").state, EffectState::kAttemptStarted);
  world.clock.advance(seconds(2));  // what the first one came to is said now
  world.run();
  EXPECT_EQ(office.only("email").state, EffectState::kAttemptStarted);
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
  EXPECT_EQ(office.only("email").state, EffectState::kDelivered);
  EXPECT_EQ(office.mail.book.size(), 1U);
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

// The same the other way round: the old word is folded while the next attempt of that number is
// under way, which then fails too. The effect is not forgotten.
TEST(TermsTest, AnEffectIsLookedAtAgainBehindTwoAttemptsOfOneNumber) {
  Office office{4};
  auto& world = office.world;
  office.offer("d1");
  world.log.fail_next(0, FakeLog::Fault::kNoSpace);
  EXPECT_TRUE(office.go_on(office.mail, Fate::kNoLine));
  world.partition.reset();
  world.store.crash();
  world.start();
  world.run();
  world.clock.advance(seconds(2));
  world.run();
  EXPECT_EQ(office.only("email").attempts, 1U);
  EXPECT_EQ(office.mail.waiting(), 1U);
  world.clock.advance(minutes(5));  // due again, while an attempt is under way
  world.run();
  EXPECT_TRUE(office.go_on(office.mail, Fate::kNoLine));
  world.clock.advance(seconds(2));
  world.run();
  EXPECT_EQ(office.mail.waiting(), 1U);
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
  EXPECT_TRUE(office.go_on(office.mail, Fate::kTaken));
  EXPECT_EQ(office.only("email").state, EffectState::kDelivered);
  EXPECT_EQ(office.only("email").attempts, 2U);
}

}  // namespace
}  // namespace dealwright::runtime
