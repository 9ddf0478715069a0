// Mails that went out to a person, as caps count them: those whose attempt has started, unless it
// is known that nothing came of it. Pure data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/domain/enrolment.h"
#include "engine/domain/schema.h"

namespace dealwright {

inline constexpr std::int64_t kCapMax = 200;       // of a rule; what is kept suffices for it
inline constexpr std::size_t kSentKept = 256;      // of one person: beyond it the oldest go
inline constexpr Duration kSentKeptFor = days(7);  // or as long as the rule's own cap looks back

struct Sent {
  EffectId effect{};
  Instant at;
  std::string rule;
  std::string template_name;
  bool marketing = false;
  Duration kept;
  friend bool operator==(const Sent&, const Sent&) = default;
};
using SentTo = std::vector<Sent>;  // in the order they were sent

// What a mail's limits say, as its rule captured them into the payload.
struct MailLimits {
  enum class Quiet : std::uint8_t { kDefault, kNone, kOwn };
  Quiet quiet = Quiet::kDefault;
  SendHours hours;  // of kOwn
  bool quiet_drops = false;
  std::int64_t cap_max = 0;  // 0: no cap of its own
  Duration cap_per;
  bool cap_drops = false;
};
MailLimits limits_of(const Effect& effect);
std::string_view payload_text(const Effect& effect, std::string_view key);  // "": not there

// Brings the person's list in step with a line that was moved from `before`: adds it, or takes it
// out, and lets go of what no cap looks at any more. Word of one that left long ago adds it not
// again. False: nothing changed.
bool follow(SentTo& sent, const Effect& effect, EffectState before, const Schema* schema,
            Instant now);

}  // namespace dealwright
