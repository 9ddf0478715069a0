// Answers: whole, in pieces, or as a stream of events.
#include <cstdio>
#include <limits>

#include "connectors/http/accept.h"
#include "connectors/http/connection.h"

namespace dealwright::http {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

bool is_field_value(std::string_view text) {
  return text.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos;
}

void put(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

std::string chunk_of(std::string_view text) {
  char size[20];
  const auto digits = std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  std::string out;
  out.reserve(text.size() + 24);
  out.append(size, static_cast<std::size_t>(digits)).append(text).append("\r\n");
  return out;
}

}  // namespace

std::string Connection::head_of(const Exchange& x, const Response& response, bool chunked) {
  std::string out;
  out.reserve(320);
  out += "HTTP/1.1 " + std::to_string(response.status) + ' ';
  out.append(reason_of(response.status)).append("\r\n");
  put(out, "Date", lane_.http_date(core_->clock.wall()));
  if (!response.media_type.empty()) put(out, "Content-Type", response.media_type);
  if (chunked) {
    put(out, "Transfer-Encoding", "chunked");
  } else if (response.status != 204 && response.status != 304 && !response.pieces &&
             !response.events) {
    put(out, "Content-Length", std::to_string(response.body.size()));
  }
  for (const auto& [name, value] : response.fields) {
    if (is_field_value(name) && is_field_value(value)) put(out, name, value);
  }
  if (response.fields.find("cache-control") == nullptr) put(out, "Cache-Control", "no-store");
  put(out, "X-Content-Type-Options", "nosniff");
  if (x.close) {
    put(out, "Connection", "close");
  } else if (!x.head.version_1_1) {
    put(out, "Connection", "keep-alive");
  }
  return out + "\r\n";
}

Awaitable<bool> Connection::answer(Exchange& x, Response& response) {
  // The body has served; its bytes make room for the answer's.
  std::string{}.swap(x.request.body);
  x.bytes.give_back();
  x.bytes.force(response.body.size());
  const auto now = now_us();
  enter(State::kWriting, std::max(x.start_us + core_->limits.request_ms * 1000,
                                  now + core_->limits.linger_ms * 1000));
  const bool head_only = x.head.method == "HEAD";
  if (!head_only && response.events) {
    if (x.streams.take(1)) co_return co_await send_events(x, response);
    response = refusal(x, "overload", "as many streams are open as the server takes");
  }
  x.status = response.status;
  x.code = response.code;
  if (!head_only && response.pieces) co_return co_await send_pieces(x, response);
  const auto head = head_of(x, response, false);
  const auto body = head_only || response.status == 204 || response.status == 304
                        ? std::string_view{}
                        : std::string_view{response.body};
  x.bytes_out = head.size() + body.size();
  co_return co_await wire_->write(head, body);
}

Awaitable<bool> Connection::send_chunk(Exchange& x, std::string_view text) {
  const bool chunked = x.head.version_1_1;
  const auto bytes = chunked ? chunk_of(text) : std::string{text};
  enter(State::kWriting, now_us() + core_->limits.stream_write_ms * 1000);
  x.bytes_out += bytes.size();
  co_return co_await wire_->write(bytes, {});
}

// HTTP/1.0 knows no chunks: there the end of the connection ends the answer.
Awaitable<bool> Connection::send_pieces(Exchange& x, Response& response) {
  if (!x.head.version_1_1) x.close = true;
  const auto head = head_of(x, response, x.head.version_1_1);
  x.bytes_out = head.size();
  if (!co_await wire_->write(head, {})) co_return false;
  for (;;) {
    enter(State::kStreaming, now_us() + core_->limits.request_ms * 1000);
    std::optional<std::string> piece;
    bool threw = false;
    try {
      piece = co_await response.pieces();
    } catch (const std::exception&) {
      threw = true;
    }
    if (threw) co_return false;  // cut: the caller sees that the answer is not whole
    if (!piece) break;
    if (piece->empty()) continue;
    x.bytes.give_back();
    x.bytes.force(piece->size());
    if (!co_await send_chunk(x, *piece)) co_return false;
  }
  if (!x.head.version_1_1) co_return true;
  co_return co_await wire_->write("0\r\n\r\n", {});
}

Awaitable<void> Connection::produce(std::shared_ptr<Connection> self, Response response,
                                    std::shared_ptr<EventStream> stream) {
  bool threw = false;
  try {
    co_await response.events(stream);
  } catch (const std::exception&) {
    threw = true;
  }
  if (threw) stream->close();
  self.reset();
}

// A caller that goes away shows at once, not at the next heartbeat.
Awaitable<void> Connection::watch(std::shared_ptr<Connection> self,
                                  std::shared_ptr<EventStream> stream) {
  char buffer[512];
  while (co_await self->wire_->read_some(buffer, sizeof buffer) > 0) {
  }
  stream->close();
}

Awaitable<bool> Connection::send_events(Exchange& x, Response& response) {
  x.requests.give_back();  // a stream is counted as a stream
  response.media_type = kEventStream;
  x.close = true;
  x.status = response.status;
  const auto head = head_of(x, response, x.head.version_1_1);
  x.bytes_out = head.size();
  auto stream = std::make_shared<EventStream>(core_->limits.stream_queue_bytes);
  if (!co_await wire_->write(head, {})) co_return false;
  stream_ = stream;
  stream_key_ = x.request.key == nullptr ? std::string{} : x.request.key->id;
  written_us_ = now_us();
  stream->on_close([self = weak_from_this(), loop = std::weak_ptr{lane_.loop}] {
    const auto there = loop.lock();
    if (there == nullptr) return;
    there->post([self] {
      const auto me = self.lock();
      if (me != nullptr && me->stream_ != nullptr && me->stream_->cut()) me->wire_->close();
    });
  });
  if (core_->stopping) stream->close();
  lane_.loop->spawn(produce(shared_from_this(), std::move(response), stream));
  lane_.loop->spawn(watch(shared_from_this(), stream));
  bool written = true;
  while (written) {
    enter(State::kStreaming, kNever);
    co_await stream->wait();
    auto text = stream->take();
    if (stream->cut()) break;
    if (text.empty() && !stream->open()) break;
    if (text.empty() && now_us() - written_us_ < core_->limits.heartbeat_ms * 1000) continue;
    written = co_await send_chunk(x, text.empty() ? std::string_view{":\n\n"} : text);
    written_us_ = now_us();
    stream->taken();
  }
  if (written && !stream->cut() && x.head.version_1_1) {
    enter(State::kWriting, now_us() + core_->limits.linger_ms * 1000);
    co_await wire_->write("0\r\n\r\n", {});
  }
  stream->close();
  stream_.reset();
  co_return false;
}

}  // namespace dealwright::http
