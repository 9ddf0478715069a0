#include "connectors/kafka_log/handle.h"

#include <array>

namespace dealwright::kafka_log {
namespace {

using Conf = std::unique_ptr<rd_kafka_conf_t, LetGo<rd_kafka_conf_destroy>>;

Hooks& hooks_of(void* opaque) { return *static_cast<Hooks*>(opaque); }

void take_hooks(rd_kafka_conf_t* conf, Hooks& hooks) {
  rd_kafka_conf_set_opaque(conf, &hooks);
  // Its lines are for nobody yet; without a callback they would go to standard error.
  rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
  rd_kafka_conf_set_error_cb(conf, [](rd_kafka_t*, int error, const char* text, void* opaque) {
    const auto& hooks_now = hooks_of(opaque);
    if (hooks_now.on_error) hooks_now.on_error(static_cast<rd_kafka_resp_err_t>(error), text);
  });
  if (hooks.delivered != nullptr) {
    rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* m, void* opaque) {
      hooks_of(opaque).delivered(*m);
    });
  }
}

}  // namespace

Result<Handle> make_handle(rd_kafka_type_t type, const Properties& properties, Hooks& hooks) {
  Conf conf{rd_kafka_conf_new()};
  std::array<char, 512> text{};
  for (const auto& [name, value] : properties) {
    const auto set =
        rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), text.data(), text.size());
    if (set == RD_KAFKA_CONF_OK) continue;
    return Error{Code::kInvalid, "Kafka's property " + name +
                                     (set == RD_KAFKA_CONF_UNKNOWN
                                          ? " is not one of librdkafka's: see its CONFIGURATION.md"
                                          : " does not take this value")};
  }
  take_hooks(conf.get(), hooks);
  Handle out{rd_kafka_new(type, conf.get(), text.data(), text.size())};
  if (out == nullptr) {
    return Error{Code::kInvalid, "Kafka's client cannot be made so: " + std::string{text.data()}};
  }
  static_cast<void>(conf.release());  // the handle's now
  return out;
}

Places place_of(const std::string& topic, PartitionId partition, std::int64_t offset) {
  Places out{rd_kafka_topic_partition_list_new(1)};
  auto* place = rd_kafka_topic_partition_list_add(out.get(), topic.c_str(),
                                                  static_cast<std::int32_t>(partition));
  place->offset = offset;
  return out;
}

std::string why(rd_kafka_resp_err_t error) { return rd_kafka_err2str(error); }

}  // namespace dealwright::kafka_log
