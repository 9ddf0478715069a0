// Who leads a partition that several could lead.
#include "tests/engine/runtime/world.h"

namespace dealwright::runtime {
namespace {

// Also one that writes nothing itself: what others decide has to be seen by who asks it.
TEST(Lead, AnIdleLeaderSeesThatAnotherOneLeads) {
  World world{11};
  world.start();
  world.run();
  ASSERT_TRUE(world.partition->leads());
  world.log.put(Topic::kDecisions, 0, claim_behind(world.partition->state().meta));
  const auto stepped = world.try_step();
  ASSERT_FALSE(stepped.has_value());
  EXPECT_EQ(stepped.error().code, Code::kConflict);
  EXPECT_TRUE(stepped.error().retriable);  // it is opened again, and follows
}

// A follower answers, and claims when it is told to.
TEST(Lead, LeadsWhenItIsTold) {
  World world{12};
  world.start();
  world.partition->lead(false);
  world.add(world.random_event());
  world.run();
  EXPECT_FALSE(world.partition->leads());
  EXPECT_EQ(world.partition->state().meta.term, 0U);
  world.partition->lead(true);
  world.run();
  EXPECT_TRUE(world.partition->leads());
  EXPECT_EQ(world.partition->state().meta.events, 1U);
}

// ... and hands over in order: nothing it decided is lost, and it goes on as a follower.
TEST(Lead, HandsOverWhenItIsTold) {
  World world{13};
  world.start();
  for (int i = 0; i < 20; ++i) world.add(world.random_event());
  for (int i = 0; i < 15; ++i) world.step();
  world.partition->lead(false);
  world.partition->lead(true);  // too late: it hands over, and claims again
  world.partition->lead(false);
  world.run();
  EXPECT_FALSE(world.partition->leads());
  const auto term = world.partition->state().meta.term;
  for (int i = 0; i < 20; ++i) world.add(world.random_event());
  world.run();
  EXPECT_EQ(world.partition->state().meta.term, term);
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
  world.partition->lead(true);
  world.run();
  EXPECT_TRUE(world.partition->leads());
  EXPECT_EQ(world.partition->state().meta.term, term + 1);
  EXPECT_EQ(world.partition->state().meta.events, world.log.end(Topic::kEvents, 0).value());
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

}  // namespace
}  // namespace dealwright::runtime
