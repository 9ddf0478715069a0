// Facts as if they had happened some days earlier or later.
#pragma once

#include <cstdint>

#include "engine/domain/event.h"

namespace dealwright::sample {

// Moves the fact's time and every instant and date in its declared data.
void shift(Event& event, std::int64_t days);

}  // namespace dealwright::sample
