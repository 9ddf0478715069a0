// The step `send_email`.
#pragma once

#include "rules/steps/compiler.h"

namespace dealwright::rules {
StepKind send_email_step();

// What a mail about a record carries from its request: to, address, language, records (what its
// template may read, by kind).
Map mail_payload(Turn& turn, const RecordKey& about, const std::optional<RecordKey>& to);
}  // namespace dealwright::rules
