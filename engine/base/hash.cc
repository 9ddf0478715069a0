#include "engine/base/hash.h"

#include <nmmintrin.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "engine/base/assert.h"

namespace dealwright {

std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed) {
  std::uint64_t crc = ~seed;
  const char* p = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, p += 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  auto tail = static_cast<std::uint32_t>(crc);
  for (; left > 0; --left, ++p) tail = _mm_crc32_u8(tail, static_cast<std::uint8_t>(*p));
  return ~tail;
}

std::uint64_t hash64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

Hash128 hash128(std::string_view a, std::string_view b) {
  char buffer[512];
  const std::uint64_t length = a.size();
  XXH128_hash_t out;
  if (a.size() + b.size() + sizeof length <= sizeof buffer) {
    std::memcpy(buffer, &length, sizeof length);
    std::memcpy(buffer + sizeof length, a.data(), a.size());
    std::memcpy(buffer + sizeof length + a.size(), b.data(), b.size());
    out = XXH3_128bits(buffer, sizeof length + a.size() + b.size());
  } else {
    std::string joined{reinterpret_cast<const char*>(&length), sizeof length};
    joined.append(a).append(b);
    out = XXH3_128bits(joined.data(), joined.size());
  }
  return Hash128{out.high64, out.low64};
}

struct Sha256Stream::State {
  EVP_MD* algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
};

Sha256Stream::Sha256Stream() : state_{std::make_unique<State>()} {
  DW_ASSERT(state_->algorithm != nullptr && state_->context != nullptr);
  DW_ASSERT(EVP_DigestInit_ex2(state_->context, state_->algorithm, nullptr) == 1);
}
Sha256Stream::~Sha256Stream() {
  EVP_MD_CTX_free(state_->context);
  EVP_MD_free(state_->algorithm);
}
void Sha256Stream::update(std::string_view bytes) {
  DW_ASSERT(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}
Sha256 Sha256Stream::finish() {
  Sha256 out;
  DW_ASSERT(EVP_DigestFinal_ex(state_->context, out.data(), nullptr) == 1);
  DW_ASSERT(EVP_DigestInit_ex2(state_->context, state_->algorithm, nullptr) == 1);
  return out;
}

Sha256 sha256(std::string_view bytes) {
  thread_local Sha256Stream stream;  // fetching the algorithm costs more than a short hash
  stream.update(bytes);
  return stream.finish();
}

Sha256 hmac_sha256(std::string_view key, std::string_view bytes) {
  Sha256 out;
  unsigned length = 0;
  const auto* done =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data(), &length);
  DW_ASSERT(done != nullptr && length == out.size());
  return out;
}

// Of digests: so neither the length nor the first difference shows in the time.
bool same_secret(std::string_view a, std::string_view b) {
  const auto left = sha256(a);
  const auto right = sha256(b);
  return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::string hex(std::span<const std::uint8_t> bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

std::optional<Sha256> sha256_of_hex(std::string_view text) {
  Sha256 out{};
  if (text.size() != 2 * out.size()) return std::nullopt;
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto high = digit(text[2 * i]);
    const auto low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return out;
}

}  // namespace dealwright
