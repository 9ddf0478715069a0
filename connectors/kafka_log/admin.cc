#include "connectors/kafka_log/admin.h"

#include <algorithm>
#include <array>
#include <functional>

namespace dealwright::kafka_log {
namespace {

using Event = std::unique_ptr<rd_kafka_event_t, LetGo<rd_kafka_event_destroy>>;
using AdminOptions = std::unique_ptr<rd_kafka_AdminOptions_t, LetGo<rd_kafka_AdminOptions_destroy>>;
using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, LetGo<rd_kafka_NewTopic_destroy>>;
using Topics = std::unique_ptr<rd_kafka_TopicCollection_t, LetGo<rd_kafka_TopicCollection_destroy>>;
using Resource = std::unique_ptr<rd_kafka_ConfigResource_t, LetGo<rd_kafka_ConfigResource_destroy>>;

Error no_answer(const std::string& what, std::string_view said) {
  return {Code::kIo, "Kafka: " + what + ": " + std::string{said}, true};
}

Error refused(const std::string& what, rd_kafka_resp_err_t error) {
  const bool forbidden = error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                         error == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
                         error == RD_KAFKA_RESP_ERR_POLICY_VIOLATION;
  if (error == RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR) {
    return {Code::kRefused,
            "Kafka: " + what +
                ": the cluster has fewer brokers than kafka.replication asks for; start "
                "more, or set it lower if a lost broker may lose data"};
  }
  if (forbidden) return {Code::kRefused, "Kafka: " + what + ": " + why(error)};
  return no_answer(what, why(error));
}

// Asks and waits for the one answer.
using Ask = std::function<void(const rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>;
Result<Event> answer(rd_kafka_t* handle, rd_kafka_admin_op_t kind, const std::string& what,
                     Duration patience, const Ask& ask) {
  const Queue queue{rd_kafka_queue_new(handle)};
  const AdminOptions options{rd_kafka_AdminOptions_new(handle, kind)};
  std::array<char, 256> text{};
  const auto set = rd_kafka_AdminOptions_set_request_timeout(
      options.get(), static_cast<int>(patience.ms), text.data(), text.size());
  if (set != RD_KAFKA_RESP_ERR_NO_ERROR) return no_answer(what, text.data());
  ask(options.get(), queue.get());
  Event event{rd_kafka_queue_poll(queue.get(), static_cast<int>(patience.ms))};
  if (event == nullptr) return no_answer(what, "no answer in time");
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return refused(what, rd_kafka_event_error(event.get()));
  }
  return event;
}

Result<void> read_description(const rd_kafka_TopicDescription_t* said, const std::string& what,
                              TopicState& out) {
  const auto* error = rd_kafka_TopicDescription_error(said);
  const auto code = error == nullptr ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error);
  if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return ok();
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return refused(what, code);
  out.there = true;
  if (const auto* id = rd_kafka_TopicDescription_topic_id(said); id != nullptr) {
    out.id = rd_kafka_Uuid_base64str(id);
  }
  size_t count = 0;
  const auto* const* partitions = rd_kafka_TopicDescription_partitions(said, &count);
  out.partitions = static_cast<std::uint32_t>(count);
  for (size_t i = 0; i < count; ++i) {
    size_t replicas = 0;
    rd_kafka_TopicPartitionInfo_replicas(partitions[i], &replicas);
    const auto found = static_cast<std::uint32_t>(replicas);
    out.replicas = i == 0 ? found : std::min(out.replicas, found);
  }
  return ok();
}

Result<void> read_config(rd_kafka_t* handle, Duration patience, TopicState& out) {
  const auto what = "cannot read the configuration of topic " + out.name;
  const Resource resource{rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, out.name.c_str())};
  auto* asked = resource.get();
  DW_TRY(const auto event,
         answer(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, what, patience,
                [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                  rd_kafka_DescribeConfigs(handle, &asked, 1, options, queue);
                }));
  size_t count = 0;
  const auto* const* resources = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const auto error = rd_kafka_ConfigResource_error(resources[i]);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return refused(what, error);
    size_t entries = 0;
    const auto* const* configs = rd_kafka_ConfigResource_configs(resources[i], &entries);
    for (size_t c = 0; c < entries; ++c) {
      const auto* value = rd_kafka_ConfigEntry_value(configs[c]);
      if (value != nullptr) out.config[rd_kafka_ConfigEntry_name(configs[c])] = value;
    }
  }
  return ok();
}

}  // namespace

Result<std::string> cluster_id(rd_kafka_t* handle, Duration patience) {
  auto* text = rd_kafka_clusterid(handle, static_cast<int>(patience.ms));
  if (text == nullptr) return no_answer("no broker answers", "which cluster is it?");
  std::string out{text};
  rd_kafka_mem_free(handle, text);
  return out;
}

Result<TopicState> describe_topic(rd_kafka_t* handle, const std::string& name, Duration patience) {
  TopicState out;
  out.name = name;
  const auto what = "cannot describe topic " + name;
  const char* asked = name.c_str();
  const Topics topics{rd_kafka_TopicCollection_of_topic_names(&asked, 1)};
  DW_TRY(const auto event,
         answer(handle, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, what, patience,
                [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                  rd_kafka_DescribeTopics(handle, topics.get(), options, queue);
                }));
  size_t count = 0;
  const auto* const* said = rd_kafka_DescribeTopics_result_topics(
      rd_kafka_event_DescribeTopics_result(event.get()), &count);
  if (count != 1) return no_answer(what, "it says nothing of it");
  DW_TRY(read_description(said[0], what, out));
  if (out.there) {
    DW_TRY(read_config(handle, patience, out));
  }
  return out;
}

namespace {

Result<void> create(rd_kafka_t* handle, const std::string& name, std::uint32_t partitions,
                    std::uint32_t replication, const std::map<std::string, std::string>& config,
                    Duration patience) {
  const auto what = "cannot create topic " + name;
  std::array<char, 256> text{};
  const NewTopic topic{rd_kafka_NewTopic_new(name.c_str(), static_cast<int>(partitions),
                                             static_cast<int>(replication), text.data(),
                                             text.size())};
  if (topic == nullptr) return Error{Code::kInvalid, "Kafka: " + what + ": " + text.data()};
  for (const auto& [key, value] : config) {
    rd_kafka_NewTopic_set_config(topic.get(), key.c_str(), value.c_str());
  }
  auto* asked = topic.get();
  DW_TRY(const auto event,
         answer(handle, RD_KAFKA_ADMIN_OP_CREATETOPICS, what, patience,
                [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                  rd_kafka_CreateTopics(handle, &asked, 1, options, queue);
                }));
  size_t count = 0;
  const auto* const* said =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const auto error = rd_kafka_topic_result_error(said[i]);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
      return refused(what, error);
    }
  }
  return ok();
}

}  // namespace

Result<void> create_topic(rd_kafka_t* handle, const std::string& name, std::uint32_t partitions,
                          std::uint32_t replication, Duration patience) {
  return create(handle, name, partitions, replication, topic_config(replication), patience);
}

Result<void> create_heartbeat_topic(rd_kafka_t* handle, const std::string& name,
                                    std::uint32_t replication, Duration patience) {
  return create(handle, name, 1, replication, heartbeat_config(), patience);
}

}  // namespace dealwright::kafka_log
