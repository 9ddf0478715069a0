// Requests a second through the HTTP server with a handler that does nothing: what the machinery
// itself costs. The client is one thread of this process; both share the machine.
//
//   http_bench [connections] [seconds]
#include <cstdlib>
#include <string>
#include <vector>

#include "connectors/http/server.h"
#include "connectors/os/system_clock.h"
#include "engine/base/assert.h"
#include "tests/bench/callers.h"

namespace dealwright::http {
namespace {

Awaitable<Response> accepted(Request&) {
  static const std::string kBody = R"({"duplicates":0,"position":"3:8112"})";
  co_return text_response("application/json", kBody, 202);
}

RouteTable table() {
  Route route;
  route.method = "POST";
  route.pattern = "/v1/events";
  route.operation = "append";
  route.resource = "events";
  route.roles = {Role::kPublisher};
  route.takes = {"application/cloudevents*"};
  route.body_bytes = Limits{}.batch_body_bytes;
  route.handler = accepted;
  std::vector<Route> list;
  list.push_back(std::move(route));
  return std::move(RouteTable::make(std::move(list)).value());
}

}  // namespace

int run(int count, char** arguments) {
  const auto connections = static_cast<std::size_t>(count > 1 ? std::atoi(arguments[1]) : 64);
  const double seconds = count > 2 ? std::atoi(arguments[2]) : 5;
  const auto clock = os::make_system_clock();
  const auto random = os::make_system_random();
  KeyBook keys;
  KeyRecord asked;
  asked.name = "bench";
  asked.roles = {Role::kPublisher};
  const auto key = keys.make(*random, clock->wall(), std::move(asked)).value().key;
  Options options;
  options.limits.per_key = {};
  options.limits.per_address = {};
  auto server = Server::start(options, table(), keys, *clock, *random);
  DW_ASSERT(static_cast<bool>(server));
  const auto port = server.value()->port();
  const std::string event =
      R"({"specversion":"1.0","id":"42","source":"crm/eu","type":"offer.sent","subject":"offer/o1",)"
      R"("partitionkey":"account/a1","time":"2026-03-02T09:00:00Z","data":{"deal":"d1","total":)"
      R"({"minor":250000,"currency":"EUR"},"note":")" +
      std::string(80, 'x') + "\"}}";
  const auto single = post_events(key, "application/cloudevents+json", event);
  std::string batch = "[";
  for (int i = 0; i < 100; ++i) batch += (i == 0 ? "" : ",") + event;
  const auto hundred = post_events(key, "application/cloudevents-batch+json", batch + "]");
  double full = 0;
  {
    Callers load{port, connections, [&] { return single; }};
    const auto measured = load.run(seconds, 0);
    full = measured.per_s;
    print("singles, as fast as answers come", measured, 1);
    print("singles, at half of that", load.run(seconds, full / 2), 1);
    print("singles, at 5,000 a second", load.run(seconds, 5'000), 1);
  }
  Callers load{port, connections, [&] { return hundred; }};
  print("batches of 100, as fast as answers come", load.run(seconds, 0), 100);
  return 0;
}

}  // namespace dealwright::http

int main(int count, char** arguments) { return dealwright::http::run(count, arguments); }
