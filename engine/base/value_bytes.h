// Values as compact bytes: a tag, then what it holds. For state that is kept packed; the layout is
// part of the state format.
#pragma once

#include <string>

#include "engine/base/bytes.h"
#include "engine/base/value.h"

namespace dealwright {

void pack(std::string& out, const Value& value);
// False: the bytes are no value. Nested deeper than 64 is none.
bool unpack(ByteReader& in, Value& out, int depth = 64);

}  // namespace dealwright
