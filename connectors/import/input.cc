#include "connectors/import/input.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace dealwright::import {
namespace {

class FileInput final : public Input {
 public:
  FileInput(std::unique_ptr<File> file, std::uint64_t size) : file_{std::move(file)}, size_{size} {}
  Result<std::size_t> read(char* out, std::size_t count) override {
    DW_TRY(auto got, file_->read_at(at_, count, out));
    at_ += got;
    return got;
  }
  std::uint64_t bytes_read() const override { return at_; }
  std::uint64_t bytes_total() const override { return size_; }

 private:
  std::unique_ptr<File> file_;
  const std::uint64_t size_;
  std::uint64_t at_ = 0;
};

class TextInput final : public Input {
 public:
  explicit TextInput(std::string bytes) : bytes_{std::move(bytes)} {}
  Result<std::size_t> read(char* out, std::size_t count) override {
    const auto got = std::min(count, bytes_.size() - at_);
    std::memcpy(out, bytes_.data() + at_, got);
    at_ += got;
    return got;
  }
  std::uint64_t bytes_read() const override { return at_; }
  std::uint64_t bytes_total() const override { return bytes_.size(); }

 private:
  const std::string bytes_;
  std::size_t at_ = 0;
};

// Puts bytes that were read to look at back in front of the rest.
class Unread final : public Input {
 public:
  Unread(std::string head, std::unique_ptr<Input> rest)
      : head_{std::move(head)}, rest_{std::move(rest)} {}
  Result<std::size_t> read(char* out, std::size_t count) override {
    if (at_ == head_.size()) return rest_->read(out, count);
    const auto got = std::min(count, head_.size() - at_);
    std::memcpy(out, head_.data() + at_, got);
    at_ += got;
    return got;
  }
  std::uint64_t bytes_read() const override { return rest_->bytes_read(); }
  std::uint64_t bytes_total() const override { return rest_->bytes_total(); }

 private:
  const std::string head_;
  std::size_t at_ = 0;
  std::unique_ptr<Input> rest_;
};

// gzip, of one member or several.
class GzipInput final : public Input {
 public:
  GzipInput(std::unique_ptr<Input> packed, UnpackLimits limits)
      : packed_{std::move(packed)}, limits_{limits} {}
  ~GzipInput() override { inflateEnd(&stream_); }
  GzipInput(const GzipInput&) = delete;
  GzipInput& operator=(const GzipInput&) = delete;

  Result<void> start() {
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) return Error{Code::kNoSpace, "zlib has no memory"};
    return ok();
  }

  Result<std::size_t> read(char* out, std::size_t count) override {
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(count);
    while (stream_.avail_out == count) {
      if (stream_.avail_in == 0) {
        DW_TRY(fill());
        if (stream_.avail_in == 0) {
          if (ended_) return std::size_t{0};
          return Error{Code::kDamaged, "the gzip file ends in the middle; fetch it again"};
        }
      }
      if (ended_) {  // a further member
        inflateReset(&stream_);
        ended_ = false;
      }
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
        return Error{Code::kDamaged, std::string{"the gzip file is damaged: "} +
                                         (stream_.msg != nullptr ? stream_.msg : "bad data") +
                                         "; fetch it again"};
      }
      ended_ = status == Z_STREAM_END;
    }
    const auto got = count - stream_.avail_out;
    unpacked_ += got;
    DW_TRY(check());
    return got;
  }
  std::uint64_t bytes_read() const override { return packed_->bytes_read(); }
  std::uint64_t bytes_total() const override { return packed_->bytes_total(); }

 private:
  Result<void> fill() {
    DW_TRY(auto got, packed_->read(buffer_.data(), buffer_.size()));
    taken_ += got;
    stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
    stream_.avail_in = static_cast<uInt>(got);
    return ok();
  }
  Result<void> check() const {
    if (unpacked_ > limits_.bytes_max) {
      return Error{Code::kOverload, "the gzip file unpacks to more than " +
                                        std::to_string(limits_.bytes_max >> 20) + " MiB; split it"};
    }
    if (unpacked_ > limits_.free_bytes && unpacked_ / limits_.ratio_max > taken_) {
      return Error{Code::kOverload, "the gzip file unpacks to more than " +
                                        std::to_string(limits_.ratio_max) +
                                        " times its size; unpack it yourself if it is sound"};
    }
    return ok();
  }

  std::unique_ptr<Input> packed_;
  const UnpackLimits limits_;
  z_stream stream_{};
  std::array<char, 64 * 1024> buffer_;
  std::uint64_t taken_ = 0;
  std::uint64_t unpacked_ = 0;
  bool ended_ = false;
};

Result<std::unique_ptr<Input>> unpack(std::unique_ptr<Input> raw, UnpackLimits limits) {
  std::string head(2, '\0');
  std::size_t have = 0;
  while (have < head.size()) {
    DW_TRY(auto got, raw->read(head.data() + have, head.size() - have));
    if (got == 0) break;
    have += got;
  }
  head.resize(have);
  const bool gzip = head == "\x1f\x8b";
  std::unique_ptr<Input> input = std::make_unique<Unread>(std::move(head), std::move(raw));
  if (!gzip) return input;
  auto unpacked = std::make_unique<GzipInput>(std::move(input), limits);
  DW_TRY(unpacked->start());
  return std::unique_ptr<Input>{std::move(unpacked)};
}

}  // namespace

Result<std::unique_ptr<Input>> open_input(std::unique_ptr<File> file, UnpackLimits limits) {
  DW_TRY(auto size, file->size());
  return unpack(std::make_unique<FileInput>(std::move(file), size), limits);
}

Result<std::unique_ptr<Input>> open_text(std::string bytes, UnpackLimits limits) {
  return unpack(std::make_unique<TextInput>(std::move(bytes)), limits);
}

}  // namespace dealwright::import
