// Events as proto/dealwright/v1/event.proto has them.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/domain/event.h"

namespace dealwright::codec {

// Appends the event's bytes.
void encode(const Event& event, std::string& out);
// Fills `out`, reusing its room. kInvalid: malformed; kUnsupported: of a newer format. Fields that
// this version does not know are passed over.
Result<void> decode(std::string_view bytes, Event& out);

}  // namespace dealwright::codec
