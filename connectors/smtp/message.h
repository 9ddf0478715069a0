// A mail as typed parts, and its bytes. Nothing that comes from data can become a header of its
// own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/smtp/address.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/domain/enrolment.h"

namespace dealwright::smtp {

struct Message {
  EffectId effect{};
  Mailbox from;          // its address is one of Identity::from
  Mailbox to;            // one recipient
  std::string reply_to;  // an address, or empty
  std::string subject;
  std::string text;  // UTF-8, any line ends; required
  std::string html;  // UTF-8, or empty
  Instant date;      // when it was requested: the same in each attempt
  // https, opaque, without a name or an address in it; empty only for mail that nobody can opt out
  // of. It brings List-Unsubscribe and List-Unsubscribe-Post (RFC 8058).
  std::string unsubscribe_url;
  bool automatic = true;  // Auto-Submitted: auto-generated
};

// What configuration says of who we are; never from data.
struct Identity {
  std::vector<std::string> from;  // addresses that may stand in From
  std::string domain;             // right of @ in Message-ID
};

inline constexpr std::size_t kMessageBytesMax = std::size_t{2} << 20;

// `<hex of the effect id>@domain`, without brackets.
std::string message_id(const EffectId& effect, std::string_view domain);
// The effect of a Message-ID of ours (with or without brackets); empty if it is none.
std::optional<EffectId> effect_of_message_id(std::string_view id, std::string_view domain);

// RFC 5322 bytes: 7-bit, lines of at most 998 bytes, each ended by CRLF, no other CR or LF. The
// same message gives the same bytes (the MIME boundary comes from the effect id). kInvalid names
// the part at fault; kRefused: From is not in the list.
Result<std::string> build(const Message& message, const Identity& identity);

}  // namespace dealwright::smtp
