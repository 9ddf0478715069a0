// Whether an effect may leave now: asked when it is due, and again in front of its point of no
// return. Pure.
#pragma once

#include <optional>
#include <string>

#include "engine/domain/enrolment.h"
#include "engine/domain/record.h"
#include "engine/domain/schema.h"

namespace dealwright {

struct Passage {
  enum class Say : std::uint8_t { kGo, kSuppress, kExpire, kWait };
  Say say = Say::kGo;
  std::string reason;            // what it relied on
  std::optional<Instant> until;  // of kWait
};

// What one effect's passage depends on; none: never heard of.
struct PassageCase {
  const Effect& effect;
  const Record* subject = nullptr;    // what it is about
  const Record* recipient = nullptr;  // whom it goes to
  std::string_view rule_status;       // live, paused, retired, shadow; "": not known here
  const Schema* schema = nullptr;     // in force: what purposes ask for
  Instant now;
};
Passage judge_passage(const PassageCase& c);

}  // namespace dealwright
