// A request's bytes, read within their limits of size and time.
#include <algorithm>

#include "connectors/http/chunked.h"
#include "connectors/http/connection.h"
#include "connectors/http/gzip.h"
#include "connectors/http/text.h"

namespace dealwright::http {
namespace {

constexpr std::size_t kHeadReadBytes = 4 << 10;
constexpr std::size_t kBodyReadBytes = 64 << 10;

}  // namespace

Awaitable<bool> Connection::more(std::size_t count) {
  const auto have = in_.size();
  in_.resize(have + std::min(count, kBodyReadBytes));
  const auto came = co_await wire_->read_some(in_.data() + have, in_.size() - have);
  in_.resize(have + static_cast<std::size_t>(std::max<std::ptrdiff_t>(came, 0)));
  co_return came > 0;
}

Awaitable<std::optional<Response>> Connection::read_head(Exchange& x) {
  const auto& limits = core_->limits;
  std::string_view fault_code;
  std::string detail;
  for (std::size_t looked = 0;;) {
    // A line end or two that an old client sends behind a body.
    while (in_.starts_with("\r\n")) in_.erase(0, 2);
    if (!in_.empty() && state_ == State::kIdle) {
      x.start_us = now_us();
      enter(State::kReading, x.start_us + limits.head_ms * 1000);
    }
    if (!in_.empty() && !is_token_char(in_.front()) && in_ != "\r") {
      fault_code = "bad_request";
      detail = "this is no HTTP";
      break;
    }
    const auto from = looked < 3 ? 0 : looked - 3;
    const auto rest = head_length(std::string_view{in_}.substr(from));
    const auto length = rest == 0 ? 0 : from + rest;
    if (length > limits.head_bytes || (length == 0 && in_.size() > limits.head_bytes)) {
      fault_code = "head_too_large";
      break;
    }
    if (length > 0) {
      const auto fault = http::read_head(std::string_view{in_}.substr(0, length), limits, x.head);
      x.bytes_in = length;
      in_.erase(0, length);
      if (!fault) co_return std::nullopt;
      fault_code = fault->code;
      detail = fault->detail;
      break;
    }
    looked = in_.size();
    if (co_await more(kHeadReadBytes)) continue;
    if (expired_ && state_ == State::kReading) {
      fault_code = "too_slow";
      break;
    }
    x.gone = true;
    co_return std::nullopt;
  }
  // How long this request is, nobody knows: nothing behind it can be trusted.
  const std::uint64_t random[3] = {lane_.random(), lane_.random(), lane_.random()};
  x.request.trace = continue_trace(Fields{}, random);
  x.close = true;
  unread_ = true;
  co_return refusal(x, fault_code, std::move(detail));
}

Awaitable<std::optional<Response>> Connection::read_body(Exchange& x) {
  if (!x.head.has_body()) {
    x.body_read = true;
    co_return std::nullopt;
  }
  const auto& limits = core_->limits;
  enter(State::kReading,
        std::min(now_us() + limits.body_ms * 1000, x.start_us + limits.request_ms * 1000));
  if (x.head.expects_continue && in_.empty() &&
      !co_await wire_->write("HTTP/1.1 100 Continue\r\n\r\n", {})) {
    x.gone = true;
    co_return std::nullopt;
  }
  std::optional<Response> refused;
  if (x.head.chunked) {
    refused = co_await read_chunked(x);
  } else {
    refused = co_await read_sized(x);
  }
  if (refused || x.gone) {
    x.close = true;
    unread_ = true;
    co_return refused;
  }
  x.body_read = true;
  x.bytes_in += x.request.body.size();
  if (same_name(x.request.fields.get("content-encoding"), "gzip")) co_return inflate(x);
  co_return std::nullopt;
}

Awaitable<std::optional<Response>> Connection::read_sized(Exchange& x) {
  const auto length = static_cast<std::size_t>(x.head.content_length);
  auto& body = x.request.body;
  const auto there = std::min(length, in_.size());
  body.assign(in_, 0, there);
  in_.erase(0, there);
  while (body.size() < length) {
    const auto have = body.size();
    body.resize(std::min(length, have + kBodyReadBytes));
    const auto came = co_await wire_->read_some(body.data() + have, body.size() - have);
    body.resize(have + static_cast<std::size_t>(std::max<std::ptrdiff_t>(came, 0)));
    if (came > 0) continue;
    if (expired_) co_return refusal(x, "too_slow");
    x.gone = true;
    break;
  }
  co_return std::nullopt;
}

Awaitable<std::optional<Response>> Connection::read_chunked(Exchange& x) {
  const auto most = x.route->body_bytes == 0 ? core_->limits.body_bytes : x.route->body_bytes;
  ChunkedBody body{most};
  std::size_t counted = 0;
  for (;;) {
    std::size_t used = 0;
    const auto state = body.feed(in_, used);
    in_.erase(0, used);
    if (state == ChunkedBody::State::kTooLarge)
      co_return refusal(x, "body_too_large", "it takes " + std::to_string(most) + " bytes");
    if (state == ChunkedBody::State::kBad) co_return refusal(x, "bad_framing", "a bad chunk");
    if (!x.bytes.take(body.size() - counted))
      co_return refusal(x, "overload", "too many bytes are in flight");
    counted = body.size();
    if (state == ChunkedBody::State::kDone) break;
    // What Beast leaves is the line of a chunk or a trailer that is not whole yet.
    if (in_.size() > core_->limits.head_bytes)
      co_return refusal(x, "bad_framing", "a chunk's line is too long");
    if (co_await more(kHeadReadBytes)) continue;
    if (expired_) co_return refusal(x, "too_slow");
    x.gone = true;
    co_return std::nullopt;
  }
  x.request.body = body.take();
  co_return std::nullopt;
}

std::optional<Response> Connection::inflate(Exchange& x) {
  const auto limit = x.route->body_bytes == 0 ? core_->limits.body_bytes : x.route->body_bytes;
  auto& body = x.request.body;
  const auto most = std::min(limit, body.size() * core_->limits.inflate_ratio);
  if (!x.bytes.take(most)) return refusal(x, "overload", "too many bytes are in flight");
  auto inflated = inflate_gzip(body, most);
  if (!inflated)
    return refusal(x, inflated.error().code == Code::kOverload ? "body_too_large" : "bad_body",
                   inflated.error().detail);
  body = std::move(inflated.value());
  return std::nullopt;
}

}  // namespace dealwright::http
