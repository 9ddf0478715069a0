// The Protobuf wire format by hand, for the hot path: no objects between bytes and structs. What is
// written here agrees with proto/dealwright/v1; a test holds it against the generated classes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"

namespace dealwright::codec {

// Writes fields; empty texts and zeros are left out by the caller where the format says optional.
class WireWriter {
 public:
  explicit WireWriter(std::string& out) : out_{out} {}
  void number(std::uint32_t field, std::uint64_t v) {
    tag(field, 0);
    put_varint(out_, v);
  }
  void sint(std::uint32_t field, std::int64_t v) { number(field, zigzag(v)); }
  void flag(std::uint32_t field, bool v) { number(field, v ? 1 : 0); }
  void fixed32(std::uint32_t field, std::uint32_t v) {
    tag(field, 5);
    put_fixed32(out_, v);
  }
  void fixed64(std::uint32_t field, std::uint64_t v) {
    tag(field, 1);
    put_fixed64(out_, v);
  }
  void text(std::uint32_t field, std::string_view v) {
    tag(field, 2);
    put_text(out_, v);
  }
  void text_if(std::uint32_t field, std::string_view v) {
    if (!v.empty()) text(field, v);
  }
  void number_if(std::uint32_t field, std::uint64_t v) {
    if (v != 0) number(field, v);
  }
  // A message: `write` fills it; its length is put in front afterwards.
  template <class F>
  void message(std::uint32_t field, F&& write) {
    tag(field, 2);
    const auto at = out_.size();
    out_.push_back('\0');
    write(*this);
    auto length = out_.size() - at - 1;
    if (length < 0x80) {
      out_[at] = static_cast<char>(length);
      return;
    }
    std::string prefix;
    put_varint(prefix, length);
    out_.replace(at, 1, prefix);
  }
  std::string& out() { return out_; }

 private:
  void tag(std::uint32_t field, std::uint32_t type) { put_varint(out_, (field << 3) | type); }
  std::string& out_;
};

// Reads fields one by one. After malformed bytes failed() is true and next() false.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : in_{bytes} {}
  bool next() {
    if (in_.at_end() || in_.failed()) return false;
    const auto tag = in_.varint();
    field_ = static_cast<std::uint32_t>(tag >> 3);
    number_ = 0;  // a field of another wire type than expected reads as its default
    text_ = {};
    switch (tag & 7) {
      case 0:
        number_ = in_.varint();
        break;
      case 1:
        number_ = in_.fixed64();
        break;
      case 2:
        text_ = in_.text();
        break;
      case 5:
        number_ = in_.fixed32();
        break;
      default:
        bad_ = true;
    }
    if (field_ == 0 || tag > 0xffffffffU) bad_ = true;
    return !in_.failed() && !bad_;
  }
  std::uint32_t field() const { return field_; }
  std::uint64_t number() const { return number_; }
  std::int64_t sint() const { return unzigzag(number_); }
  bool flag() const { return number_ != 0; }
  std::string_view text() const { return text_; }
  bool failed() const { return bad_ || in_.failed(); }

 private:
  ByteReader in_;
  std::uint32_t field_ = 0;
  std::uint64_t number_ = 0;
  std::string_view text_;
  bool bad_ = false;
};

}  // namespace dealwright::codec
