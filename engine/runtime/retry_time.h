// When an effect is tried again.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/domain/enrolment.h"

namespace dealwright::runtime {

// When an effect is tried again, and when no more: full jitter (reliability.md 6). `draw`: random.
// None: its time is over. REQUIRES: attempts > 0
std::optional<Instant> retry_time(const Effect& effect, std::uint32_t attempts,
                                  std::optional<Duration> asked, Instant now, std::uint64_t draw);

}  // namespace dealwright::runtime
