// Requests that are sent again under one Idempotency-Key are done once: who repeats one hears the
// answer of the first. In memory of the process: what has to be done once whatever happens makes
// the key a part of what it writes down.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "connectors/http/message.h"
#include "connectors/http/route.h"
#include "engine/base/hash.h"
#include "engine/ports/clock.h"

namespace dealwright::http {

inline constexpr std::string_view kIdempotencyKey = "Idempotency-Key";

// Any thread.
class Repeats {
 public:
  struct Limits {
    std::size_t requests = 10'000;
    std::size_t bytes = std::size_t{16} << 20;  // of their bodies
    Duration kept = hours(24);
    Duration kept_secret = minutes(10);  // an answer with Cache-Control: no-store
  };
  // The clock outlives it.
  explicit Repeats(Clock& clock) : Repeats{clock, Limits{}} {}
  Repeats(Clock& clock, Limits limits) : clock_{clock}, limits_{limits} {}

  // What a repeat of a request that was answered by 2xx comes to.
  enum class Again : std::uint8_t {
    kAnswered,  // the first answer, with Idempotency-Replayed: true
    kAsked,  // the handler is asked again, which finds by itself that it is done, or undone since
  };
  // Makes a route take the field Idempotency-Key: 1 to 255 visible ASCII characters, its own for
  // each caller and path. With another query or body than it had first: idempotency_mismatch (422);
  // while that one is under way: in_flight (409). What was not answered by 2xx may be tried again.
  // This book outlives the route.
  void add_to(Route& route, Again again);

 private:
  struct Entry {
    Sha256 asked{};
    bool under_way = true;
    std::optional<Response> answer;
    std::int64_t until_us = 0;  // once it was done
    std::size_t bytes() const { return answer ? answer->body.size() : 0; }
  };
  struct Turn;
  Awaitable<Response> once(const Handler& inner, Again again, Request& request);
  std::optional<Response> begin(const Sha256& name, const Sha256& asked, const Trace& trace);
  void end(const Sha256& name, bool done, std::optional<Response> answer);
  void forget_old(std::int64_t now_us);  // REQUIRES: the mutex is held
  void forget(const Sha256& name);

  Clock& clock_;
  const Limits limits_;
  std::mutex mutex_;
  std::map<Sha256, Entry> entries_;
  std::deque<std::pair<Sha256, std::int64_t>>
      order_;  // of those that are done, with their until_us
  std::size_t bytes_ = 0;
  std::int64_t looked_us_ = 0;
};

// Who asks for what under which Idempotency-Key, as 64 hex digits; "" without one.
std::string repeat_name(const Request& request);

}  // namespace dealwright::http
