#include "connectors/webhook/signature.h"

#include <fmt/format.h>

#include "engine/base/base64.h"
#include "engine/base/hash.h"

namespace dealwright::webhook {
namespace {

constexpr std::string_view kPrefix = "whsec_";

}  // namespace

Result<std::string> parse_secret(std::string_view text) {
  if (!text.starts_with(kPrefix))
    return Error{Code::kInvalid, "a secret of a webhook begins with whsec_"};
  auto bytes = parse_base64(text.substr(kPrefix.size()));
  if (!bytes)
    return Error{Code::kInvalid,
                 "a secret of a webhook is whsec_ and base64 (RFC 4648, with padding)"};
  if (bytes.value().size() < 24 || bytes.value().size() > 64)
    return Error{Code::kInvalid, "a secret of a webhook has 24 to 64 bytes"};
  return bytes;
}

std::string signatures(const std::vector<std::string>& secrets, std::string_view id,
                       std::int64_t timestamp_s, std::string_view body) {
  const auto text = fmt::format("{}.{}.{}", id, timestamp_s, body);
  std::string out;
  for (const auto& secret : secrets) {
    const auto mac = hmac_sha256(secret, text);
    out += fmt::format("{}v1,{}", out.empty() ? "" : " ", base64(bytes_of(mac)));
  }
  return out;
}

}  // namespace dealwright::webhook
