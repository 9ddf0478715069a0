#include "connectors/daemon/api/streams.h"

#include "connectors/http/accept.h"

namespace dealwright::daemon::api {
namespace {

using http::Awaitable;

constexpr std::int64_t kPauseMs = 250;  // a stream tells of changes so often at most
constexpr std::int64_t kRetryMs = 1'000;

Awaitable<void> pause() {
  std::function<void(http::Resume)> nothing = [](const http::Resume&) {};
  co_await http::suspend_for(kPauseMs, std::move(nothing));
}

// Looks up now and then whether there is anybody left to tell. What is due or overdue moves with
// each minute, without a fact.
Awaitable<void> until_moved(Parts& parts, const http::EventStream& stream,
                            const std::vector<Progress>& seen) {
  const auto minute = [&] { return parts.workspace.clock().wall().ms / 60'000; };
  const auto begun = minute();
  for (bool moved = false; !moved && stream.open() && minute() == begun;) {
    Watch::Ticket ticket = 0;
    std::function<void(http::Resume)> begin = [&](const http::Resume& resume) {
      ticket = parts.workspace.watch().when_other(seen, resume);
    };
    moved = co_await http::suspend_for(kPauseMs, std::move(begin));
    parts.workspace.watch().forget(ticket);
  }
}

}  // namespace

Awaitable<void> follow(Parts& parts, ReadOn read_on, std::shared_ptr<http::EventStream> stream) {
  bool first = true;
  while (stream->open()) {
    const auto seen = parts.workspace.watch().now();
    auto work = read_on;
    auto told = co_await http::run_blocking<Told>(parts.pool, std::move(work));
    if (!told && told.error().retriable) {
      co_await pause();
      continue;
    }
    if (!told) {
      http::ServerEvent failed{"", "error", http::to_json(http::problem_of(told.error()), ""), 0};
      co_await stream->send(std::move(failed));
      break;
    }
    for (auto& event : told.value().events) {
      if (std::exchange(first, false)) event.retry_ms = kRetryMs;
      if (!co_await stream->send(std::move(event))) co_return;
    }
    if (told.value().more) continue;
    co_await until_moved(parts, *stream, seen);
    co_await pause();
  }
  stream->close();
}

http::Response stream_answer(Parts& parts, ReadOn read_on) {
  http::Response out;
  out.events = [&parts, read_on = std::move(read_on)](std::shared_ptr<http::EventStream> stream) {
    return follow(parts, read_on, std::move(stream));
  };
  return out;
}

http::ServerEvent reset_event() { return {"", "reset", "{}", 0}; }

void add_stream(http::Route& route, std::string last_event_id) {
  route.parameters.push_back(header("Last-Event-ID", std::move(last_event_id)));
  route.gives = {std::string{http::kEventStream}};
}

}  // namespace dealwright::daemon::api
