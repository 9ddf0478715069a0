// Facts in: CloudEvents in structured, binary and batch mode.
#include <algorithm>
#include <charconv>
#include <map>

#include "connectors/daemon/api/api.h"
#include "connectors/http/accept.h"
#include "connectors/http/text.h"
#include "engine/base/base64.h"
#include "engine/codec/cloudevents_json.h"
#include "engine/runtime/cluster_key.h"

namespace dealwright::daemon::api {
namespace {

using http::Awaitable;
using http::Problem;
using http::ProblemDetail;
using http::Request;
using http::Response;

constexpr std::size_t kBatchMax = 10'000;  // events of one request
constexpr std::string_view kStructured = "application/cloudevents+json";
constexpr std::string_view kBatch = "application/cloudevents-batch+json";

Problem bad_events(std::vector<ProblemDetail> faults, std::string code) {
  auto problem = http::make_problem(std::move(code));
  if (http::find_problem_code(problem.code) == nullptr) {
    problem.status = 400;
    problem.title = "An event is not valid";
  }
  problem.detail = faults.front().detail;
  problem.errors = std::move(faults);
  return problem;
}

// ---- in: what was sent, as events

struct Taken {
  std::vector<Event> events;
  std::vector<ProblemDetail> faults;
  std::string code;  // of the first
};

void take(const Value& object, std::optional<std::int64_t> index, Taken& out) {
  Event event;
  for (auto& error : codec::read_cloudevent(object, event)) {
    if (out.code.empty()) out.code = error.code;
    ProblemDetail fault;
    fault.event = index.value_or(0);
    fault.pointer = std::move(error.pointer);
    fault.detail = std::move(error.detail);
    fault.hint = std::move(error.hint);
    out.faults.push_back(std::move(fault));
  }
  out.events.push_back(std::move(event));
}

// A header's value as CloudEvents' HTTP binding writes it: percent-encoded UTF-8, maybe quoted.
std::optional<std::string> decode_header(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return http::percent_decode(text);
}

bool is_json(std::string_view type) { return type == http::kJson || type.ends_with("+json"); }

// Attributes stand in `ce-` fields, data is the body.
Result<Value> binary_object(const Request& request) {
  Map object;
  for (const auto& [name, text] : request.fields) {
    auto lower = http::lower(name);
    if (!lower.starts_with("ce-")) continue;
    lower.erase(0, 3);
    const auto value = decode_header(text);
    if (!value) {
      return Error{Code::kInvalid, "field ce-" + lower +
                                       " is no percent-encoded UTF-8; encode blanks, quotes, "
                                       "percent signs and all that is not ASCII"};
    }
    if (lower == "datacontenttype" || lower == "data") {
      return Error{Code::kInvalid, "there is no field ce-" + lower +
                                       " in binary mode: Content-Type and the body say it"};
    }
    std::int64_t number = 0;
    const auto* end = value->data() + value->size();
    const auto [last, bad] = std::from_chars(value->data(), end, number);
    const bool row = lower == "importrow" && bad == std::errc{} && last == end;
    if (value->empty()) continue;  // a client that writes what it does not have
    object.emplace_back(lower, row ? Value{number} : Value{*value});
  }
  if (!request.media_type.empty()) {
    object.emplace_back("datacontenttype", Value{request.fields.get("content-type")});
  }
  if (request.body.empty()) return Value{std::move(object)};
  if (is_json(request.media_type) || request.media_type.empty()) {
    DW_TRY(auto data, request.json());
    object.emplace_back("data", std::move(data));
  } else {
    object.emplace_back("data_base64", Value{base64(request.body)});
  }
  return Value{std::move(object)};
}

Result<Taken> take_body(const Request& request) {
  Taken out;
  if (request.media_type == kBatch) {
    codec::JsonLimits limits;
    limits.values = 500'000;
    limits.bytes = request.body.size();
    DW_TRY(const auto batch, request.json(limits));
    const auto* list = batch.as_list();
    if (list == nullptr) return Error{Code::kInvalid, "a batch is a JSON array of events"};
    if (list->size() > kBatchMax) {
      return Error{Code::kInvalid, "a batch has at most " + std::to_string(kBatchMax) +
                                       " events; this one has " + std::to_string(list->size()) +
                                       ": send it in parts"};
    }
    out.events.reserve(list->size());
    for (std::size_t i = 0; i < list->size(); ++i)
      take((*list)[i], static_cast<std::int64_t>(i), out);
    return out;
  }
  if (request.media_type == kStructured) {
    DW_TRY(const auto object, request.json());
    take(object, std::nullopt, out);
    return out;
  }
  if (request.media_type.starts_with("application/cloudevents")) {
    return Error{Code::kUnsupported, "of CloudEvents' formats there are " +
                                         std::string{kStructured} + ", " + std::string{kBatch} +
                                         ", and binary mode with ce- fields"};
  }
  if (request.fields.find("ce-specversion") == nullptr) {
    return Error{Code::kInvalid,
                 "no CloudEvent: send " + std::string{kStructured} + ", " + std::string{kBatch} +
                     ", or binary mode with ce-specversion, ce-id, ce-source, ce-type and "
                     "ce-subject"};
  }
  DW_TRY(const auto object, binary_object(request));
  take(object, std::nullopt, out);
  return out;
}

// Who may tell facts may not tell what steers the engine, and a scope for events does not reach it.
std::optional<Problem> may_not_tell(const Request& request, const std::vector<Event>& events) {
  const auto* key = request.key.get();
  if (key != nullptr && key->roles.has(http::Role::kAdmin) && key->scopes.empty()) return {};
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (!runtime::steers(events[i].type)) continue;
    auto problem = http::make_problem(
        "forbidden", std::string{spec_of(events[i].type).name} +
                         " as an event takes a key with the role admin and no scope; rules and the "
                         "pause have routes of their own");
    ProblemDetail fault;
    fault.event = static_cast<std::int64_t>(i);
    fault.pointer = "/type";
    fault.detail = problem.detail;
    problem.errors.push_back(std::move(fault));
    return problem;
  }
  return {};
}

// The furthest in each partition: who waits for these has waited for all.
std::string position_of(const std::vector<Placed>& at) {
  std::map<PartitionId, Position> furthest;
  for (const auto& place : at) {
    auto& position = furthest[place.partition];
    position = std::max(position, place.position);
  }
  std::string out;
  for (const auto& [partition, position] : furthest) {
    out += (out.empty() ? "" : ",") + std::to_string(partition) + ":" + std::to_string(position);
  }
  return out;
}

Awaitable<Response> append(Parts& parts, Request& request) {
  auto taken = take_body(request);
  if (!taken) {
    auto problem = http::problem_of(taken.error());
    if (taken.error().code == Code::kUnsupported)
      problem = http::make_problem("media_type", taken.error().detail);
    co_return http::problem_response(problem, request.trace);
  }
  auto& all = taken.value();
  if (!all.faults.empty()) {
    co_return http::problem_response(bad_events(std::move(all.faults), std::move(all.code)),
                                     request.trace);
  }
  if (auto no = may_not_tell(request, all.events)) {
    co_return http::problem_response(*no, request.trace);
  }
  continue_trace(request, all.events);
  const auto receipt = co_await take_in(parts, std::move(all.events));
  if (!receipt) co_return http::problem_response(receipt.error(), request.trace);
  co_return http::json_response(
      Value{Map{{"position", Value{position_of(receipt.value().at)}},
                {"duplicates", Value{static_cast<std::int64_t>(receipt.value().duplicates)}}}},
      202);
}

// CloudEvents' webhook handshake: who delivers asks whether he may, and how fast.
Awaitable<Response> handshake(Parts& parts, Request& request) {
  auto out = http::no_content();
  out.fields.add("Allow", "GET, HEAD, OPTIONS, POST");
  if (const auto* origin = request.fields.find("webhook-request-origin")) {
    out.fields.add("WebHook-Allowed-Origin", *origin);
    out.fields.add("WebHook-Allowed-Rate",
                   std::to_string(static_cast<std::int64_t>(parts.limits.per_key.per_s) * 60));
  }
  co_return out;
}

}  // namespace

void add_event_routes(Parts& parts, Routes& out) {
  auto in = post("/v1/events", "append_events", "Append facts; 202 when they are durable", "events",
                 publishers(), [&parts](Request& request) { return append(parts, request); });
  in.takes = {"application/cloudevents*", "*"};
  in.body_required = false;  // in binary mode there may be no data
  in.request_schemas = {{std::string{kStructured}, "CloudEvent"},
                        {std::string{kBatch}, "CloudEvents"},
                        {std::string{http::kJson}, "AnyJson"},
                        {"*", ""}};
  for (const auto* name : {"ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject"}) {
    in.parameters.push_back(
        header(name, "binary mode: the attribute, percent-encoded; any other is a ce- field too"));
  }
  in.body_bytes = parts.limits.batch_body_bytes;
  in.success = 202;
  in.answer_schema = "Receipt";
  in.problems = {"bad_data",      "bad_envelope", "bad_money",       "bad_time", "invalid",
                 "reserved_type", "no_space",     "outcome_unknown", "overload", "damaged"};
  out.push_back(std::move(in));

  auto ask = get("/v1/events", "webhook_handshake", "CloudEvents' webhook handshake", "events",
                 [&parts](Request& request) { return handshake(parts, request); });
  ask.method = "OPTIONS";
  ask.roles = {};
  ask.open = true;
  ask.success = 204;
  ask.parameters.push_back(header("WebHook-Request-Origin", "who would deliver"));
  ask.fields = {"WebHook-Allowed-Origin", "WebHook-Allowed-Rate"};
  ask.gives = {};
  out.push_back(std::move(ask));
}

}  // namespace dealwright::daemon::api
