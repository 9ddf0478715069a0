// How many bytes a change takes in a decision record, from above: cheap to say before it is
// encoded, never too little.
#pragma once

#include <cstddef>

#include "engine/domain/changes.h"

namespace dealwright::codec {

std::size_t size_bound(const Value& value);
std::size_t size_bound(const Event& event);
std::size_t size_bound(const Change& change);

}  // namespace dealwright::codec
