#include "engine/base/hash.h"

#include <nmmintrin.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

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

namespace {

// Fetching an algorithm costs more than a short hash; what is fetched is for all threads.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return fetched;
}

class HmacContext {
 public:
  HmacContext() {
    static EVP_MAC* fetched = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    DW_ASSERT(fetched != nullptr);
    context_ = EVP_MAC_CTX_new(fetched);
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                     OSSL_PARAM_construct_end()};
    DW_ASSERT(context_ != nullptr && EVP_MAC_CTX_set_params(context_, parameters) == 1);
  }
  ~HmacContext() { EVP_MAC_CTX_free(context_); }
  HmacContext(const HmacContext&) = delete;
  HmacContext& operator=(const HmacContext&) = delete;
  EVP_MAC_CTX* get() const { return context_; }

 private:
  EVP_MAC_CTX* context_ = nullptr;
};

}  // namespace

struct Sha256Stream::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
};

Sha256Stream::Sha256Stream() : state_{std::make_unique<State>()} {
  DW_ASSERT(sha256_algorithm() != nullptr && state_->context != nullptr);
  DW_ASSERT(EVP_DigestInit_ex2(state_->context, sha256_algorithm(), nullptr) == 1);
}
Sha256Stream::~Sha256Stream() { EVP_MD_CTX_free(state_->context); }
void Sha256Stream::update(std::string_view bytes) {
  DW_ASSERT(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}
Sha256 Sha256Stream::finish() {
  Sha256 out;
  DW_ASSERT(EVP_DigestFinal_ex(state_->context, out.data(), nullptr) == 1);
  DW_ASSERT(EVP_DigestInit_ex2(state_->context, sha256_algorithm(), nullptr) == 1);
  return out;
}

Sha256 sha256(std::string_view bytes) {
  thread_local Sha256Stream stream;
  stream.update(bytes);
  return stream.finish();
}

Sha256 hmac_sha256(std::string_view key, std::string_view bytes) {
  thread_local HmacContext context;
  // Without a key OpenSSL goes on with the one before.
  static constexpr unsigned char kNone[1] = {};
  const auto* first = key.empty() ? kNone : reinterpret_cast<const unsigned char*>(key.data());
  Sha256 out;
  std::size_t length = 0;
  DW_ASSERT(EVP_MAC_init(context.get(), first, key.size(), nullptr) == 1);
  DW_ASSERT(EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(bytes.data()),
                           bytes.size()) == 1);
  DW_ASSERT(EVP_MAC_final(context.get(), out.data(), &length, out.size()) == 1);
  DW_ASSERT(length == out.size());
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
