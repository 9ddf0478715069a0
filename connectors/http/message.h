// A request as a handler sees it, and what it answers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/http/api_key.h"
#include "connectors/http/awaitable.h"
#include "connectors/http/event_stream.h"
#include "connectors/http/fields.h"
#include "connectors/http/problem.h"
#include "connectors/http/query.h"
#include "connectors/http/trace.h"
#include "engine/base/value.h"
#include "engine/codec/json.h"

namespace dealwright::http {

// Lives until its answer is written.
struct Request {
  std::string method;
  std::string path;                                         // as written, without its query
  std::string query_text;                                   // as written, without '?'
  std::vector<std::pair<std::string, std::string>> params;  // of the pattern, decoded
  Query query;
  Fields fields;
  std::string media_type;                // of the body, lower case; ""
  std::string body;                      // inflated
  std::shared_ptr<const KeyRecord> key;  // null on open routes
  Trace trace;
  std::string address;           // of the caller, see Wire
  std::int64_t deadline_us = 0;  // on the clock's steady time: then the caller has its 503

  // REQUIRES: the pattern has it.
  const std::string& param(std::string_view name) const;
  // The body as JSON within the server's limits. kInvalid.
  Result<Value> json(codec::JsonLimits limits = {}) const;
};

struct Response {
  int status = 200;
  std::string media_type;
  std::string body;
  Fields fields;     // beside Content-Type, Content-Length, Date
  std::string code;  // of a problem, for the access line

  // Instead of `body`: pieces sent one by one as the caller takes them; none ends it.
  std::function<Awaitable<std::optional<std::string>>()> pieces;
  // Instead of `body`: server-sent events. It may send what is past, at the caller's pace, and then
  // leave the stream to somebody who pushes.
  std::function<Awaitable<void>(std::shared_ptr<EventStream>)> events;
};

using Handler = std::function<Awaitable<Response>(Request&)>;

Response json_response(const Value& value, int status = 200);
Response text_response(std::string media_type, std::string body, int status = 200);
Response problem_response(const Problem& problem, const Trace& trace);
Response problem_response(const Error& error, const Trace& trace);
Response no_content();

}  // namespace dealwright::http
