#include "engine/base/base64.h"

namespace dealwright {
namespace {

constexpr std::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

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

}  // namespace dealwright
