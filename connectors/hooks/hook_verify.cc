#include <algorithm>
#include <charconv>

#include "connectors/hooks/hook_reader.h"

namespace dealwright::hooks {
namespace {

constexpr std::int64_t kToleranceMaxS = 3'600;

std::int64_t number_of(const YamlNode& node) {
  std::int64_t out = -1;
  const auto* end = node.text.data() + node.text.size();
  const auto parsed = std::from_chars(node.text.data(), end, out);
  return parsed.ec == std::errc{} && parsed.ptr == end ? out : -1;
}

}  // namespace

void HookReader::read_versions(const YamlNode& node) {
  config_.verify.versions.clear();
  for (const auto& version : texts(node)) {
    if (version == "v1" || version == "v2" || version == "v3")
      config_.verify.versions.push_back(version[1] - '0');
    else
      error(node, "HK1006", "'" + version.substr(0, 20) + "' is no version", "v1, v2, v3");
  }
}

// "{timestamp}.{body}"
void HookReader::read_signed(const YamlNode& node) {
  auto& out = config_.verify.what;
  out.clear();
  bool body = false;
  auto text = std::string_view{node.text};
  while (!text.empty()) {
    const auto brace = std::min(text.find('{'), text.size());
    if (brace > 0) out.emplace_back(Verify::Part::kLiteral, std::string{text.substr(0, brace)});
    text.remove_prefix(brace);
    if (text.empty()) break;
    const auto close = text.find('}');
    const auto name = text.substr(1, std::min(close, text.size()) - 1);
    text.remove_prefix(std::min(close, text.size() - 1) + 1);
    if (name == "body")
      out.emplace_back(Verify::Part::kBody, "");
    else if (name == "timestamp")
      out.emplace_back(Verify::Part::kTimestamp, "");
    else if (name == "method")
      out.emplace_back(Verify::Part::kMethod, "");
    else if (name == "uri")
      out.emplace_back(Verify::Part::kUri, "");
    else if (name.starts_with("header:") && name.size() > 7)
      out.emplace_back(Verify::Part::kHeader, std::string{name.substr(7)});
    else
      error(node, "HK1006", "'{" + std::string{name.substr(0, 40)} + "}' cannot be signed",
            "{body}, {timestamp}, {method}, {uri} or {header:NAME}");
    body = body || name == "body";
  }
  if (!body)
    error(node, "HK1006", "a signature that leaves out {body} proves nothing of it", "add {body}");
}

void HookReader::read_hmac(const YamlNode& node) {
  auto& verify = config_.verify;
  if (const auto* at = node.find("encoding"))
    verify.base64 = word(*at, {"hex", "base64"}) == "base64";
  if (const auto* at = node.find("signed")) read_signed(*at);
  if (const auto* at = node.find("timestamp"); at != nullptr && want_map(*at, "timestamp")) {
    only_keys(*at, {"header", "prefix"});
    if (const auto* header = need(*at, "header"))
      verify.time_header = plain(*header, 100, "header");
    if (const auto* prefix = at->find("prefix")) verify.time_prefix = plain(*prefix, 40, "prefix");
  }
  const bool stamped = std::any_of(verify.what.begin(), verify.what.end(), [](const auto& part) {
    return part.first == Verify::Part::kTimestamp;
  });
  if (stamped != !verify.time_header.empty())
    error(node, "HK2008",
          stamped ? "signed holds {timestamp}, and nothing says where it stands"
                  : "a timestamp that is not signed proves nothing",
          stamped ? "timestamp: { header: NAME }" : "signed: \"{timestamp}.{body}\"");
}

void HookReader::read_verify(const YamlNode& node) {
  using Scheme = Verify::Scheme;
  if (!want_map(node, "verify")) return;
  only_keys(node, {"scheme", "versions", "user", "header", "prefix", "key", "encoding", "signed",
                   "timestamp", "tolerance_s"});
  static constexpr std::pair<std::string_view, Scheme> kSchemes[] = {
      {"hubspot", Scheme::kHubspot}, {"basic", Scheme::kBasic},
      {"header", Scheme::kHeader},   {"query", Scheme::kQuery},
      {"hmac", Scheme::kHmac},       {"standard_webhooks", Scheme::kStandard}};
  const auto schemes = config_.connector->schemes;
  std::string name{schemes.substr(0, schemes.find(' '))};
  if (const auto* at = node.find("scheme"))
    name = word(*at, {"hubspot", "basic", "header", "query", "hmac", "standard_webhooks"});
  auto& verify = config_.verify;
  for (const auto& [text, scheme] : kSchemes) {
    if (text == name) verify.scheme = scheme;
  }
  const auto is = [&](std::initializer_list<Scheme> of) {
    return std::find(of.begin(), of.end(), verify.scheme) != of.end();
  };
  const auto allow = [&](std::string_view key, std::initializer_list<Scheme> of) {
    const auto* at = node.find(key);
    if (at == nullptr || is(of)) return at;
    error(*at, "HK1004", "`" + std::string{key} + "` has no meaning for scheme " + name,
          "leave it out");
    return static_cast<const YamlNode*>(nullptr);
  };
  if (const auto* at = allow("versions", {Scheme::kHubspot})) read_versions(*at);
  if (const auto* at = allow("user", {Scheme::kBasic})) verify.user = plain(*at, 200, "user");
  if (verify.user.find(':') != std::string::npos) error(node, "HK1006", "a user holds no ':'");
  if (const auto* at = allow("header", {Scheme::kHeader, Scheme::kHmac}))
    verify.name = plain(*at, 100, "header");
  if (const auto* at = allow("prefix", {Scheme::kHeader, Scheme::kHmac}))
    verify.prefix = plain(*at, 40, "prefix");
  if (const auto* at = allow("key", {Scheme::kQuery})) verify.name = plain(*at, 100, "key");
  if (const auto* at = allow("tolerance_s", {Scheme::kHmac, Scheme::kStandard})) {
    const auto value = number_of(*at);
    if (value < 1 || value > kToleranceMaxS)
      error(*at, "HK1006", "tolerance_s is 1 to 3600 seconds");
    else
      verify.tolerance = seconds(value);
  }
  for (const auto* key : {"encoding", "signed", "timestamp"}) allow(key, {Scheme::kHmac});
  if (is({Scheme::kHmac})) read_hmac(node);
  if (is({Scheme::kBasic}) && verify.user.empty()) need(node, "user");
  if (is({Scheme::kHeader, Scheme::kHmac}) && verify.name.empty()) need(node, "header");
  if (is({Scheme::kQuery}) && verify.name.empty()) verify.name = "token";
}

}  // namespace dealwright::hooks
