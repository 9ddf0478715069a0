#include "connectors/webhook/address_guard.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace dealwright::webhook {
namespace {

// A block and why nobody may be reached in it. IANA's special-purpose registries, without the few
// entries that are global and harmless.
struct Block {
  std::array<std::uint8_t, 16> bytes;
  unsigned bits;
  std::string_view what;
};
constexpr Block kV4[] = {
    {{0}, 8, "this network"},
    {{10}, 8, "private"},
    {{100, 64}, 10, "shared by a carrier"},
    {{127}, 8, "loopback"},
    {{169, 254}, 16, "link-local"},
    {{172, 16}, 12, "private"},
    {{192, 0, 0}, 24, "reserved for protocols"},
    {{192, 0, 2}, 24, "for documentation"},
    {{192, 52, 193}, 24, "a relay"},
    {{192, 88, 99}, 24, "a 6to4 relay"},
    {{192, 168}, 16, "private"},
    {{198, 18}, 15, "for benchmarks"},
    {{198, 51, 100}, 24, "for documentation"},
    {{203, 0, 113}, 24, "for documentation"},
    {{224}, 4, "multicast"},
    {{240}, 4, "reserved"},
};
constexpr Block kV6[] = {
    {{}, 128, "unspecified"},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, "loopback"},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, "IPv4-mapped"},
    {{}, 96, "IPv4-compatible"},
    {{0, 0x64, 0xff, 0x9b}, 32, "NAT64"},
    {{0x20, 0x01, 0, 0}, 32, "Teredo"},
    {{0x20, 0x01, 0}, 23, "reserved for protocols"},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "for documentation"},
    {{0x20, 0x02}, 16, "6to4"},
    {{0x3f, 0xff}, 20, "for documentation"},
    {{0xfc}, 7, "private"},
    {{0xfe, 0x80}, 10, "link-local"},
    {{0xfe, 0xc0}, 10, "site-local"},
    {{0xff}, 8, "multicast"},
};

bool within(const IpAddress& address, const Block& block) {
  const auto whole = block.bits / 8;
  if (!std::equal(block.bytes.begin(), block.bytes.begin() + whole, address.bytes.begin()))
    return false;
  if (block.bits % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - block.bits % 8));
  return (block.bytes[whole] & mask) == (address.bytes[whole] & mask);
}

bool digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

Error invalid(std::string detail) { return Error{Code::kInvalid, std::move(detail)}; }
Error refused(std::string detail) { return Error{Code::kRefused, std::move(detail)}; }

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || text[0] == '0' || error != std::errc{} || end != text.data() + text.size())
    return {};
  return port;
}

bool is_loopback(const IpAddress& address) {
  return address.v6 ? within(address, kV6[1]) : within(address, kV4[3]);
}

// A name of at least two labels whose last one does not begin with a digit: no such name is public,
// and others read it as an IPv4 address in some base.
Result<void> check_name(std::string_view host) {
  if (host.size() > 253) return invalid("the host is longer than 253 bytes");
  std::size_t labels = 0;
  std::string_view last;
  for (std::size_t from = 0; from <= host.size(); ++labels) {
    const auto to = std::min(host.find('.', from), host.size());
    last = host.substr(from, to - from);
    if (last.empty() || last.size() > 63) return invalid("the host has an empty or too long label");
    if (last.front() == '-' || last.back() == '-')
      return invalid("a label of the host has a hyphen at its end");
    from = to + 1;
  }
  if (digit(last.front()))
    return invalid(
        "the host is an address in a spelling that is not taken: write four decimal numbers");
  if (labels < 2) return refused("the host has no dot: such names are of the local network");
  for (const auto* local :
       {"localhost", "local", "internal", "localdomain", "lan", "home", "corp", "arpa", "onion"}) {
    if (last == local) return refused(fmt::format("names under .{} are not public", local));
  }
  return ok();
}

struct Authority {
  std::string_view host;
  bool brackets = false;
  std::optional<std::string_view> port;
};
Result<Authority> split_authority(std::string_view text) {
  if (text.find('@') != std::string_view::npos)
    return invalid("the URL has a user or a second @ before its host");
  Authority out;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return invalid("the URL has a [ without ]");
    out = {text.substr(1, end - 1), true, {}};
    text.remove_prefix(end + 1);
  } else {
    const auto end = std::min(text.find(':'), text.size());
    out = {text.substr(0, end), false, {}};
    text.remove_prefix(end);
  }
  if (text.empty()) return out;
  if (text[0] != ':') return invalid("the URL has text between its host and its port");
  out.port = text.substr(1);
  return out;
}

Result<void> set_host(Target& out, const Authority& authority) {
  std::transform(authority.host.begin(), authority.host.end(), std::back_inserter(out.host), lower);
  if (out.host.empty()) return invalid("the URL has no host");
  if (authority.brackets) {
    out.literal = parse_address(out.host);
    if (!out.literal || !out.literal->v6)
      return invalid("between [ and ] stands an IPv6 address without a zone");
    out.host = to_text(*out.literal);
    return ok();
  }
  for (const char c : out.host) {
    if (!digit(c) && (c < 'a' || c > 'z') && c != '-' && c != '.')
      return invalid(
          "the host holds a character that no name has; in another script, its xn-- form");
  }
  out.literal = parse_address(out.host);
  return ok();
}

}  // namespace

std::optional<IpAddress> parse_address(std::string_view text) {
  const std::string ended{text};
  if (text.empty() || text.size() > 45 || ended.find('\0') != std::string::npos) return {};
  IpAddress out;
  out.v6 = text.find(':') != std::string_view::npos;
  if (!out.v6) {
    // inet_pton takes leading zeros on some systems.
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
      if (text[i] == '0' && digit(text[i + 1]) && (i == 0 || text[i - 1] == '.')) return {};
    }
  }
  if (::inet_pton(out.v6 ? AF_INET6 : AF_INET, ended.c_str(), out.bytes.data()) != 1) return {};
  return out;
}

std::string to_text(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof text);
  return text;
}

std::string Target::url() const {
  const bool v6 = literal && literal->v6;
  return fmt::format("{}://{}{}{}:{}{}", https ? "https" : "http", v6 ? "[" : "", host,
                     v6 ? "]" : "", port, path);
}

std::string_view why_not_global(const IpAddress& address, const GuardRules& rules) {
  const bool own = std::find(rules.own.begin(), rules.own.end(), address) != rules.own.end();
  if (!address.v6) {
    for (const auto& block : kV4) {
      if (within(address, block)) return block.what;
    }
    return own ? "ours" : "";
  }
  for (const auto& block : kV6) {
    if (within(address, block)) return block.what;
  }
  if ((address.bytes[0] & 0xe0) != 0x20) return "not global unicast";
  // ISATAP: an IPv4 address at the end of any prefix.
  const auto* interface = address.bytes.data() + 8;
  const bool isatap = (interface[0] & 0xfc) == 0 && interface[1] == 0 && interface[2] == 0x5e &&
                      interface[3] == 0xfe;
  return isatap ? "ISATAP" : own ? "ours" : "";
}

Result<void> check_addresses(const Target& target, std::span<const IpAddress> addresses,
                             const GuardRules& rules) {
  if (addresses.empty()) return refused(fmt::format("{} has no address", target.host));
  for (const auto& address : addresses) {
    if (rules.loopback_http && is_loopback(address)) continue;
    if (!target.https) return refused("without TLS webhooks go to loopback only");
    if (const auto why = why_not_global(address, rules); !why.empty())
      return refused(
          fmt::format("{} leads to {}, which is {}", target.host, to_text(address), why));
  }
  return ok();
}

Result<Target> parse_target(std::string_view url, const GuardRules& rules) {
  if (url.size() > 2000) return invalid("the URL is longer than 2,000 bytes");
  for (const char c : url) {
    if (c <= 0x20 || c >= 0x7f || c == '\\' || c == '"' || c == '<' || c == '>' || c == '^' ||
        c == '`' || c == '{' || c == '|' || c == '}')
      return invalid(
          "the URL holds a character that has to be percent-encoded; a host in another script, its "
          "xn-- form");
  }
  Target out;
  const auto colon = url.find("://");
  std::string scheme{url.substr(0, colon == std::string_view::npos ? 0 : colon)};
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), lower);
  if (scheme != "https" && scheme != "http") return invalid("the URL begins with https://");
  out.https = scheme == "https";
  if (!out.https && !rules.loopback_http) return refused("webhooks go by https only");
  auto rest = url.substr(colon + 3);
  const auto authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  DW_TRY(const auto authority, split_authority(rest.substr(0, authority_end)));
  rest.remove_prefix(authority_end);
  if (rest.find('#') != std::string_view::npos) return invalid("the URL has a fragment");
  out.path = rest.starts_with('/') ? std::string{rest} : "/" + std::string{rest};
  DW_TRY(set_host(out, authority));
  out.port = out.https ? 443 : 80;
  if (authority.port) {
    const auto port = parse_port(*authority.port);
    if (!port) return invalid("the port is a number of 1 to 65535 without leading zeros");
    out.port = *port;
  }
  const bool loopback = rules.loopback_http &&
                        (out.host == "localhost" || (out.literal && is_loopback(*out.literal)));
  if (loopback) return out;
  if (!out.https) return refused("without TLS webhooks go to loopback only");
  if (std::find(rules.ports.begin(), rules.ports.end(), out.port) == rules.ports.end())
    return refused(fmt::format("webhooks do not go to port {}", out.port));
  if (out.literal) {
    DW_TRY(check_addresses(out, {&*out.literal, 1}, rules));
  } else {
    DW_TRY(check_name(out.host));
  }
  return out;
}

}  // namespace dealwright::webhook
