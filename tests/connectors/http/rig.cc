#include "tests/connectors/http/rig.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "connectors/http/accept.h"

namespace dealwright::http {
namespace {

Route route(std::string method, std::string pattern, std::string operation, RoleSet roles,
            Handler handler) {
  Route out;
  out.method = std::move(method);
  out.pattern = std::move(pattern);
  out.operation = std::move(operation);
  out.summary = "Does " + out.operation;
  out.resource = "things";
  out.roles = roles;
  out.open = roles.empty();
  out.gives = {"text/plain"};
  out.handler = std::move(handler);
  return out;
}

Awaitable<Response> hello(Request&) { co_return text_response("text/plain", "hello"); }
Awaitable<Response> echo(Request& request) { co_return text_response("text/plain", request.body); }
Awaitable<Response> item(Request& request) {
  co_return json_response(
      Value{Map{{"id", request.param("id")}, {"trace", request.trace.traceparent()}}});
}
Awaitable<Response> throws(Request&) {
  throw std::runtime_error{"a fault"};
  co_return no_content();
}

Awaitable<Response> wait(Rig& rig, Request& request) {
  std::function<void(std::function<void(std::string)>)> start =
      [&rig](std::function<void(std::string)> done) { rig.waiting.put(std::move(done)); };
  auto said = co_await await_call<std::string>(std::move(start));
  (void)request;
  co_return text_response("text/plain", std::move(said));
}

Awaitable<Response> wait_for_secret(Rig& rig, Request& request) {
  auto out = co_await wait(rig, request);
  out.fields.add("Cache-Control", "no-store");
  co_return out;
}

Awaitable<Response> blocking(Rig& rig, Request& request) {
  std::function<Result<int>()> work = [&rig]() -> Result<int> {
    rig.block.take()();
    return 1;
  };
  auto done = co_await run_blocking<int>(*rig.pool, std::move(work));
  if (!done) co_return problem_response(done.error(), request.trace);
  co_return text_response("text/plain", "done");
}

// Five things have happened; whoever comes back is told what it missed.
Awaitable<void> tell(Rig& rig, int from, std::shared_ptr<EventStream> stream) {
  for (int i = from + 1; i <= 5; ++i) {
    ServerEvent event{std::to_string(i), "thing", "number " + std::to_string(i), 0};
    if (!co_await stream->send(std::move(event))) co_return;
  }
  rig.streams.put(std::move(stream));
}
Awaitable<Response> stream(Rig& rig, Request& request) {
  const std::string last{request.fields.get("last-event-id")};
  const int from = last.empty() ? 0 : std::stoi(last);
  Response out;
  out.events = [&rig, from](std::shared_ptr<EventStream> events) {
    return tell(rig, from, std::move(events));
  };
  co_return out;
}

Awaitable<std::optional<std::string>> next_piece(std::shared_ptr<int> left) {
  if ((*left)-- <= 0) co_return std::nullopt;
  co_return std::string(1'000, 'x');
}
Awaitable<Response> pieces(Request&) {
  Response out;
  out.media_type = kCsv;
  const auto left = std::make_shared<int>(100);
  out.pieces = [left] { return next_piece(left); };
  co_return out;
}

}  // namespace

std::vector<Route> routes_of(Rig& rig) {
  const RoleSet viewer{Role::kViewer};
  const RoleSet publisher{Role::kPublisher};
  std::vector<Route> out;
  out.push_back(route("GET", "/v1/hello", "hello", viewer, hello));
  out.push_back(route("GET", "/v1/open", "open", {}, hello));
  out.push_back(route("POST", "/v1/echo", "echo", publisher, echo));
  out.back().takes = {"text/plain", "application/cloudevents*"};
  out.back().body_required = false;
  out.back().gzip = true;
  out.push_back(route("POST", "/v1/plain", "plain", publisher, echo));
  out.back().takes = {"text/plain"};
  out.push_back(route("GET", "/v1/items/{id}", "item", viewer, item));
  out.back().parameters = {
      {"limit",
       Parameter::In::kQuery,
       ParameterType::kInteger,
       false,
       "how many",
       1,
       1'000,
       {},
       {},
       false},
      {"as_of", Parameter::In::kQuery, ParameterType::kInstant, false, "", {}, {}, {}, {}, false}};
  out.push_back(
      route("DELETE", "/v1/items/{id}", "delete_item", {Role::kOperator, Role::kAdmin}, item));
  out.push_back(route("GET", "/v1/throws", "throws", viewer, throws));
  out.push_back(route("GET", "/v1/pieces", "pieces", viewer, pieces));
  out.push_back(route("POST", "/v1/wait", "wait", publisher,
                      [&rig](Request& request) { return wait(rig, request); }));
  out.back().takes = {"text/plain"};
  for (const std::string name : {"once", "again", "secret"}) {
    auto once = route("POST", "/v1/" + name, name, publisher,
                      [&rig](Request& request) { return wait(rig, request); });
    if (name == "secret") {
      once.handler = [&rig](Request& request) { return wait_for_secret(rig, request); };
    }
    once.takes = {"text/plain"};
    once.body_required = false;
    rig.repeats.add_to(once, name == "again" ? Repeats::Again::kAsked : Repeats::Again::kAnswered);
    out.push_back(std::move(once));
  }
  out.push_back(route("GET", "/v1/wait", "wait_to_read", viewer,
                      [&rig](Request& request) { return wait(rig, request); }));
  out.push_back(route("POST", "/v1/blocking", "blocking", publisher,
                      [&rig](Request& request) { return blocking(rig, request); }));
  out.push_back(route("GET", "/v1/stream", "stream", viewer,
                      [&rig](Request& request) { return stream(rig, request); }));
  return out;
}

Rig::Rig() {
  RoleSet all;
  for (int i = 0; i < kRoles; ++i) all.add(static_cast<Role>(i));
  key = key_of(all);
  options.io_threads = 2;
  options.hooks.access = [this](const AccessLine& line) { lines.put(to_json(line)); };
}
Rig::~Rig() {
  if (server != nullptr) server->stop(0);
}

void Rig::start() {
  pool = std::make_unique<WorkerPool>(1, 1);
  auto table = RouteTable::make(routes_of(*this));
  ASSERT_TRUE(table) << table.error().detail;
  auto started = Server::start(options, std::move(table.value()), keys, clock, random);
  ASSERT_TRUE(started) << started.error().detail;
  server = std::move(started.value());
}

std::string Rig::key_of(RoleSet roles, std::vector<std::string> scopes) {
  KeyRecord asked;
  asked.name = "test";
  asked.workspace = "main";
  asked.roles = roles;
  asked.scopes = std::move(scopes);
  auto made = keys.make(random, clock.wall(), std::move(asked));
  return made ? made.value().key : std::string{};
}

std::string Rig::get(const std::string& path, const std::string& more) const {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + key + "\r\n" +
         more + "\r\n";
}
std::string Rig::post(const std::string& path, const std::string& body,
                      const std::string& more) const {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + key +
         "\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         more + "\r\n" + body;
}

}  // namespace dealwright::http
