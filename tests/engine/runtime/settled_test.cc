// Answers leave when what they rest on is durable, and no later.
#include <gtest/gtest.h>

#include "engine/runtime/partition.h"
#include "tests/engine/runtime/world.h"

namespace dealwright::runtime {
namespace {

TEST(SettledTest, AnAnswerWaitsForWhatItRestsOn) {
  World world{7};
  world.start();
  const auto note = [&](const std::string& deal) {
    Event event;
    event.source = "crm";
    event.id = "e" + std::to_string(world.next_id++);
    event.type = TypeId::kNoteAdded;
    event.subject = {Kind::kDeal, deal};
    event.time = world.clock.wall();
    event.data.set(Field::kText, Value{"hello"});
    world.add(event);
  };
  const RecordKey changed{Kind::kDeal, "changed"}, other{Kind::kDeal, "other"};
  note("changed");
  note("other");
  world.run();
  auto& partition = *world.partition;
  EXPECT_TRUE(partition.is_settled(changed));
  EXPECT_TRUE(partition.is_settled(other));
  note("changed");
  const auto before = partition.state().meta.decisions;
  while (partition.state().meta.decisions == before) ASSERT_TRUE(world.try_step());
  EXPECT_FALSE(partition.is_settled(changed)) << "its decision is in flight";
  EXPECT_TRUE(partition.is_settled(other));
  bool released = false;
  partition.ask([](State&) {}, [&] { released = true; });
  EXPECT_FALSE(released) << "a question about all waits";
  world.run();
  EXPECT_TRUE(released);
  EXPECT_TRUE(partition.is_settled(changed));
}

}  // namespace
}  // namespace dealwright::runtime
