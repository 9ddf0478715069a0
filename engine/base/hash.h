// Hashes: CRC32C for frames on disk, XXH3 for tables and dedup, SHA-256 for ids and the chain.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace dealwright {

using Sha256 = std::array<std::uint8_t, 32>;

struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};

// CRC32C (Castagnoli), `seed` is the value of the bytes before.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);
std::uint64_t hash64(std::string_view bytes);
// Hash of two texts, length-prefixed so that ("a","bc") differs from ("ab","c").
Hash128 hash128(std::string_view a, std::string_view b);
Sha256 sha256(std::string_view bytes);
// HMAC-SHA-256 of RFC 2104.
Sha256 hmac_sha256(std::string_view key, std::string_view bytes);

// Whether two secrets are equal, in a time that does not tell where they differ.
bool same_secret(std::string_view a, std::string_view b);

// SHA-256 fed in pieces; reusable after finish(). One thread.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;
  void update(std::string_view bytes);
  Sha256 finish();  // and starts anew

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string hex(std::span<const std::uint8_t> bytes);
// None: not 64 hex digits.
std::optional<Sha256> sha256_of_hex(std::string_view text);
inline std::string_view bytes_of(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace dealwright
