// The HTTP server: sockets, limits, keys and the table of routes. Its threads never block; what
// does belongs on a WorkerPool.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connectors/http/access.h"
#include "connectors/http/api_key.h"
#include "connectors/http/limits.h"
#include "connectors/http/route.h"
#include "engine/base/result.h"
#include "engine/ports/clock.h"

namespace dealwright::http {

struct Core;

struct Options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  std::size_t io_threads = 2;
  std::string certificate_file;  // PEM chain; with key_file: TLS 1.2 and newer, nothing else
  std::string key_file;
  bool clear_text_beyond_loopback = false;  // else an address beyond loopback needs TLS
  std::vector<std::string> hosts;           // names served, lower case, no port; none: all
  Limits limits;
  Hooks hooks;
};

class Server {
 public:
  // Listens when it returns. kInvalid: options; kRefused: keys would go in clear text; kIo: the
  // port. `keys`, `clock`, `random` outlive it and are thread-safe; so does what handlers refer to,
  // until each Resume that they gave away is called or dropped.
  static Result<std::unique_ptr<Server>> start(Options options, RouteTable table,
                                               const KeyBook& keys, Clock& clock, Random& random);
  ~Server();  // stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  Load load() const;
  // Takes nothing new, ends streams, lets what is in flight finish for up to `grace_ms`, then cuts.
  // True: nothing had to be cut. Not from a handler.
  bool stop(std::int64_t grace_ms = 5'000);

 private:
  Server() = default;
  struct Threads;
  std::shared_ptr<Core> core_;
  std::unique_ptr<Threads> threads_;
};

}  // namespace dealwright::http
