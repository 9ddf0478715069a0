#include "connectors/smtp/return_path.h"

#include <fmt/format.h>

#include <algorithm>

namespace dealwright::smtp {
namespace {

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz234567";  // RFC 4648, lower case
constexpr std::size_t kPrefixLetters = 32;
constexpr std::size_t kMacLetters = 16;

// REQUIRES: a multiple of 5 bytes
std::string base32(std::string_view bytes) {
  std::string out;
  std::uint64_t bits = 0;
  unsigned count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<std::uint8_t>(c);
    for (count += 8; count >= 5; count -= 5) out.push_back(kLetters[bits >> (count - 5) & 31]);
  }
  return out;
}

std::string mac_of(std::string_view prefix, std::string_view key) {
  const auto mac = hmac_sha256(key, fmt::format("return-path {}", prefix));
  return base32(bytes_of(mac).substr(0, 10));
}

std::string lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

}  // namespace

EffectPrefix prefix_of(const EffectId& effect) {
  EffectPrefix out{};
  std::copy_n(effect.begin(), out.size(), out.begin());
  return out;
}

std::string return_path(const EffectId& effect, std::string_view key, std::string_view domain) {
  const auto prefix = base32(bytes_of(effect).substr(0, sizeof(EffectPrefix)));
  return fmt::format("b+{}.{}@{}", prefix, mac_of(prefix, key), domain);
}

std::optional<EffectPrefix> effect_of_return_path(std::string_view address, std::string_view key,
                                                  std::string_view domain) {
  const auto text = lower(address);
  const std::string_view view = text;
  if (view.size() != 2 + kPrefixLetters + 1 + kMacLetters + 1 + domain.size()) return {};
  const auto prefix = view.substr(2, kPrefixLetters);
  const auto mac = view.substr(2 + kPrefixLetters + 1, kMacLetters);
  if (!view.starts_with("b+") || view[2 + kPrefixLetters] != '.' ||
      view.substr(2 + kPrefixLetters + 1 + kMacLetters) != "@" + lower(domain))
    return {};
  const auto right = mac_of(prefix, key);
  unsigned different = 0;
  for (std::size_t i = 0; i < kMacLetters; ++i)
    different |= static_cast<unsigned char>(mac[i] ^ right[i]);
  if (different != 0) return {};

  EffectPrefix out{};
  std::uint64_t bits = 0;
  unsigned count = 0;
  std::size_t at = 0;
  for (const char c : prefix) {
    const auto value = kLetters.find(c);
    if (value == std::string_view::npos) return {};
    bits = bits << 5 | value;
    count += 5;
    if (count >= 8) {
      count -= 8;
      out[at++] = static_cast<std::uint8_t>(bits >> count);
    }
  }
  return out;
}

bool looks_like_return_path(std::string_view address, std::string_view domain) {
  const auto text = lower(address);
  return text.starts_with("b+") && text.ends_with("@" + lower(domain));
}

}  // namespace dealwright::smtp
