// Whether an effect may leave now: asked when it is due, and again in front of its point of no
// return. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "engine/domain/enrolment.h"
#include "engine/domain/record.h"
#include "engine/domain/rule_flow.h"
#include "engine/domain/schema.h"
#include "engine/domain/sends.h"

namespace dealwright {

struct Passage {
  enum class Say : std::uint8_t { kGo, kSuppress, kExpire, kWait };
  Say say = Say::kGo;
  std::string reason;            // what it relied on: a code, then the row, event or figure
  std::optional<Instant> until;  // of kWait; none: until what holds it is lifted
  std::string held_by;           // of kWait
  bool fuse = false;             // it is this one that would blow it
};

// What one effect's passage depends on; none: never heard of.
struct PassageCase {
  const Effect& effect;
  const Record* subject = nullptr;    // what it is about
  const Record* recipient = nullptr;  // whom it goes to
  std::string_view rule_status = {};  // live, paused, held, retired, shadow; "": not known here
  const Schema* schema = nullptr;     // in force: what purposes ask for
  Instant now = {};
  const Record* workspace = nullptr;
  const Record* rule = nullptr;
  const Enrolment* enrolment = nullptr;  // none: it is over
  std::span<const Sent> sent = {};       // to the recipient, and to whom was merged into it
  const RuleFlow* flow = nullptr;        // of the rule, in this partition
  std::uint32_t partitions = 1;
};
Passage judge_passage(const PassageCase& c);
// That part of it which says whether a mail may go to this person at all, whenever.
Passage judge_person(const PassageCase& c);

// The hours in which a mail may go; none: at any time.
std::optional<SendHours> send_hours(const Effect& effect, const Schema* schema);
// It is outside them until `opens`. `zone`: whose hours, for people.
Passage judge_quiet(const PassageCase& c, const SendHours& hours, Instant opens,
                    std::string_view zone);
std::string to_text(const SendHours& hours);

}  // namespace dealwright
