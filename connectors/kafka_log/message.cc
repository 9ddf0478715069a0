#include "connectors/kafka_log/message.h"

#include "engine/codec/foreign_record.h"

namespace dealwright::kafka_log {
namespace {

std::string_view text(const void* bytes, std::size_t size) {
  return bytes == nullptr ? std::string_view{}
                          : std::string_view{static_cast<const char*>(bytes), size};
}

bool is_ours(const rd_kafka_headers_t* headers, std::string_view value) {
  const void* schema = nullptr;
  size_t size = 0;
  return rd_kafka_header_get_last(headers, kSchemaHeader, &schema, &size) ==
             RD_KAFKA_RESP_ERR_NO_ERROR &&
         text(schema, size) == schema_of(Topic::kEvents) && !value.empty();
}

void take_foreign(const rd_kafka_message_t& message, const rd_kafka_headers_t* headers,
                  std::string& out) {
  codec::ForeignRecord record;
  if (message.key != nullptr) record.key = text(message.key, message.key_len);
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0;
       headers != nullptr &&
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    record.headers.emplace_back(name, text(value, size));
  }
  record.value = text(message.payload, message.len);
  codec::encode(record, out);
}

}  // namespace

std::string_view schema_of(Topic topic) {
  return topic == Topic::kEvents ? "dealwright.v1.Event" : "dealwright.v1.DecisionRecord";
}

void take_bytes(const rd_kafka_message_t& message, Topic topic, std::string& out) {
  const auto value = text(message.payload, message.len);
  rd_kafka_headers_t* headers = nullptr;
  if (topic == Topic::kEvents) {
    const auto found = rd_kafka_message_headers(&message, &headers);
    if (found != RD_KAFKA_RESP_ERR_NO_ERROR) headers = nullptr;
    if (headers == nullptr || !is_ours(headers, value)) {
      return take_foreign(message, headers, out);
    }
  }
  out.append(value);
}

}  // namespace dealwright::kafka_log
