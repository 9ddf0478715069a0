#include "connectors/http/head.h"

#include <algorithm>

#include "connectors/http/text.h"

namespace dealwright::http {
namespace {

using Fault = std::optional<HeadFault>;

bool is_value_char(char c) {
  return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

Fault read_target(std::string_view target, Head& out) {
  if (target.substr(0, 1) != "/" && target != "*") {
    // The absolute form names the authority again; Host has been checked, the rest is the path.
    const auto scheme = target.find("://");
    const auto name = lower(target.substr(0, scheme));
    if (scheme == std::string_view::npos || (name != "http" && name != "https"))
      return HeadFault{"bad_request", "the target is neither a path nor a URL"};
    target.remove_prefix(scheme + 3);
    const auto path = target.find('/');
    target = path == std::string_view::npos ? std::string_view{"/"} : target.substr(path);
  }
  if (target == "*" && out.method != "OPTIONS")
    return HeadFault{"bad_request", "only OPTIONS takes the target *"};
  for (const char c : target) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f || c == '#')
      return HeadFault{"bad_request", "the target holds a character that must be percent-encoded"};
  }
  const auto query = target.find('?');
  out.path = target.substr(0, query);
  if (query != std::string_view::npos) out.query = target.substr(query + 1);
  return std::nullopt;
}

Fault read_line(std::string_view line, const Limits& limits, Head& out) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || last == first)
    return HeadFault{"bad_request", "the request line has not three parts"};
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, last - first - 1);
  const auto version = line.substr(last + 1);
  if (!is_token(method) || method.size() > 32)
    return HeadFault{"bad_request", "the method is no token"};
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return HeadFault{version.starts_with("HTTP/") ? "http_version" : "bad_request",
                     "this server speaks HTTP/1.1 and HTTP/1.0"};
  if (target.size() > limits.target_bytes)
    return HeadFault{"target_too_long", "the target is longer than this server takes"};
  out.method = method;
  out.version_1_1 = version == "HTTP/1.1";
  if (target.empty()) return HeadFault{"bad_request", "the target is empty"};
  return read_target(target, out);
}

Fault read_field(std::string_view line, Head& out) {
  if (line.front() == ' ' || line.front() == '\t')
    return HeadFault{"bad_request", "a field is folded over two lines"};
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return HeadFault{"bad_request", "a field's name is no token right before its colon"};
  const auto value = line.substr(colon + 1);
  if (!std::all_of(value.begin(), value.end(), is_value_char))
    return HeadFault{"bad_request", "a field holds a control character"};
  out.fields.add(line.substr(0, colon), trim(value));
  return std::nullopt;
}

// host [":" port], as far as it can be misread: no user, path, list or blank.
bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 255) return false;
  std::string_view name = host;
  if (host.front() == '[') {
    const auto end = host.find(']');
    if (end == std::string_view::npos || end == 1) return false;
    const auto digits = host.substr(1, end - 1);
    if (digits.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos)
      return false;
    name = host.substr(end + 1);
    if (name.empty()) return true;
    if (name.front() != ':') return false;
  } else {
    const auto colon = name.find(':');
    const auto label = name.substr(0, colon);
    const bool good = !label.empty() && std::all_of(label.begin(), label.end(), [](char c) {
      return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '.' || c == '-' ||
             c == '_';
    });
    if (!good) return false;
    if (colon == std::string_view::npos) return true;
    name = name.substr(colon);
  }
  const auto port = parse_count(name.substr(1));
  return port && *port <= 65535;
}

Fault check_host(const Head& head) {
  const auto hosts = head.fields.count("host");
  if (hosts == 0 && !head.version_1_1) return std::nullopt;
  if (hosts != 1) return HeadFault{"bad_host", "exactly one Host field is needed"};
  if (!is_host(head.fields.get("host"))) return HeadFault{"bad_host", "Host is no host[:port]"};
  return std::nullopt;
}

Fault check_framing(Head& head) {
  const auto lengths = head.fields.count("content-length");
  const auto codings = head.fields.count("transfer-encoding");
  if (lengths > 0 && codings > 0)
    return HeadFault{"bad_framing", "Content-Length and Transfer-Encoding exclude each other"};
  if (lengths > 1) return HeadFault{"bad_framing", "Content-Length stands there twice"};
  if (lengths == 1) {
    const auto count = parse_count(head.fields.get("content-length"));
    if (!count) return HeadFault{"bad_framing", "Content-Length is no number"};
    head.content_length = *count;
    head.has_content_length = true;
  }
  if (codings > 0) {
    if (codings > 1 || !same_name(head.fields.get("transfer-encoding"), "chunked"))
      return HeadFault{"bad_framing", "the one Transfer-Encoding taken is chunked"};
    if (!head.version_1_1) return HeadFault{"bad_framing", "HTTP/1.0 has no Transfer-Encoding"};
    head.chunked = true;
  }
  return std::nullopt;
}

// A list of tokens; a server in front of us that read another list would forward other fields.
Fault check_connection(const Head& head) {
  for (const auto* name : {"connection", "proxy-connection"}) {
    const auto list = head.fields.joined(name);
    for (const auto part : split(list, ',')) {
      const auto token = trim(part);
      if (!token.empty() && !is_token(token))
        return HeadFault{"bad_request", "Connection is no list of tokens"};
    }
  }
  return std::nullopt;
}

}  // namespace

std::size_t head_length(std::string_view bytes) {
  const auto end = bytes.find("\r\n\r\n");
  return end == std::string_view::npos ? 0 : end + 4;
}

std::optional<HeadFault> read_head(std::string_view bytes, const Limits& limits, Head& out) {
  out = Head{};
  if (bytes.find('\0') != std::string_view::npos)
    return HeadFault{"bad_request", "the head holds a NUL"};
  bool first = true;
  std::size_t fields = 0;
  while (!bytes.empty()) {
    const auto end = bytes.find("\r\n");
    if (end == std::string_view::npos) return HeadFault{"bad_request", "the head is cut"};
    const auto line = bytes.substr(0, end);
    bytes.remove_prefix(end + 2);
    if (line.find_first_of("\r\n") != std::string_view::npos)
      return HeadFault{"bad_request", "a line ends without CR and LF"};
    if (line.empty()) break;
    if (!first && ++fields > limits.head_fields)
      return HeadFault{"too_many_fields", "the head has more fields than this server takes"};
    const auto fault = first ? read_line(line, limits, out) : read_field(line, out);
    if (fault) return fault;
    first = false;
  }
  if (first) return HeadFault{"bad_request", "there is no request line"};
  if (auto fault = check_host(out)) return fault;
  if (auto fault = check_framing(out)) return fault;
  if (auto fault = check_connection(out)) return fault;
  const bool close = out.fields.has_token("connection", "close");
  out.keep_alive = !close && (out.version_1_1 || out.fields.has_token("connection", "keep-alive"));
  if (const auto* expect = out.fields.find("expect")) {
    if (!same_name(*expect, "100-continue") || out.fields.count("expect") > 1)
      return HeadFault{"expectation_failed", "the one expectation met is 100-continue"};
    out.expects_continue = out.version_1_1 && out.has_body();
  }
  return std::nullopt;
}

}  // namespace dealwright::http
