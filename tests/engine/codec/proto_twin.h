// Our structs as the generated classes of proto/dealwright/v1, member by member, written without
// looking at engine/codec: what the codec's bytes must parse to.
#pragma once

#include <string>

#include "dealwright/v1/decision.pb.h"
#include "engine/domain/decision.h"

namespace dealwright::codec {

v1::Event twin(const Event& event);
// Without its checksum.
v1::DecisionRecord twin(const DecisionRecord& record);
// Serialised as any Protobuf library does, with the checksum that ends a record.
std::string serialise(v1::DecisionRecord record);

// Whether a message, or one within it, has fields that its .proto does not.
bool has_unknown_fields(const google::protobuf::Message& message);

}  // namespace dealwright::codec
