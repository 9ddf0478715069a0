// What a person's rows of consent say of one purpose (sales.md 6). Pure.
#pragma once

#include <string_view>

#include "engine/domain/record.h"
#include "engine/domain/schema.h"

namespace dealwright {

// Withdrawn, it is withdrawn for every purpose of marketing: an opt-out, a complaint.
inline constexpr std::string_view kAllMarketing = "marketing";

// Whether mails for that purpose need a granted consent: all but those declared as service, and
// `service` itself. They are marketing, which caps and quiet hours are about, too.
bool is_marketing(const Schema* schema, std::string_view purpose);
// The newest row for the purpose and the channel, or for all channels; none: nothing was said.
const ConsentRow* standing_consent(const Record& person, std::string_view purpose,
                                   std::string_view channel);

}  // namespace dealwright
