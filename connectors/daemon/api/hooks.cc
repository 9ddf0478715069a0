// What CRMs post: verified, made into events, appended; then answered, and only then decided on.
#include "connectors/daemon/api/api.h"
#include "connectors/hooks/hook.h"

namespace dealwright::daemon::api {
namespace {

using http::Awaitable;
using http::Request;
using http::Response;

hooks::HookRequest request_of(const Parts& parts, const Request& request) {
  hooks::HookRequest out;
  out.method = request.method;
  out.uri = parts.own_url() + request.path;
  if (!request.query_text.empty()) out.uri += "?" + request.query_text;
  for (const auto& [name, value] : request.fields) out.headers.emplace_back(name, value);
  out.body = request.body;
  out.received = parts.workspace.clock().wall();
  return out;
}

Response refusal(const hooks::HookRefusal& refused, const Request& request) {
  auto problem = http::make_problem(refused.code, refused.detail);
  if (http::find_problem_code(refused.code) == nullptr) {
    problem.status = refused.status;
    problem.title = refused.status == 401 ? "Who sent it is not proven" : "The hook is not valid";
  }
  auto out = http::problem_response(problem, request.trace);
  if (!refused.www_authenticate.empty()) {
    out.fields.add("WWW-Authenticate", refused.www_authenticate);
  }
  return out;
}

Awaitable<Response> take(Parts& parts, Request& request) {
  const auto* hook = parts.hooks->find(request.param("connector"), request.param("name"));
  if (hook == nullptr) {
    const auto none = http::make_problem(
        "not_found",
        "there is no such hook; hooks are files *.hook.yaml below hooks/ of the ops folder");
    co_return http::problem_response(none, request.trace);
  }
  auto read = hook->read(request_of(parts, request));
  if (!read) co_return refusal(read.error(), request);
  auto& found = read.value();
  if (!found.events.empty()) {
    continue_trace(request, found.events);
    const auto receipt = co_await take_in(parts, std::move(found.events));
    if (!receipt) co_return http::problem_response(receipt.error(), request.trace);
  }
  const auto& reply = found.when_durable;
  auto out = http::text_response(reply.media_type, reply.body, reply.status);
  out.fields.add("Dealwright-Left-Out", std::to_string(found.left_out.size()));
  co_return out;
}

}  // namespace

void add_hook_routes(Parts& parts, Routes& out) {
  auto route = post("/v1/hooks/{connector}/{name}", "take_hook",
                    "What a CRM posts; who sent it is proven as its hook file says", "hooks", {},
                    [&parts](Request& request) { return take(parts, request); });
  route.open = true;  // by a key of ours; the sender shows its own
  route.takes = {"*"};
  route.body_bytes = hooks::kBodyBytesMax;
  route.body_required = false;  // the hook says what is wrong with it
  route.other_parameters = true;
  route.gives = {"*"};
  route.also = {204};
  route.fields = {"Dealwright-Left-Out"};
  route.problems = {"not_found",       "bad_payload",     "batch_too_large", "not_signed",
                    "bad_signature",   "stale_signature", "wrong_sender",    "no_space",
                    "outcome_unknown", "overload",        "damaged"};
  out.push_back(std::move(route));
}

}  // namespace dealwright::daemon::api
