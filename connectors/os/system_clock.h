// The machine's clocks and its source of random bits.
#pragma once

#include <memory>

#include "engine/ports/clock.h"

namespace dealwright::os {

// Thread-safe.
std::unique_ptr<Clock> make_system_clock();
// Thread-safe; from the kernel (getrandom).
std::unique_ptr<Random> make_system_random();

}  // namespace dealwright::os
