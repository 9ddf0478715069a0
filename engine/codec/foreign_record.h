// A log record of `events` that somebody else wrote: a Kafka message with a CloudEvent, kept as it
// came (key, headers, value), so that the hash chain covers what was written and an operator sees
// it. It begins with a byte that no event of ours begins with; decode() of event_codec.h reads
// both.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/domain/event.h"
#include "engine/domain/form.h"

namespace dealwright::codec {

// The texts point into the bytes that it was read from.
struct ForeignRecord {
  std::optional<std::string_view> key;
  std::vector<std::pair<std::string_view, std::string_view>> headers;  // in their order
  std::string_view value;
};

inline bool is_foreign(std::string_view bytes) { return !bytes.empty() && bytes.front() == '\0'; }
void encode(const ForeignRecord& record, std::string& out);
// kInvalid: malformed.
Result<ForeignRecord> read_foreign(std::string_view bytes);

// The CloudEvent in it, by the Kafka binding of CloudEvents 1.0: structured mode in JSON, or
// attributes in `ce_` headers and data in the value. Without partitionkey the record's key is the
// partition key. What is wrong, all of it; empty: sound.
std::vector<FormError> decode_foreign(std::string_view bytes, Event& out);

// The value of its header `name`; the first one.
std::optional<std::string_view> find_header(const ForeignRecord& record, std::string_view name);

}  // namespace dealwright::codec
