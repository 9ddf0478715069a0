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
  std::string mail_from;      // the return path of our mail; empty if it was taken out
  std::string message_id;
};
// A mail of a person, or of a machine in his name.
struct Reply {
  std::string from;         // the address
  std::string subject;      // UTF-8
  std::string in_reply_to;  // a Message-ID without brackets
  // What it answers: in_reply_to, then the thread from its newest mail on. At most 100.
  std::vector<std::string> references;
  std::string message_id;
  // Out of office and the like (RFC 3834): not an answer of a person.
  bool automatic = false;
};
using Incoming = std::variant<Report, Complaint, Reply>;

inline constexpr std::size_t kIncomingBytesMax = std::size_t{10} << 20;

// kInvalid: larger than the limit, or no mail at all. A line `From ...` of a mailbox file in front
// of it is no part of it.
Result<Incoming> read_incoming(std::string_view bytes);

// Whom a mail came to, as its own head says: Delivered-To, X-Original-To, (X-)Envelope-To, then To;
// at most 100 addresses. Whoever wrote the mail may have written these too.
std::vector<std::string> addressed_to(std::string_view bytes);
// All words with an @ in a list of mailboxes, without what stands around them.
std::vector<std::string> addresses_in(std::string_view list);

}  // namespace dealwright::smtp
