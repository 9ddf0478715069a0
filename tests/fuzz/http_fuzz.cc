// What a request's head is made of: any bytes are refused or read, what is read is written back
// alike, and a head that we take is one that Beast takes with the same framing.
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdlib>

#include "connectors/http/accept.h"
#include "connectors/http/api_key.h"
#include "connectors/http/chunked.h"
#include "connectors/http/etag.h"
#include "connectors/http/gzip.h"
#include "connectors/http/head.h"
#include "connectors/http/query.h"
#include "connectors/http/text.h"
#include "connectors/http/trace.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace dealwright;
using namespace dealwright::http;

void require(bool holds) {
  if (!holds) std::abort();
}

void head(std::string_view text) {
  const auto length = head_length(text);
  if (length == 0) return;
  const auto bytes = text.substr(0, length);
  Head ours;
  if (read_head(bytes, Limits{}, ours)) return;
  boost::beast::http::request_parser<boost::beast::http::empty_body> parser;
  parser.body_limit(boost::none);
  parser.header_limit(1 << 20);
  boost::beast::error_code failed;
  parser.put(boost::asio::buffer(bytes.data(), bytes.size()), failed);
  require(parser.is_header_done());
  const auto& theirs = parser.get();
  const auto method = theirs.method_string();
  require(std::string_view{method.data(), method.size()} == ours.method);
  require(theirs.chunked() == ours.chunked);
  const auto theirs_length = parser.content_length();
  if (ours.has_content_length) require(theirs_length && *theirs_length == ours.content_length);
  require(static_cast<std::size_t>(std::distance(theirs.begin(), theirs.end())) ==
          ours.fields.size());
}

void parts(std::string_view text) {
  if (const auto decoded = percent_decode(text)) {
    require(percent_decode(percent_encode(*decoded)) == decoded);
  }
  if (const auto query = Query::parse(text)) {
    const auto again = Query::parse(query.value().with("cursor", "x"));
    require(static_cast<bool>(again) || query.value().count("cursor") == 0);
  }
  if (const auto bytes = base64url_decode(text)) require(base64url(*bytes) == text);
  if (const auto place = read_cursor("deals", text))
    require(make_cursor("deals", place.value()) == text);
  if (auto trace = parse_traceparent(text)) {
    trace->span_id = trace->parent_id;
    require(parse_traceparent(trace->traceparent()).has_value());
  }
  const auto state = clean_tracestate(text);
  require(clean_tracestate(state) == state);
  if (const auto best = negotiate(text, kTable)) require(*best < std::size(kTable));
  if (is_api_key(text)) require(text.size() == 51);
  Fields fields;
  fields.add("If-None-Match", text);
  fields.add("traceparent", text);
  check_conditions(fields, "GET", make_etag("1"));
  require(continue_trace(fields, {1, 2, 3}).traceparent().size() == 55);
  (void)inflate_gzip(text, 10'000);
}

// Fed whole or byte by byte, a chunked body comes to the same.
void chunks(std::string_view text) {
  ChunkedBody whole{1'000}, pieces{1'000};
  std::size_t used = 0;
  const auto end = whole.feed(text, used);
  std::string held;
  auto state = ChunkedBody::State::kMore;
  for (std::size_t i = 0; i < text.size() && state == ChunkedBody::State::kMore; ++i) {
    held += text[i];
    std::size_t taken = 0;
    state = pieces.feed(held, taken);
    held.erase(0, taken);
  }
  require((end == ChunkedBody::State::kDone) == (state == ChunkedBody::State::kDone));
  if (end == ChunkedBody::State::kDone) require(whole.take() == pieces.take());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = dealwright::fuzz::text_of(data, size);
  head(text);
  parts(text);
  chunks(text);
  return 0;
}
