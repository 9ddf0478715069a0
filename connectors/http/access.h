// What the server tells about itself: a line for each request, and its load.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "engine/base/instant.h"

namespace dealwright::http {

// No path, query or address in it: a route's pattern, a key's id, numbers.
struct AccessLine {
  Instant at{};
  std::string_view method;  // of the closed list of routes, else "other"
  std::string_view route;   // the pattern; "" where none fits
  int status = 0;
  std::string_view code;  // of a problem
  std::string_view key_id;
  std::string_view trace_id;
  std::size_t bytes_in = 0;
  std::size_t bytes_out = 0;
  std::int64_t duration_us = 0;
};
// One line of JSON without its end.
std::string to_json(const AccessLine& line);

struct Hooks {
  // On a server's thread, after the answer is written (a stream: when it ended) and what the
  // request held of the limits is given back. Must not block.
  std::function<void(const AccessLine&)> access;
};

struct Load {
  std::size_t connections = 0;
  std::size_t requests = 0;
  std::size_t bytes = 0;  // of bodies and answers in flight
  std::size_t streams = 0;
  std::uint64_t refused_connections = 0;
};

}  // namespace dealwright::http
