// Decision records as proto/dealwright/v1/decision.proto has them, with a checksum at the end.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/domain/decision.h"

namespace dealwright::codec {

// Appends the record's bytes. REQUIRES: `out` is empty (the checksum covers all before it)
void encode(const DecisionRecord& record, std::string& out);
// kDamaged: checksum or form; kUnsupported: of a newer format, named.
Result<void> decode(std::string_view bytes, DecisionRecord& out);

}  // namespace dealwright::codec
