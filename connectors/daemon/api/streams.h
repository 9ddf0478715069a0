// Streams of server-sent events that follow what the partitions fold: one loop for all of them.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "connectors/daemon/api/api.h"

namespace dealwright::daemon::api {

// What there is to tell.
struct Told {
  std::vector<http::ServerEvent> events;
  bool more = false;  // ask again at once
};
// Reads what came since the last call; beside the server's threads, one call at a time. An error
// that is retriable is tried again, another is told as event `error` and ends the stream.
using ReadOn = std::function<Result<Told>()>;

// Asks `read_on` whenever the partitions have moved, every quarter of a second at most, and sends
// what it says at the caller's pace: nothing is read on while he has not taken it. One who takes
// nothing for the server's stream_write_ms is cut, and comes back with Last-Event-ID.
http::Awaitable<void> follow(Parts& parts, ReadOn read_on,
                             std::shared_ptr<http::EventStream> stream);
// The answer that is followed so.
http::Response stream_answer(Parts& parts, ReadOn read_on);

http::ServerEvent reset_event();
// What every route of a stream says alike.
void add_stream(http::Route& route, std::string last_event_id);

}  // namespace dealwright::daemon::api
