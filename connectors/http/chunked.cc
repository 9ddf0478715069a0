#include "connectors/http/chunked.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "engine/base/assert.h"

namespace dealwright::http {

namespace beast = boost::beast;

// Our own reader has read the real head; this one tells Beast what follows it.
struct ChunkedBody::Parts {
  beast::http::request_parser<beast::http::string_body> parser;
};

ChunkedBody::ChunkedBody(std::size_t bytes_max) : parts_{std::make_unique<Parts>()} {
  constexpr std::string_view kHead = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  auto& parser = parts_->parser;
  parser.body_limit(bytes_max);
  parser.header_limit(4'096);  // of the trailer too
  beast::error_code failed;
  parser.put(boost::asio::buffer(kHead.data(), kHead.size()), failed);
  DW_ASSERT(!failed && parser.is_header_done());
  parser.eager(true);
}
ChunkedBody::~ChunkedBody() = default;

ChunkedBody::State ChunkedBody::feed(std::string_view bytes, std::size_t& used) {
  used = 0;
  auto& parser = parts_->parser;
  // Beast asserts that it sees so much behind a last chunk's line. No body ends within less, so
  // less can wait for what comes.
  constexpr std::size_t kShortestEnd = 5;  // 0 CR LF CR LF
  while (!parser.is_done() && bytes.size() - used >= kShortestEnd) {
    beast::error_code failed;
    const auto rest = bytes.substr(used);
    const auto count = parser.put(boost::asio::buffer(rest.data(), rest.size()), failed);
    used += count;
    if (failed == beast::http::error::body_limit) return State::kTooLarge;
    if (failed && failed != beast::http::error::need_more) return State::kBad;
    if (failed || count == 0) break;
  }
  return parser.is_done() ? State::kDone : State::kMore;
}
std::size_t ChunkedBody::size() const { return parts_->parser.get().body().size(); }
std::string ChunkedBody::take() { return std::move(parts_->parser.get().body()); }

}  // namespace dealwright::http
