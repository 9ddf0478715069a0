// A body that comes in chunks (RFC 9112 7.1), decoded by Beast.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace dealwright::http {

class ChunkedBody {
 public:
  explicit ChunkedBody(std::size_t bytes_max);
  ~ChunkedBody();

  enum class State : unsigned char { kMore, kDone, kTooLarge, kBad };
  // Takes what it can from the front of `bytes`: `used` says how many. kMore: call again with the
  // rest and what comes after it.
  State feed(std::string_view bytes, std::size_t& used);
  std::size_t size() const;
  std::string take();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace dealwright::http
