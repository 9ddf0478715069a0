// Events as proto/dealwright/v1/event.proto has them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/result.h"
#include "engine/domain/event.h"

namespace dealwright::codec {

// Appends the event's bytes.
void encode(const Event& event, std::string& out);
// The subject alone, as far as the bytes are sound; for hints only.
std::optional<std::pair<Kind, std::string_view>> peek_subject(std::string_view bytes);
// The placement key of an event of ours, as far as the bytes are sound; else "".
std::string peek_placement(std::string_view bytes);
// Whether the bytes say so, as far as they are sound.
bool is_of_type(std::string_view bytes, TypeId type);
// Fills `out`, reusing its room, from an event of ours or one that somebody else wrote
// (foreign_record.h). kInvalid: malformed; kUnsupported: of a newer format. Fields that this
// version does not know are passed over.
Result<void> decode(std::string_view bytes, Event& out);

}  // namespace dealwright::codec
