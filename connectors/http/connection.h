// One connection: its requests one after another, each read, admitted, handled, answered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/http/core.h"
#include "connectors/http/head.h"
#include "connectors/http/message.h"

namespace dealwright::http {

// One request and what became of it.
struct Exchange {
  explicit Exchange(Core& core)
      : requests{core.requests}, bytes{core.bytes}, streams{core.streams} {}
  Head head;
  Request request;
  const Route* route = nullptr;
  Share requests, bytes, streams;  // what it holds of the server's budgets
  std::int64_t start_us = 0;
  bool body_read = false;
  bool gone = false;   // the caller is: nothing to answer
  bool close = false;  // after the answer
  int status = 0;
  std::string code;
  std::size_t bytes_in = 0;
  std::size_t bytes_out = 0;
};

// Its lane's thread only.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `refusal`: a code; the caller hears it and no more. "": served.
  Connection(std::shared_ptr<Core> core, Lane& lane, std::shared_ptr<Wire> wire,
             std::string_view refusal);
  ~Connection();
  // Until the connection ends; `self` keeps it alive.
  static Awaitable<void> run(std::shared_ptr<Connection> self);
  // Looks at the time: what is over its limit is ended.
  void tick(std::int64_t now);
  // No further request; a stream ends.
  void wind_up();
  void cut() { wire_->close(); }

 private:
  enum class State : std::uint8_t {
    kStarting,
    kIdle,
    kReading,
    kHandling,
    kWriting,
    kStreaming,
    kLingering
  };
  void leave();
  void enter(State state, std::int64_t deadline_us);
  std::int64_t now_us() const { return core_->clock.steady_us(); }

  // connection.cc
  Awaitable<bool> exchange();  // false: the connection ends
  Awaitable<std::optional<Response>> call(Exchange& x);
  Awaitable<bool> skip_body(Exchange& x);
  Awaitable<void> linger();
  Awaitable<void> refuse();
  static Awaitable<void> give_up(std::shared_ptr<Connection> self);
  void log(const Exchange& x);

  // admission.cc: before the body is read. None: go on.
  std::optional<Response> admit(Exchange& x);
  std::optional<Response> find_route(Exchange& x);
  std::optional<Response> authorize(Exchange& x);
  std::optional<Response> check_body(Exchange& x);
  std::optional<Response> take_load(Exchange& x);
  Response refusal(Exchange& x, std::string_view code, std::string detail = {});

  // reading.cc: a refusal, or none; sets x.gone.
  Awaitable<std::optional<Response>> read_head(Exchange& x);
  Awaitable<std::optional<Response>> read_body(Exchange& x);
  Awaitable<std::optional<Response>> read_sized(Exchange& x);
  Awaitable<std::optional<Response>> read_chunked(Exchange& x);
  std::optional<Response> inflate(Exchange& x);
  Awaitable<bool> more(std::size_t count);  // appends to in_

  // writing.cc: false: the caller is gone.
  Awaitable<bool> answer(Exchange& x, Response& response);
  Awaitable<bool> send_pieces(Exchange& x, Response& response);
  Awaitable<bool> send_events(Exchange& x, Response& response);
  Awaitable<bool> send_chunk(Exchange& x, std::string_view text);
  static Awaitable<void> produce(std::shared_ptr<Connection> self, Response response,
                                 std::shared_ptr<EventStream> stream);
  static Awaitable<void> watch(std::shared_ptr<Connection> self,
                               std::shared_ptr<EventStream> stream);
  std::string head_of(const Exchange& x, const Response& response, bool chunked);

  std::shared_ptr<Core> core_;
  Lane& lane_;
  std::shared_ptr<Wire> wire_;
  std::string_view refusal_;
  bool counted_address_ = false;

  State state_ = State::kStarting;
  std::int64_t deadline_us_ = 0;
  bool expired_ = false;   // a read ran out of time
  bool given_up_ = false;  // on the handler: its caller is told so
  bool telling_ = false;   // that, just now
  bool ended_ = false;
  bool unread_ = false;  // the caller may still be sending what nobody reads
  std::string in_;       // read, not yet used
  std::shared_ptr<EventStream> stream_;
  std::string stream_key_;       // the id of its key; "": it needs none
  std::int64_t written_us_ = 0;  // of a stream's last bytes
  Exchange* current_ = nullptr;
};

}  // namespace dealwright::http
