// The head of a request, read strictly: whatever two servers could read in two ways is refused, so
// that nothing can be smuggled past a proxy in front of us.
//
//   head  = line CRLF *(field CRLF) CRLF
//   line  = method SP target SP "HTTP/1." ("0" / "1")
//   field = token ":" OWS value OWS      one line each; no NUL, CR or LF in it, no control
//   character
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/http/fields.h"
#include "connectors/http/limits.h"

namespace dealwright::http {

struct Head {
  std::string method;
  std::string path;   // as written, from '/'; "*" of OPTIONS
  std::string query;  // as written, without '?'
  bool version_1_1 = true;
  Fields fields;
  // Framing.
  std::uint64_t content_length = 0;
  bool has_content_length = false;
  bool chunked = false;
  bool keep_alive = true;
  bool expects_continue = false;

  bool has_body() const { return chunked || content_length > 0; }
};

// Why a head is refused: a code of problem.h, and a sentence.
struct HeadFault {
  std::string_view code;
  std::string_view detail;
};

// The length of the head at the front of `bytes`, its blank line included; 0: it is not whole yet.
std::size_t head_length(std::string_view bytes);
// Reads a whole head. None: `out` is sound.
std::optional<HeadFault> read_head(std::string_view bytes, const Limits& limits, Head& out);

}  // namespace dealwright::http
