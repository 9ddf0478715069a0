// What comes back: bounces (RFC 3464), complaints (ARF, RFC 5965), replies. Any bytes may come in;
// what they say of a mail of ours counts only if they came to its return path.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/result.h"

namespace dealwright::smtp {

// One recipient of a delivery report.
struct Bounce {
  enum class Kind : std::uint8_t {
    kHard,     // failed, 5.x.x: the address takes no mail of ours
    kSoft,     // failed for another reason: full, too large, policy of the day
    kDelayed,  // still tried
    kArrived,  // delivered, relayed or expanded
  };
  Kind kind = Kind::kSoft;
  std::string recipient;   // the address, as it was sent to if the report says so
  std::string status;      // "5.1.1"
  std::string diagnostic;  // one line of printable text, at most 512 bytes
};
struct Report {
  std::vector<Bounce> bounces;
  std::string message_id;  // of our mail, without brackets; empty if the report does not say
};
struct Complaint {
  std::string feedback_type;  // "abuse", ...
  std::string recipient;      // empty if it was taken out
  std::string message_id;
};
// A mail of a person, or of a machine in his name.
struct Reply {
  std::string from;         // the address
  std::string subject;      // UTF-8
  std::string in_reply_to;  // a Message-ID without brackets
  std::string message_id;
  // Out of office and the like (RFC 3834): not an answer of a person.
  bool automatic = false;
};
using Incoming = std::variant<Report, Complaint, Reply>;

inline constexpr std::size_t kIncomingBytesMax = std::size_t{10} << 20;

// kInvalid: larger than the limit, or no mail at all.
Result<Incoming> read_incoming(std::string_view bytes);

}  // namespace dealwright::smtp
