// Compact bytes for state: varints, zig-zag, length-prefixed text. Append-only writer, checked
// reader. Layouts are part of the state format: change one only behind a new version.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace dealwright {

constexpr std::uint64_t zigzag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t v) {
  return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
}

inline void put_varint(std::string& out, std::uint64_t v) {
  if (v < 0x80) return out.push_back(static_cast<char>(v));
  char bytes[10];
  std::size_t size = 0;
  for (; v >= 0x80; v >>= 7) bytes[size++] = static_cast<char>(v | 0x80);
  bytes[size++] = static_cast<char>(v);
  out.append(bytes, size);
}
inline void put_signed(std::string& out, std::int64_t v) { put_varint(out, zigzag(v)); }
inline void put_text(std::string& out, std::string_view v) {
  put_varint(out, v.size());
  out.append(v);
}
inline void put_fixed32(std::string& out, std::uint32_t v) {  // little-endian
  char bytes[4];
  for (auto& byte : bytes) {
    byte = static_cast<char>(v);
    v >>= 8;
  }
  out.append(bytes, sizeof bytes);
}
inline void put_fixed64(std::string& out, std::uint64_t v) {  // little-endian
  put_fixed32(out, static_cast<std::uint32_t>(v));
  put_fixed32(out, static_cast<std::uint32_t>(v >> 32));
}
// Big-endian: keys that sort as the numbers do.
inline void put_key64(std::string& out, std::uint64_t v) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift));
}
inline void put_key32(std::string& out, std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift));
}
// Signed numbers sort below and above zero as they should.
inline void put_key_signed(std::string& out, std::int64_t v) {
  put_key64(out, static_cast<std::uint64_t>(v) ^ (std::uint64_t{1} << 63));
}

// Reads what the above wrote. After a short or malformed read, failed() is true and every further
// read gives 0 or empty.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_{bytes} {}
  std::uint64_t varint() {
    std::uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) return fail();
      const auto byte = static_cast<std::uint8_t>(bytes_.front());
      bytes_.remove_prefix(1);
      v |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return v;
    }
    return fail();
  }
  std::int64_t signed_varint() { return unzigzag(varint()); }
  std::string_view text() { return take(varint()); }
  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size()) {
      fail();
      return {};
    }
    const auto out = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return out;
  }
  std::uint32_t fixed32() {
    const auto raw = take(4);
    std::uint32_t v = 0;
    for (std::size_t i = raw.size(); i-- > 0;) v = (v << 8) | static_cast<std::uint8_t>(raw[i]);
    return v;
  }
  std::uint64_t fixed64() {
    const std::uint64_t low = fixed32();
    return low | (static_cast<std::uint64_t>(fixed32()) << 32);
  }
  std::uint64_t key64() {
    const auto raw = take(8);
    std::uint64_t v = 0;
    for (const char c : raw) v = (v << 8) | static_cast<std::uint8_t>(c);
    return v;
  }
  std::uint32_t key32() {
    const auto raw = take(4);
    std::uint32_t v = 0;
    for (const char c : raw) v = (v << 8) | static_cast<std::uint8_t>(c);
    return v;
  }
  std::int64_t key_signed() {
    return static_cast<std::int64_t>(key64() ^ (std::uint64_t{1} << 63));
  }
  bool at_end() const { return bytes_.empty(); }
  bool failed() const { return failed_; }
  std::string_view rest() const { return bytes_; }

 private:
  std::uint64_t fail() {
    failed_ = true;
    bytes_ = {};
    return 0;
  }
  std::string_view bytes_;
  bool failed_ = false;
};

}  // namespace dealwright
