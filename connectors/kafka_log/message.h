// A Kafka message as a log record, and back.
#pragma once

#include <string>

#include "connectors/kafka_log/handle.h"

namespace dealwright::kafka_log {

// What Dealwright itself appends names its Protobuf message in this header; its value is that
// message. All else in `events` is kept as it came (engine/codec/foreign_record.h).
inline constexpr const char* kSchemaHeader = "dw-schema";
std::string_view schema_of(Topic topic);

// Appends the log record's bytes.
void take_bytes(const rd_kafka_message_t& message, Topic topic, std::string& out);

}  // namespace dealwright::kafka_log
