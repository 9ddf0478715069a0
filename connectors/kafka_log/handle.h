// librdkafka's parts as values that let go by themselves, and its errors as ours. Of this folder
// alone.
#pragma once

#include <librdkafka/rdkafka.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/ports/log.h"

namespace dealwright::kafka_log {

template <auto kFunction>
struct LetGo {
  template <class T>
  void operator()(T* part) const {
    kFunction(part);
  }
};
using Handle = std::unique_ptr<rd_kafka_t, LetGo<rd_kafka_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, LetGo<rd_kafka_queue_destroy>>;
using Message = std::unique_ptr<rd_kafka_message_t, LetGo<rd_kafka_message_destroy>>;
using Places =
    std::unique_ptr<rd_kafka_topic_partition_list_t, LetGo<rd_kafka_topic_partition_list_destroy>>;
using HandleError = std::unique_ptr<rd_kafka_error_t, LetGo<rd_kafka_error_destroy>>;

using Properties = std::map<std::string, std::string>;  // librdkafka's own names

// What a handle tells; called on its threads. Has to outlive the handle.
struct Hooks {
  std::function<void(rd_kafka_resp_err_t error, std::string_view text)> on_error;
  void (*delivered)(const rd_kafka_message_t& message) = nullptr;
};

// kInvalid: a property is unknown or does not fit; names it, never its value.
Result<Handle> make_handle(rd_kafka_type_t type, const Properties& properties, Hooks& hooks);

// One place of one topic.
Places place_of(const std::string& topic, PartitionId partition, std::int64_t offset);

std::string why(rd_kafka_resp_err_t error);

}  // namespace dealwright::kafka_log
