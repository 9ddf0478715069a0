#include "connectors/webhook/signature.h"

#include <fmt/format.h>

#include "engine/base/hash.h"

namespace dealwright::webhook {
namespace {

constexpr std::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kPrefix = "whsec_";

}  // namespace

std::string base64(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j)
      bits = bits << 8 | (i + j < bytes.size() ? static_cast<std::uint8_t>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j)
      out.push_back(i + j > bytes.size() ? '=' : kLetters[bits >> (18 - 6 * j) & 63]);
  }
  return out;
}

Result<std::string> parse_base64(std::string_view text) {
  const Error wrong{Code::kInvalid, "no base64 text (RFC 4648, with padding)"};
  if (text.size() % 4 != 0) return wrong;
  const auto padding = text.ends_with("==") ? 2U : text.ends_with('=') ? 1U : 0U;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t bits = 0;
    for (std::size_t j = i; j < i + 4; ++j) {
      const auto value = j + padding >= text.size() ? 0 : kLetters.find(text[j]);
      if (value == std::string_view::npos) return wrong;
      bits = bits << 6 | static_cast<std::uint32_t>(value);
    }
    for (const int shift : {16, 8, 0}) out.push_back(static_cast<char>(bits >> shift));
  }
  out.resize(out.size() - padding);
  if (base64(out) != text) return wrong;  // bits that mean nothing are set
  return out;
}

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
