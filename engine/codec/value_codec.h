// Values as proto/dealwright/v1/value.proto has them.
#pragma once

#include "engine/base/value.h"
#include "engine/codec/wire.h"
#include "engine/domain/event.h"

namespace dealwright::codec {

void write_value(WireWriter& out, const Value& value);
// False: malformed. Nesting deeper than 64 is malformed.
bool read_value(std::string_view bytes, Value& out, int depth = 0);

void write_map(WireWriter& out, std::uint32_t field, const Map& map);  // repeated NamedValue
bool read_named(std::string_view bytes, Map& out);                     // one NamedValue, appended
void write_fields(WireWriter& out, std::uint32_t field, const Fields& fields);  // repeated Datum
bool read_datum(std::string_view bytes, Fields& out);  // one Datum, appended

}  // namespace dealwright::codec
