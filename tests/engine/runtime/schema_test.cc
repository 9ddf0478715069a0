// The schema is reference data: folded from the log, in force in every partition, named by each
// decision record; a change of it midway is the same live, after restarts and in a replay.
#include <gtest/gtest.h>

#include "engine/codec/decision_codec.h"
#include "engine/codec/json.h"
#include "tests/engine/runtime/machine.h"

namespace dealwright::runtime {
namespace {

Event fact(const std::string& id, TypeId type, RecordKey subject) {
  Event event;
  event.source = "crm";
  event.id = id;
  event.type = type;
  event.subject = std::move(subject);
  return event;
}

Event schema(const std::string& id, const std::string& fields) {
  auto event = fact(id, TypeId::kSchemaUpdated, {Kind::kWorkspace, "default"});
  event.data.set(Field::kText, Value{fields});
  event.data.set(Field::kFields, codec::parse_json(fields).value());
  return event;
}

Event update(const std::string& id, const std::string& deal, const std::string& custom) {
  auto event = fact(id, TypeId::kDealUpdated, {Kind::kDeal, deal});
  event.data.set(Field::kSet, Value{Map{{"custom", codec::parse_json(custom).value()}}});
  return event;
}

std::string held(State& state, const std::string& deal) {
  const auto* record = state.find({Kind::kDeal, deal});
  if (record == nullptr) return "-";
  std::string out;
  for (const auto& r : record->custom) out += r.name + "=" + to_json(r.value) + " ";
  for (const auto& r : record->extra) out += "beside " + r.name + "=" + to_json(r.value) + " ";
  return out;
}

constexpr const char* kInt = R"({"deal":{"n":{"type":"int"}}})";
constexpr const char* kMore = R"({"deal":{"n":{"type":"int"},"d":{"type":"date"}}})";
constexpr const char* kText = R"({"deal":{"n":{"type":"text"}}})";

TEST(SchemaTest, AChangeMidwayIsTheSameLiveRestartedAndReplayed) {
  World world{21};
  world.start();
  std::vector<Event> story = {
      update("e1", "a", R"({"n":1})"),
      schema("s1", kInt),
      update("e2", "a", R"({"n":2,"d":"2026-03-01"})"),
      update("e3", "b", R"({"n":"many"})"),
      schema("s2", kText),  // refused: it takes a type back
      update("e4", "b", R"({"n":"more"})"),
      schema("s3", kMore),
      update("e5", "a", R"({"d":"2026-03-02"})"),
  };
  for (std::size_t i = 0; i < story.size(); ++i) {
    story[i].time = world.clock.wall();
    world.add(story[i]);
    if (i % 3 == 2) {  // else several in one record
      world.run();
      world.crash();
      world.start();
    }
    world.clock.advance(minutes(1));
  }
  world.run();
  auto& state = world.partition->state();
  EXPECT_EQ(held(state, "a"), "d=\"2026-03-02\" n=2 beside d=\"2026-03-01\" beside n=1 ");
  EXPECT_EQ(held(state, "b"), "beside n=\"more\" ");
  EXPECT_EQ(state.meta.refused, 1U);
  EXPECT_EQ(state.reference.schemas.revision(), 2U);
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
  world.crash();
  world.start();
  world.run();
  EXPECT_EQ(held(world.partition->state(), "a"),
            "d=\"2026-03-02\" n=2 beside d=\"2026-03-01\" beside n=1 ");
  // A retraction folds anew, by the schemas that the facts found first.
  auto retraction = fact("r", TypeId::kEventRetracted, {Kind::kDeal, "a"});
  retraction.time = world.clock.wall();
  retraction.data.set(Field::kSource, Value{"crm"});
  retraction.data.set(Field::kId, Value{"e2"});
  retraction.data.set(Field::kReason, Value{"slip"});
  world.add(retraction);
  world.run();
  EXPECT_EQ(held(world.partition->state(), "a"), "d=\"2026-03-02\" beside n=1 ");
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

TEST(SchemaTest, DecisionRecordsNameTheSchemaTheyWereDecidedBy) {
  World world{22};
  world.start();
  const auto add = [&](Event event) {
    event.time = world.clock.wall();
    world.add(event);
    world.run();
  };
  add(update("e1", "a", R"({"n":1})"));
  add(schema("s1", kInt));
  add(update("e2", "a", R"({"n":2})"));
  std::vector<Sha256> ids;
  for (const auto& kept : world.log.records(Topic::kDecisions, 0)) {
    DecisionRecord record;
    ASSERT_TRUE(codec::decode(kept.bytes, record));
    ids.push_back(record.header.schema);
  }
  const auto id = world.partition->state().reference.schemas.id();
  EXPECT_NE(id, Sha256{});
  ASSERT_GE(ids.size(), 3U);
  EXPECT_EQ(ids[ids.size() - 3], Sha256{});
  EXPECT_EQ(ids[ids.size() - 2], Sha256{}) << "the record that puts it in force";
  EXPECT_EQ(ids.back(), id);
}

TEST(SchemaTest, ItIsInForceInEveryPartition) {
  Machine machine{3};
  ASSERT_TRUE(machine.start());
  ASSERT_TRUE(machine.append(0, {schema("s1", kInt)}));
  ASSERT_TRUE(machine.settle());
  for (PartitionId id = 0; id < Machine::kPartitions; ++id) {
    const std::string deal = "d" + std::to_string(id);
    ASSERT_TRUE(machine.append(id, {update("u" + deal, deal, R"({"n":5,"m":6})")}));
    ASSERT_TRUE(machine.settle());
    std::string got;
    ASSERT_TRUE(machine.engine->ask(id, [&](Partition& p) { got = held(p.state(), deal); }));
    EXPECT_EQ(got, "n=5 beside m=6 ") << "partition " << id;
    machine.expect_replay_agrees(id);
  }
}

}  // namespace
}  // namespace dealwright::runtime
