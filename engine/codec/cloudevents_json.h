// CloudEvents 1.0 in JSON, to events and back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/codec/json.h"
#include "engine/domain/event.h"
#include "engine/domain/form.h"

namespace dealwright::codec {

// Fills `out` from the members of a structured-mode object. What is wrong, all of it; empty: sound.
// Types of the engine's own are `reserved_type`.
std::vector<FormError> read_cloudevent(const Value& object, Event& out);
// The same from text.
std::vector<FormError> parse_cloudevent(std::string_view text, Event& out,
                                        const JsonLimits& limits = {});
// Canonical: keys in order, what is absent left out. Reads back to an equal event.
std::string to_cloudevent(const Event& event);
// The members of data, declared and undeclared, by name.
Map data_of(const Event& event);

// One line for people: code, where, what, how to mend it.
std::string render(const FormError& error);

}  // namespace dealwright::codec
