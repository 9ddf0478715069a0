#include "connectors/hooks/verify.h"

#include <algorithm>
#include <charconv>

#include "engine/base/base64.h"
#include "engine/base/hash.h"

namespace dealwright::hooks {
namespace {

constexpr std::size_t kFieldBytesMax = 4096;  // of a signature or timestamp
constexpr std::size_t kSignaturesMax = 16;    // in one field
constexpr std::int64_t kHubspotMs = 300'000;

HookRefusal not_signed(std::string detail) { return {"not_signed", 401, std::move(detail), {}}; }
HookRefusal bad_signature(std::string detail) {
  return {"bad_signature", 401, std::move(detail), {}};
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Any secret with which `made` gives `given`; all are tried, so that the time tells nothing.
template <class Made>
bool any_secret(const HookConfig& config, std::string_view given, Made made) {
  bool same = false;
  for (const auto& secret : config.secrets) same = same_secret(made(secret), given) || same;
  return same;
}

std::optional<std::string_view> field(const HookRequest& request, std::string_view name) {
  const auto value = header_of(request, name);
  if (!value || value->empty() || value->size() > kFieldBytesMax) return std::nullopt;
  return value;
}

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t out = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size())
    return std::nullopt;
  return out;
}

std::optional<HookRefusal> stale(std::int64_t stamp_ms, Instant now, std::int64_t tolerance_ms) {
  // Far from any clock it could overflow.
  const bool sane = stamp_ms > kInstantMin.ms && stamp_ms < kInstantMax.ms;
  if (sane && stamp_ms >= now.ms - tolerance_ms && stamp_ms <= now.ms + tolerance_ms)
    return std::nullopt;
  return HookRefusal{"stale_signature",
                     401,
                     "the signature's time is more than " + std::to_string(tolerance_ms / 1000) +
                         " s from this server's; compare the clocks, or send it again",
                     {}};
}

// What the sender calls our address: the file's, where a proxy stands before us.
std::string uri_of(const HookConfig& config, const HookRequest& request) {
  if (config.url.empty()) return request.uri;
  const auto query = request.uri.find('?');
  return query == std::string::npos ? config.url : config.url + request.uri.substr(query);
}

std::optional<HookRefusal> hubspot_v3(const HookConfig& config, const HookRequest& request,
                                      std::string_view signature) {
  const auto stamp = field(request, "x-hubspot-request-timestamp");
  const auto ms = stamp ? number_of(*stamp) : std::nullopt;
  if (!ms) return not_signed("X-HubSpot-Request-Timestamp is missing or no number");
  if (auto late = stale(*ms, request.received, kHubspotMs)) return late;
  const auto uri = uri_of(config, request);
  bool same = false;
  // Their page decodes some escapes, their own client does not.
  for (const auto& spelling : {uri, decoded_for_hubspot(uri)}) {
    const auto text = request.method + spelling + std::string{request.body} + std::string{*stamp};
    same = any_secret(config, signature,
                      [&](const std::string& secret) {
                        const auto mac = hmac_sha256(secret, text);
                        return base64(bytes_of(mac));
                      }) ||
           same;
  }
  if (same) return std::nullopt;
  return bad_signature("X-HubSpot-Signature-v3 is not that of the secret over " + request.method +
                       " " + uri +
                       ", the body and the timestamp; behind a proxy set url: to "
                       "what HubSpot calls");
}

std::optional<HookRefusal> hubspot_old(const HookConfig& config, const HookRequest& request,
                                       std::string_view signature, int version) {
  const auto uri = uri_of(config, request);
  bool same = false;
  for (const auto& spelling : {uri, decoded_for_hubspot(uri)}) {
    same = any_secret(config, signature,
                      [&](const std::string& secret) {
                        auto text = secret;
                        if (version == 2) text += request.method + spelling;
                        text += request.body;
                        return hex(sha256(text));
                      }) ||
           same;
  }
  if (same) return std::nullopt;
  return bad_signature("X-HubSpot-Signature is not that of the secret, version " +
                       std::to_string(version));
}

std::optional<HookRefusal> verify_hubspot(const HookConfig& config, const HookRequest& request) {
  const auto takes = [&](int version) {
    const auto& versions = config.verify.versions;
    return std::find(versions.begin(), versions.end(), version) != versions.end();
  };
  // A newer signature that is there is the one that counts.
  if (const auto v3 = field(request, "x-hubspot-signature-v3"); v3 && takes(3))
    return hubspot_v3(config, request, *v3);
  const auto old = field(request, "x-hubspot-signature");
  const auto said = field(request, "x-hubspot-signature-version");
  const int version = !said || *said == "v1" ? 1 : *said == "v2" ? 2 : 0;
  if (old && version != 0 && takes(version)) return hubspot_old(config, request, *old, version);
  return not_signed(
      "there is no HubSpot signature of a version that this hook takes; verify: { "
      "versions: [..] } says which");
}

std::optional<HookRefusal> verify_basic(const HookConfig& config, const HookRequest& request) {
  const auto refuse = [](const char* code) {
    return HookRefusal{code, 401, "user and password of basic authentication are not this hook's",
                       "Basic realm=\"dealwright hook\", charset=\"UTF-8\""};
  };
  const auto given = field(request, "authorization");
  if (!given) return refuse("not_signed");
  if (given->size() < 6 || !same_name(given->substr(0, 6), "basic ")) return refuse("not_signed");
  auto text = given->substr(6);
  while (text.starts_with(' ')) text.remove_prefix(1);
  const auto decoded = parse_base64(text);
  if (!decoded) return refuse("bad_signature");
  const bool same = any_secret(config, decoded.value(), [&](const std::string& secret) {
    return config.verify.user + ":" + secret;
  });
  if (same) return std::nullopt;
  return refuse("bad_signature");
}

std::optional<HookRefusal> verify_header(const HookConfig& config, const HookRequest& request) {
  const auto given = field(request, config.verify.name);
  if (!given) return not_signed("the field " + config.verify.name + " is missing");
  const auto prefix = std::string_view{config.verify.prefix};
  const bool same =
      given->starts_with(prefix) && any_secret(config, given->substr(prefix.size()),
                                               [](const std::string& secret) { return secret; });
  if (same) return std::nullopt;
  return bad_signature("the field " + config.verify.name + " does not hold the secret");
}

// The value of the one query parameter of that name. Secrets are of letters that need no escape.
std::optional<std::string_view> query_of(std::string_view uri, std::string_view name) {
  const auto mark = uri.find('?');
  if (mark == std::string_view::npos) return std::nullopt;
  auto query = uri.substr(mark + 1, uri.find('#', mark) - mark - 1);
  std::optional<std::string_view> found;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) != name) continue;
    if (found) return std::nullopt;
    found = pair.substr(std::min(pair.size(), equals + 1));
  }
  return found;
}

std::optional<HookRefusal> verify_query(const HookConfig& config, const HookRequest& request) {
  const auto given = query_of(request.uri, config.verify.name);
  if (!given || given->empty() || given->size() > kFieldBytesMax)
    return not_signed("the query has no one parameter " + config.verify.name);
  if (any_secret(config, *given, [](const std::string& secret) { return secret; }))
    return std::nullopt;
  return bad_signature("the query parameter " + config.verify.name + " is not the secret");
}

// The parts of a field, between commas and blanks, that begin with `prefix`; without it.
std::vector<std::string_view> parts_with(std::string_view text, std::string_view prefix) {
  std::vector<std::string_view> out;
  while (!text.empty() && out.size() < kSignaturesMax) {
    const auto part = text.substr(0, text.find_first_of(", "));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (!part.empty() && part.starts_with(prefix)) out.push_back(part.substr(prefix.size()));
  }
  return out;
}

bool any_signature(const HookConfig& config, const std::vector<std::string_view>& given,
                   const std::string& text, bool in_base64) {
  bool same = false;
  for (const auto& secret : config.secrets) {
    const auto mac = hmac_sha256(secret, text);
    const auto wanted = in_base64 ? base64(bytes_of(mac)) : hex(mac);
    for (const auto signature : given) {
      std::string written{signature};
      if (!in_base64) std::transform(written.begin(), written.end(), written.begin(), lower);
      same = same_secret(wanted, written) || same;
    }
  }
  return same;
}

std::optional<HookRefusal> verify_hmac(const HookConfig& config, const HookRequest& request) {
  const auto& how = config.verify;
  const auto given = field(request, how.name);
  if (!given) return not_signed("the field " + how.name + " is missing");
  const auto signatures = parts_with(*given, how.prefix);
  if (signatures.empty())
    return not_signed("the field " + how.name + " holds nothing that begins with '" + how.prefix +
                      "'");
  std::string stamp;
  if (!how.time_header.empty()) {
    const auto text = field(request, how.time_header);
    const auto stamps = parts_with(text.value_or(""), how.time_prefix);
    const auto number = stamps.empty() ? std::nullopt : number_of(stamps.front());
    if (!number) return not_signed("the field " + how.time_header + " holds no timestamp");
    stamp = stamps.front();
    const bool in_seconds = *number < 100'000'000'000 && *number > -100'000'000'000;
    if (auto late =
            stale(in_seconds ? *number * 1000 : *number, request.received, how.tolerance.ms))
      return late;
  }
  std::string text;
  for (const auto& [part, word] : how.what) {
    switch (part) {
      case Verify::Part::kLiteral:
        text += word;
        break;
      case Verify::Part::kBody:
        text += request.body;
        break;
      case Verify::Part::kTimestamp:
        text += stamp;
        break;
      case Verify::Part::kMethod:
        text += request.method;
        break;
      case Verify::Part::kUri:
        text += uri_of(config, request);
        break;
      case Verify::Part::kHeader:
        text += field(request, word).value_or("");
        break;
    }
  }
  if (any_signature(config, signatures, text, how.base64)) return std::nullopt;
  return bad_signature("the signature in " + how.name + " is not that of the secret");
}

// https://www.standardwebhooks.com
std::optional<HookRefusal> verify_standard(const HookConfig& config, const HookRequest& request) {
  const auto id = field(request, "webhook-id");
  const auto stamp = field(request, "webhook-timestamp");
  const auto given = field(request, "webhook-signature");
  const auto seconds = stamp ? number_of(*stamp) : std::nullopt;
  if (!id || !given || !seconds)
    return not_signed("webhook-id, webhook-timestamp and webhook-signature are needed");
  const bool sane = *seconds > -100'000'000'000 && *seconds < 100'000'000'000;
  if (auto late = stale(sane ? *seconds * 1000 : 0, request.received, config.verify.tolerance.ms))
    return late;
  const auto text = std::string{*id} + "." + std::string{*stamp} + "." + std::string{request.body};
  // `v1,AAA v1,BBB`: the comma stands inside a part.
  std::vector<std::string_view> signatures;
  auto rest = *given;
  while (!rest.empty() && signatures.size() < kSignaturesMax) {
    const auto part = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    if (part.starts_with("v1,")) signatures.push_back(part.substr(3));
  }
  if (any_signature(config, signatures, text, true)) return std::nullopt;
  return bad_signature("webhook-signature is not that of the secret");
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string_view> header_of(const HookRequest& request, std::string_view name) {
  std::optional<std::string_view> found;
  for (const auto& [key, value] : request.headers) {
    if (!same_name(key, name)) continue;
    if (found) return std::nullopt;  // which of them was signed nobody can tell
    found = value;
  }
  return found;
}

std::string decoded_for_hubspot(std::string_view uri) {
  static constexpr std::pair<std::string_view, char> kEscapes[] = {
      {"%3a", ':'},  {"%2f", '/'}, {"%3f", '?'}, {"%40", '@'}, {"%21", '!'}, {"%24", '$'},
      {"%27", '\''}, {"%28", '('}, {"%29", ')'}, {"%2a", '*'}, {"%2c", ','}, {"%3b", ';'}};
  std::string out;
  for (std::size_t i = 0; i < uri.size(); ++i) {
    const auto* escape = std::find_if(std::begin(kEscapes), std::end(kEscapes), [&](const auto& e) {
      return uri[i] == '%' && same_name(uri.substr(i, 3), e.first);
    });
    if (escape == std::end(kEscapes)) {
      out.push_back(uri[i]);
    } else {
      out.push_back(escape->second);
      i += 2;
    }
  }
  return out;
}

std::optional<HookRefusal> verify(const HookConfig& config, const HookRequest& request) {
  if (config.secrets.empty())
    return HookRefusal{"not_signed", 401, "this hook was loaded without secrets", {}};
  switch (config.verify.scheme) {
    case Verify::Scheme::kHubspot:
      return verify_hubspot(config, request);
    case Verify::Scheme::kBasic:
      return verify_basic(config, request);
    case Verify::Scheme::kHeader:
      return verify_header(config, request);
    case Verify::Scheme::kQuery:
      return verify_query(config, request);
    case Verify::Scheme::kHmac:
      return verify_hmac(config, request);
    case Verify::Scheme::kStandard:
      return verify_standard(config, request);
  }
  return not_signed("no scheme");
}

}  // namespace dealwright::hooks
