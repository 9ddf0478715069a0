// An event that changed nothing: refused by state, or malformed. Kept whole, so that an operator
// can redrive it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/instant.h"
#include "engine/domain/changes.h"

namespace dealwright {

struct SetAside {
  std::uint64_t position = 0;  // in `events`
  Verdict verdict = Verdict::kSetAside;
  std::string code;  // stable: bad_data, currency_mismatch, blocked ...
  std::string detail;
  std::string key;  // its placement key, "" if unreadable
  std::string subject;
  std::string type;
  std::optional<std::uint64_t> blocked_by;  // the position it waits behind
  Instant now;                              // of the decision
  std::uint32_t redrives = 0;
  std::string event;  // its bytes
  friend bool operator==(const SetAside&, const SetAside&) = default;
};

}  // namespace dealwright
