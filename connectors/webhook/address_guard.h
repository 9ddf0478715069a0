// Keeps webhooks away from what only we can reach (SSRF): which URLs, and which addresses of
// theirs. Strict where others guess: a host is a name or one canonical spelling of an address,
// nothing else. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace dealwright::webhook {

struct IpAddress {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // the first 4 of IPv4
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};
// Four decimal numbers without leading zeros, or RFC 4291 text without a zone. None: anything else.
std::optional<IpAddress> parse_address(std::string_view text);
std::string to_text(const IpAddress& address);

struct GuardRules {
  bool loopback_http = false;  // dev and tests: http and https to loopback, any port
  std::vector<std::uint16_t> ports{443, 8443};
  std::vector<IpAddress> own;  // of this machine's interfaces, also the global ones
};

// Where a URL leads, as we read it; the request is made from these parts and not from the text.
struct Target {
  bool https = true;
  std::string host;  // lower case; a name, or the text of `literal`
  std::optional<IpAddress> literal;
  std::uint16_t port = 443;
  std::string path;  // with its query, begins with /
  // https://host:port/path, IPv6 in brackets.
  std::string url() const;
};
// kInvalid: no URL of the one form; kRefused: it leads where webhooks may not go. The detail says
// why.
Result<Target> parse_target(std::string_view url, const GuardRules& rules);

// "" if `address` is a global unicast one that is not ours; else what it is: "private",
// "link-local".
std::string_view why_not_global(const IpAddress& address, const GuardRules& rules);
// All that a name resolved to. kRefused if there is none, or any one may not be reached: a name
// with one good and one bad address is an attack, or a mistake.
Result<void> check_addresses(const Target& target, std::span<const IpAddress> addresses,
                             const GuardRules& rules);

}  // namespace dealwright::webhook
