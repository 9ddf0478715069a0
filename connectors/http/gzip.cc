#include "connectors/http/gzip.h"

#include <zlib.h>

#include <algorithm>

namespace dealwright::http {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;

struct Stream {
  z_stream z{};
  bool sound = inflateInit2(&z, kGzipOnly) == Z_OK;
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() {
    if (sound) inflateEnd(&z);
  }
};

}  // namespace

Result<std::string> inflate_gzip(std::string_view bytes, std::size_t bytes_max) {
  Stream stream;
  if (!stream.sound) return Error{Code::kOverload, "no memory to inflate"};
  auto& z = stream.z;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  for (;;) {
    const auto have = out.size();
    // One byte over the limit tells too much from just enough.
    const auto room = std::min<std::size_t>(64 << 10, bytes_max + 1 - have);
    if (room == 0) return Error{Code::kOverload, "the body is too large once inflated"};
    out.resize(have + room);
    z.next_out = reinterpret_cast<Bytef*>(out.data() + have);
    z.avail_out = static_cast<uInt>(room);
    const int came = inflate(&z, Z_NO_FLUSH);
    out.resize(have + room - z.avail_out);
    if (out.size() > bytes_max)
      return Error{Code::kOverload, "the body is too large once inflated"};
    if (came == Z_STREAM_END) break;
    if (came != Z_OK || (z.avail_in == 0 && z.avail_out > 0))
      return Error{Code::kInvalid, "the body is no sound gzip"};
  }
  if (z.avail_in > 0) return Error{Code::kInvalid, "something follows the gzip body"};
  return out;
}

}  // namespace dealwright::http
