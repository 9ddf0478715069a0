// What the connections of a server share.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/http/load.h"
#include "connectors/http/loop.h"
#include "connectors/http/server.h"

namespace dealwright::http {

class Connection;

// What belongs to one loop's thread.
struct Lane {
  std::shared_ptr<Loop> loop = std::make_shared<Loop>();
  std::set<Connection*> connections;
  std::uint64_t random_state = 0;
  std::int64_t date_s = -1;
  std::string date;

  // splitmix64 from a seed of the kernel's: for ids of spans, which are no secrets.
  std::uint64_t random();
  // Now as RFC 9110 5.6.7 writes it.
  const std::string& http_date(Instant now);
};

struct Core {
  Core(Options asked, RouteTable routes, const KeyBook& book, Clock& the_clock);

  Options options;
  const Limits& limits;
  RouteTable table;
  const KeyBook& keys;
  Clock& clock;
  Budget connections, refusals, requests, bytes, streams;
  Addresses addresses;
  Buckets per_key, per_address, failures;
  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> refused_connections{0};
  std::vector<std::unique_ptr<Lane>> lanes;

  std::mutex mutex;
  std::condition_variable left;
  std::size_t open = 0;  // connections, those that hear a refusal too
};

std::string_view reason_of(int status);

}  // namespace dealwright::http
