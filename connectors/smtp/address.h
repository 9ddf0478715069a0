// Mail addresses as text: what we send to and from. Pure.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace dealwright::smtp {

// A name that people read, and an address.
struct Mailbox {
  std::string name;  // UTF-8, or empty
  std::string address;
};

// RFC 5321 without what no mailbox needs and relays disagree about: a dot-atom of at most 64 bytes,
// `@`, a domain name of at least two labels; ASCII; at most 254 bytes. No quotes, comments, address
// literals; a domain in another script is written as its `xn--` form. kInvalid says what is wrong.
Result<void> check_address(std::string_view address);
// A host name as above.
Result<void> check_domain(std::string_view domain);
// What a header may hold: UTF-8 of at most `bytes_max`, no control characters (CR, LF, NUL above
// all). kInvalid names `part`.
Result<void> check_header_text(std::string_view part, std::string_view text, std::size_t bytes_max);

}  // namespace dealwright::smtp
