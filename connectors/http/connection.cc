#include "connectors/http/connection.h"

#include <exception>

namespace dealwright::http {
namespace {

constexpr std::size_t kLingerBytesMax = std::size_t{1} << 20;
constexpr std::size_t kKeptBufferBytes = 8 << 10;  // of a connection that waits

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

}  // namespace

Connection::Connection(std::shared_ptr<Core> core, Lane& lane, std::shared_ptr<Wire> wire,
                       std::string_view refusal)
    : core_{std::move(core)}, lane_{lane}, wire_{std::move(wire)}, refusal_{refusal} {
  const std::lock_guard lock{core_->mutex};
  ++core_->open;
}

Connection::~Connection() {
  if (refusal_.empty()) {
    core_->connections.give_back(1);
    core_->addresses.leave(wire_->address);
  } else {
    core_->refusals.give_back(1);
  }
  const std::lock_guard lock{core_->mutex};
  --core_->open;
  core_->left.notify_all();
}

void Connection::enter(State state, std::int64_t deadline_us) {
  state_ = state;
  deadline_us_ = deadline_us;
}

Awaitable<void> Connection::run(std::shared_ptr<Connection> self) {
  auto& me = *self;
  me.lane_.connections.insert(self.get());
  me.enter(State::kStarting, me.now_us() + me.core_->limits.head_ms * 1000);
  try {
    if (!me.refusal_.empty()) {
      co_await me.refuse();
    } else if (co_await me.wire_->handshake()) {
      while (co_await me.exchange()) {
      }
    }
  } catch (const std::exception&) {
    // No memory for a buffer: this connection ends, the others go on.
  }
  me.ended_ = true;
  me.leave();
}

void Connection::leave() {
  if (!ended_ || telling_) return;
  wire_->close();
  lane_.connections.erase(this);
}

Awaitable<bool> Connection::exchange() {
  if (core_->stopping && in_.empty()) co_return false;
  if (in_.empty() && in_.capacity() > kKeptBufferBytes) std::string{}.swap(in_);
  Exchange x{*core_};
  current_ = &x;
  enter(State::kIdle, now_us() + core_->limits.idle_ms * 1000);
  auto response = co_await read_head(x);
  if (!response && !x.gone) response = admit(x);
  if (!response && !x.gone) response = co_await read_body(x);
  if (!response && !x.gone) response = co_await call(x);
  current_ = nullptr;
  if (x.gone || given_up_ || !response) co_return false;
  if (core_->stopping) x.close = true;
  if (!x.body_read && x.head.has_body() &&
      (x.head.chunked || x.head.expects_continue ||
       x.head.content_length > core_->limits.drain_bytes)) {
    x.close = true;
    unread_ = true;
  }
  const bool written = co_await answer(x, *response);
  x.bytes.give_back();  // what follows may take its time
  x.requests.give_back();
  log(x);
  if (!written) co_return false;
  if (x.close) {
    co_await linger();
    co_return false;
  }
  if (!x.body_read && x.head.has_body()) co_return co_await skip_body(x);
  co_return true;
}

Awaitable<std::optional<Response>> Connection::call(Exchange& x) {
  x.request.deadline_us = x.start_us + core_->limits.request_ms * 1000;
  enter(State::kHandling, x.request.deadline_us);
  std::optional<Response> out;
  bool threw = false;
  try {
    out = co_await x.route->handler(x.request);
  } catch (const std::exception&) {
    threw = true;
  }
  if (threw) out = refusal(x, "internal");
  co_return out;
}

// The handler's time is over, it still runs: its caller is told, and what it comes to is dropped.
Awaitable<void> Connection::give_up(std::shared_ptr<Connection> self) {
  auto& x = *self->current_;
  const bool safe = is_safe(x.head.method);
  auto response = self->refusal(x, safe ? "timeout" : "outcome_unknown");
  x.close = true;
  x.status = response.status;
  x.code = response.code;
  const auto head = self->head_of(x, response, false);
  x.bytes_out = head.size() + response.body.size();
  self->log(x);
  if (co_await self->wire_->write(head, response.body)) co_await self->wire_->finish();
  self->wire_->close();
  self->telling_ = false;
  self->leave();
}

// What is left of a small body whose request was refused, so that the connection can go on.
Awaitable<bool> Connection::skip_body(Exchange& x) {
  enter(State::kReading, now_us() + core_->limits.body_ms * 1000);
  auto left = static_cast<std::size_t>(x.head.content_length);
  while (in_.size() < left) {
    left -= in_.size();
    in_.clear();
    if (!co_await more(left)) co_return false;
  }
  in_.erase(0, left);
  co_return true;
}

// Says that nothing more comes. Closing at once on bytes that nobody read would reset the
// connection and could take the answer with it.
Awaitable<void> Connection::linger() {
  enter(State::kLingering, now_us() + core_->limits.linger_ms * 1000);
  co_await wire_->finish();
  if (!unread_) co_return;
  std::size_t read = 0;
  char buffer[4'096];
  while (read < kLingerBytesMax) {
    const auto count = co_await wire_->read_some(buffer, sizeof buffer);
    if (count <= 0) break;
    read += static_cast<std::size_t>(count);
  }
}

Awaitable<void> Connection::refuse() {
  enter(State::kLingering, now_us() + core_->limits.linger_ms * 1000);
  Exchange x{*core_};
  x.start_us = now_us();
  x.close = true;
  unread_ = true;
  auto response = refusal(x, refusal_);
  const auto head = head_of(x, response, false);
  if (co_await wire_->write(head, response.body)) co_await linger();
}

void Connection::tick(std::int64_t now) {
  if (stream_ != nullptr && !stream_key_.empty() &&
      !core_->keys.holds(stream_key_, core_->clock.wall())) {
    stream_->close();
  }
  if (stream_ != nullptr && state_ == State::kStreaming &&
      now - written_us_ >= core_->limits.heartbeat_ms * 1000) {
    stream_->nudge();
  }
  if (now < deadline_us_) return;
  switch (state_) {
    case State::kReading:
      expired_ = true;
      wire_->cancel();
      break;
    case State::kHandling:
      if (current_ == nullptr || given_up_) break;
      given_up_ = telling_ = true;
      enter(State::kLingering, now + core_->limits.linger_ms * 1000);
      lane_.loop->spawn(give_up(shared_from_this()));
      break;
    case State::kStarting:
    case State::kIdle:
    case State::kWriting:
    case State::kStreaming:
    case State::kLingering:
      wire_->close();
      break;
  }
}

void Connection::wind_up() {
  if (stream_ != nullptr) stream_->close();
  if (state_ == State::kIdle) wire_->close();
}

void Connection::log(const Exchange& x) {
  if (!core_->options.hooks.access) return;
  AccessLine line;
  line.at = core_->clock.wall();
  line.method = x.route == nullptr ? "other" : std::string_view{x.head.method};
  line.route = x.route == nullptr ? std::string_view{} : std::string_view{x.route->pattern};
  line.status = x.status;
  line.code = x.code;
  if (x.request.key != nullptr) line.key_id = x.request.key->id;
  line.trace_id = x.request.trace.trace_id;
  line.bytes_in = x.bytes_in;
  line.bytes_out = x.bytes_out;
  line.duration_us = now_us() - x.start_us;
  core_->options.hooks.access(line);
}

}  // namespace dealwright::http
