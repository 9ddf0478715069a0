// Facts that others wrote straight into the log, as publishers on Kafka do.
#include "engine/codec/cloudevents_json.h"
#include "engine/codec/event_codec.h"
#include "engine/codec/foreign_record.h"
#include "tests/engine/runtime/town.h"

namespace dealwright::runtime {
namespace {

constexpr std::uint32_t kPartitions = 3;

std::string opened(const std::string& deal, const std::string& id,
                   std::optional<std::string_view> key = std::nullopt) {
  const auto subject = "deal/" + deal;
  std::string out;
  codec::encode(codec::ForeignRecord{key,
                                     {{"ce_specversion", "1.0"},
                                      {"ce_id", id},
                                      {"ce_source", "crm"},
                                      {"ce_type", "deal.opened"},
                                      {"ce_subject", subject},
                                      {"content-type", "application/json"}},
                                     R"({"pipeline":"p"})"},
                out);
  return out;
}

Event pipeline(const std::string& id) {
  Event event;
  event.source = "ops";
  event.id = id;
  event.type = TypeId::kPipelineUpdated;
  event.subject = {Kind::kPipeline, id};
  List stages;
  for (const auto* category : {"open", "won", "lost"}) {
    stages.emplace_back(Map{{"category", Value{category}}, {"id", Value{category}}});
  }
  event.data.set(Field::kStages, Value{std::move(stages)});
  return event;
}

PartitionId partition_for(const std::string& key) { return partition_of(key, kPartitions); }

class Foreign : public testing::Test {
 protected:
  Foreign() {
    for (PartitionId id = 0; id < kPartitions; ++id) town_.start(id);
    town_.add(pipeline("p"));
    town_.run();
  }
  Position put(PartitionId at, std::string bytes) {
    const auto position = town_.log.put(Topic::kEvents, at, std::move(bytes));
    town_.run();
    return position;
  }
  void redrive(PartitionId at, Position position) {
    Event order;
    order.source = "dealwright/operator";
    order.id = "redrive-" + std::to_string(position);
    order.type = TypeId::kEventRedriven;
    order.subject = {Kind::kEvent, std::to_string(at) + ":" + std::to_string(position)};
    order.data.set(Field::kPosition, Value{static_cast<std::int64_t>(position)});
    town_.key.sign(order, at);
    std::string bytes;
    codec::encode(order, bytes);
    put(at, std::move(bytes));
  }

  Town town_{kPartitions, 5};
};

TEST_F(Foreign, AreFoldedWhereTheirKeySays) {
  put(partition_for("deal/a"), opened("a", "1"));
  put(partition_for("acme"), opened("b", "2", "acme"));
  EXPECT_EQ(town_.where("deal/a"), std::to_string(partition_for("deal/a")) + ":1");
  EXPECT_EQ(town_.where("deal/b"), std::to_string(partition_for("acme")) + ":1");
  town_.expect_replays_agree();
}

TEST_F(Foreign, OnTheWrongPartitionTheyWaitForARedriveThatMovesThem) {
  for (const auto* key : {"", "acme"}) {
    const std::string deal = key[0] == '\0' ? "a" : "b";
    const auto right = partition_for(key[0] == '\0' ? "deal/a" : key);
    const auto wrong = (right + 1) % kPartitions;
    const auto named = key[0] == '\0' ? std::nullopt : std::optional<std::string_view>{key};
    const auto at = put(wrong, opened(deal, "of " + deal, named));
    const auto entry = town_.state(wrong).set_aside(at);
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->code, "wrong_partition");
    EXPECT_NE(entry->detail.find("murmur2_random"), std::string::npos);
    EXPECT_EQ(town_.where("deal/" + deal), "");
    redrive(wrong, at);
    EXPECT_FALSE(town_.state(wrong).set_aside(at));
    EXPECT_EQ(town_.where("deal/" + deal), std::to_string(right) + ":1");
  }
  town_.expect_replays_agree();
}

TEST_F(Foreign, ReferenceDataIsTakenWhereverItLies) {
  for (PartitionId id = 0; id < kPartitions; ++id) {
    const auto name = "q" + std::to_string(id);
    const auto text = codec::to_cloudevent(pipeline(name));
    std::string bytes;
    codec::encode(codec::ForeignRecord{std::nullopt, {}, text}, bytes);
    const auto lies = put(id, std::move(bytes));
    const auto aside = town_.state(id).set_aside(lies);
    EXPECT_FALSE(aside) << aside->code << ": " << aside->detail;
    for (PartitionId at = 0; at < kPartitions; ++at) {
      const auto& pipelines = town_.state(at).reference.pipelines;
      EXPECT_NE(pipelines.find(name, kInstantMax), nullptr) << name << " in " << at;
    }
  }
  town_.expect_replays_agree();
}

TEST_F(Foreign, WhatCannotBeReadIsSetAsideByItsOwnCode) {
  const std::pair<std::string, std::string> bad[] = {
      {std::string{"\0no record", 10}, "bad_envelope"}, {opened("a", ""), "bad_envelope"}};
  for (const auto& [bytes, code] : bad) {
    const auto at = put(0, bytes);
    const auto entry = town_.state(0).set_aside(at);
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->code, code);
    EXPECT_EQ(entry->event, bytes);
    redrive(0, at);  // it is as bad as before
    EXPECT_EQ(town_.state(0).set_aside(at)->code, code);
  }
  town_.expect_replays_agree();
}

// Nobody but the engine says what it says, and what steers it goes by its routes.
TEST_F(Foreign, CannotSpeakForTheEngine) {
  std::string bytes;
  codec::encode(
      codec::ForeignRecord{
          std::nullopt,
          {{"content-type", "application/cloudevents+json"}},
          R"({"specversion":"1.0","id":"x","source":"dealwright","type":)"
          R"("workspace.paused","subject":"workspace/default","data":{"author":"me","reason":"mine"}})"},
      bytes);
  const auto at = put(0, bytes);
  EXPECT_EQ(town_.state(0).set_aside(at)->code, "reserved_type");
}

}  // namespace
}  // namespace dealwright::runtime
