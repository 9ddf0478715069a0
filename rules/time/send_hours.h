// Hours in which mails go, in a zone.
#pragma once

#include <optional>
#include <string_view>

#include "engine/domain/enrolment.h"
#include "rules/time/zone.h"

namespace dealwright::rules {

// "Mon-Fri 09:00-17:00", "Sat 10:00-12:00"; none: it names no hours.
std::optional<SendHours> parse_send_hours(std::string_view text);
// The first instant from `now` on that lies within them. REQUIRES: as parse_send_hours() gives them
Instant opening(const SendHours& hours, const Zone& zone, Instant now);

}  // namespace dealwright::rules
