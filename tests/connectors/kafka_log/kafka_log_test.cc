// What the Kafka log keeps and refuses; the log itself is held to the contract of all logs.
#include <gtest/gtest.h>

#include "connectors/kafka_log/identity.h"
#include "connectors/kafka_log/topic_rules.h"
#include "engine/ports/fake/fake_file_system.h"

namespace dealwright::kafka_log {
namespace {

TopicState good_topic(std::uint32_t replication = 3) {
  TopicState out;
  out.name = "p.events";
  out.there = true;
  out.partitions = 4;
  out.replicas = replication;
  out.config = topic_config(replication);
  return out;
}

TEST(KafkaTopics, AreSafeAsTheyAreMade) {
  for (const std::uint32_t replication : {1U, 2U, 3U, 5U}) {
    EXPECT_TRUE(check_topic(good_topic(replication), "b:9092", replication).has_value());
  }
  EXPECT_EQ(topic_config(3).at("min.insync.replicas"), "2");
  EXPECT_NE(create_command("b:9092", "p.events", 4, 3).find("--config retention.ms=-1"),
            std::string::npos);
}

// Each that is otherwise is refused with the command that mends it.
TEST(KafkaTopics, AreRefusedWithTheCure) {
  const std::pair<std::string, std::string> unsafe[] = {
      {"cleanup.policy", "compact"},
      {"cleanup.policy", "compact,delete"},
      {"retention.ms", "604800000"},
      {"retention.bytes", "1000"},
      {"unclean.leader.election.enable", "true"},
      {"message.timestamp.type", "CreateTime"},
      {"min.insync.replicas", "1"},
      {"max.message.bytes", "1048588"},
  };
  for (const auto& [key, value] : unsafe) {
    auto topic = good_topic();
    topic.config[key] = value;
    const auto checked = check_topic(topic, "b:9092", 3);
    ASSERT_FALSE(checked.has_value()) << key;
    EXPECT_EQ(checked.error().code, Code::kRefused);
    const auto cure =
        "--alter --topic p.events --add-config " + key + "=" + topic_config(3).at(key);
    EXPECT_NE(checked.error().detail.find(cure), std::string::npos) << checked.error().detail;
  }
  EXPECT_FALSE(check_topic(good_topic(2), "b:9092", 3).has_value());
  // More than enough is enough.
  auto more = good_topic();
  more.config["min.insync.replicas"] = "3";
  more.config["max.message.bytes"] = "100000000";
  EXPECT_TRUE(check_topic(more, "b:9092", 3).has_value());
}

Identity some_identity() {
  Identity out;
  out.cluster = "MkU3OEVBNTcwNTJENDM2Qg";
  out.topics = {"p.events", "p.decisions"};
  out.topic_ids = {"AAAAAAAAAAAAAAAAAAAAAQ", "AAAAAAAAAAAAAAAAAAAAAg"};
  out.partitions = 4;
  out.note_epoch(Topic::kEvents, 3, 0, 0);
  out.note_epoch(Topic::kEvents, 3, 100, 2);
  out.note_epoch(Topic::kDecisions, 0, 7, 1);
  return out;
}

TEST(KafkaIdentity, ReadsBackAndKnowsDamage) {
  const auto identity = some_identity();
  const auto text = to_text(identity);
  ASSERT_TRUE(parse_identity(text).has_value());
  EXPECT_EQ(parse_identity(text).value(), identity);
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto other = text;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_FALSE(parse_identity(other).has_value()) << i;
    EXPECT_FALSE(parse_identity(text.substr(0, i)).has_value()) << i;
  }
  FakeFileSystem files;
  ASSERT_TRUE(create_durable(files, "data/log").has_value());
  EXPECT_FALSE(read_identity(files, "data").value());
  ASSERT_TRUE(write_identity(files, "data", identity).has_value());
  EXPECT_EQ(read_identity(files, "data").value(), identity);
}

TEST(KafkaIdentity, KnowsWhichLeaderWroteWhat) {
  auto identity = some_identity();
  const auto before = [&](Position next) { return identity.epoch_before(Topic::kEvents, 3, next); };
  EXPECT_EQ(before(0), -1);
  EXPECT_EQ(before(1), 0);
  EXPECT_EQ(before(100), 0);
  EXPECT_EQ(before(101), 2);
  EXPECT_EQ(before(1'000'000), 2);
  EXPECT_EQ(identity.epoch_before(Topic::kEvents, 0, 5), -1);
  identity.note_epoch(Topic::kEvents, 3, 50, 3);  // read again from there
  EXPECT_EQ(before(50), 0);
  EXPECT_EQ(before(101), 3);
}

TEST(KafkaIdentity, AnotherClusterOrTopicIsRefused) {
  const auto kept = some_identity();
  EXPECT_TRUE(check_same(kept, kept).has_value());
  const auto refused = [&](auto change, std::string_view word) {
    auto now = kept;
    change(now);
    const auto checked = check_same(kept, now);
    ASSERT_FALSE(checked.has_value()) << word;
    EXPECT_EQ(checked.error().code, Code::kDamaged);
    EXPECT_NE(checked.error().detail.find(word), std::string::npos) << checked.error().detail;
  };
  refused([](Identity& now) { now.cluster = "other"; }, "foreign Kafka cluster");
  refused([](Identity& now) { now.topic_ids[1] = "other"; }, "deleted and made anew");
  refused([](Identity& now) { now.topics[0] = "q.events"; }, "other topics");
  refused([](Identity& now) { now.partitions = 8; }, "customers would be split");
}

}  // namespace
}  // namespace dealwright::kafka_log
