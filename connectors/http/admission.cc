// Whether a request is taken, before its body is read: the cheap questions first.
#include <algorithm>

#include "connectors/http/accept.h"
#include "connectors/http/connection.h"
#include "connectors/http/text.h"

namespace dealwright::http {

Response Connection::refusal(Exchange& x, std::string_view code, std::string detail) {
  auto problem = make_problem(code, std::move(detail));
  if (problem.retry_after_s > 0) problem.retry_after_s = core_->limits.retry_after_s;
  return problem_response(problem, x.request.trace);
}

std::optional<Response> Connection::admit(Exchange& x) {
  auto& head = x.head;
  auto& request = x.request;
  const std::uint64_t random[3] = {lane_.random(), lane_.random(), lane_.random()};
  request.trace = continue_trace(head.fields, random);
  request.address = wire_->address;
  if (!head.keep_alive) x.close = true;
  const auto& hosts = core_->options.hosts;
  if (!hosts.empty()) {
    const auto host = lower(head.fields.get("host"));
    const auto name = host.substr(0, host.find(':', host.rfind(']') + 1));
    if (std::find(hosts.begin(), hosts.end(), name) == hosts.end())
      return refusal(x, "misdirected");
  }
  if (!core_->per_address.take(request.address, now_us())) {
    auto out = refusal(x, "rate", "this address asks too often");
    out.fields.set("Retry-After", std::to_string(core_->per_address.wait_s()));
    return out;
  }
  if (auto no = find_route(x)) return no;
  if (auto no = authorize(x)) return no;
  auto query = Query::parse(head.query);
  if (!query) return refusal(x, "bad_query", query.error().detail);
  request.query = std::move(query.value());
  if (auto problem = check_parameters(*x.route, request.query, head.fields))
    return problem_response(*problem, request.trace);
  if (auto no = check_body(x)) return no;
  if (auto no = take_load(x)) return no;
  request.method = head.method;
  request.path = head.path;
  request.query_text = head.query;
  request.fields = std::move(head.fields);
  return std::nullopt;
}

std::optional<Response> Connection::find_route(Exchange& x) {
  const auto& head = x.head;
  if (head.path == "*") return no_content();
  auto match = core_->table.find(head.method, head.path);
  if (match.bad_path) return refusal(x, "bad_path");
  if (match.allow.empty()) return refusal(x, "not_found");
  x.route = match.route;
  x.request.params = std::move(match.params);
  if (match.route != nullptr) return std::nullopt;
  auto problem = make_problem("method_not_allowed");
  problem.allow = std::move(match.allow);
  auto out = problem_response(problem, x.request.trace);
  if (head.method != "OPTIONS") return out;
  auto options = no_content();
  options.fields.add("Allow", out.fields.get("allow"));
  return options;
}

std::optional<Response> Connection::authorize(Exchange& x) {
  const auto& route = *x.route;
  if (route.open) return std::nullopt;
  auto given = x.head.fields.get("authorization");
  constexpr std::string_view kScheme = "bearer ";
  const bool bearer = given.size() > kScheme.size() && x.head.fields.count("authorization") == 1 &&
                      lower(given.substr(0, kScheme.size())) == kScheme;
  given = bearer ? trim(given.substr(kScheme.size())) : std::string_view{};
  auto answer = core_->keys.check(given, core_->clock.wall());
  if (answer.verdict != KeyBook::Verdict::kGood) {
    static constexpr std::string_view kCodes[] = {
        "", "key_missing", "key_mistyped", "key_unknown", "key_expired", "key_revoked"};
    if (core_->failures.take(x.request.address, now_us()))
      return refusal(x, kCodes[static_cast<int>(answer.verdict)]);
    x.close = true;
    auto out = refusal(x, "rate", "too many requests from here had no good key");
    out.fields.set("Retry-After", std::to_string(core_->failures.wait_s()));
    return out;
  }
  x.request.key = std::move(answer.record);
  const auto& key = *x.request.key;
  if (!route.roles.meets(key.roles)) return refusal(x, "forbidden");
  const bool reads = route.method == "GET";
  if (!scopes_reach(key.scopes, route.resource, reads)) return refusal(x, "scope");
  if (core_->per_key.take(key.id, now_us())) return std::nullopt;
  auto out = refusal(x, "rate", "this key asks too often");
  out.fields.set("Retry-After", std::to_string(core_->per_key.wait_s()));
  return out;
}

std::optional<Response> Connection::check_body(Exchange& x) {
  const auto& route = *x.route;
  const auto& head = x.head;
  x.request.media_type = media_type(head.fields.get("content-type"));
  const bool needed = route.body_required && !route.takes.empty();
  if (!head.has_body() && needed) return refusal(x, "bad_body", "this route needs a body");
  if (!head.has_body() && (route.takes.empty() || !head.fields.find("content-type")))
    return std::nullopt;
  if (route.takes.empty()) return refusal(x, "media_type", "this route takes no body");
  const bool taken = std::any_of(route.takes.begin(), route.takes.end(), [&](const auto& entry) {
    return covers(entry, x.request.media_type);
  });
  if (!taken) {
    std::string list;
    for (const auto& entry : route.takes) list += (list.empty() ? "" : ", ") + entry;
    return refusal(x, "media_type", "it takes " + list);
  }
  const auto coding = lower(head.fields.joined("content-encoding"));
  if (!coding.empty() && coding != "identity" && !(coding == "gzip" && route.gzip)) {
    auto out = refusal(x, "content_coding");
    out.fields.add("Accept-Encoding", route.gzip ? "gzip, identity" : "identity");
    return out;
  }
  const auto most = route.body_bytes == 0 ? core_->limits.body_bytes : route.body_bytes;
  if (head.content_length > most)
    return refusal(x, "body_too_large", "it takes " + std::to_string(most) + " bytes");
  return std::nullopt;
}

std::optional<Response> Connection::take_load(Exchange& x) {
  if (!x.requests.take(1)) return refusal(x, "overload", "too many requests are in flight");
  if (!x.bytes.take(static_cast<std::size_t>(x.head.content_length)))
    return refusal(x, "overload", "too many bytes are in flight");
  return std::nullopt;
}

}  // namespace dealwright::http
