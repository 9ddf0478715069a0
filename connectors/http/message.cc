#include "connectors/http/message.h"

#include "connectors/http/accept.h"
#include "engine/base/assert.h"

namespace dealwright::http {

const std::string& Request::param(std::string_view name) const {
  for (const auto& pair : params) {
    if (pair.first == name) return pair.second;
  }
  DW_ASSERT(false && "the pattern has no such parameter");
  return path;
}

Result<Value> Request::json(codec::JsonLimits limits) const {
  return codec::parse_json(body, limits);
}

Response json_response(const Value& value, int status) {
  return text_response(std::string{kJson}, to_json(value), status);
}
Response text_response(std::string media_type, std::string body, int status) {
  Response out;
  out.status = status;
  out.media_type = std::move(media_type);
  out.body = std::move(body);
  return out;
}
Response problem_response(const Problem& problem, const Trace& trace) {
  auto out = text_response(std::string{kProblemJson}, to_json(problem, trace.trace_id),
                           problem.http_status());
  out.code = problem.code;
  if (problem.retry_after_s > 0)
    out.fields.add("Retry-After", std::to_string(problem.retry_after_s));
  if (out.status == 401) out.fields.add("WWW-Authenticate", "Bearer realm=\"dealwright\"");
  std::string allow;
  for (const auto& method : problem.allow) allow += (allow.empty() ? "" : ", ") + method;
  if (!allow.empty()) out.fields.add("Allow", allow);
  return out;
}
Response problem_response(const Error& error, const Trace& trace) {
  return problem_response(problem_of(error), trace);
}
Response no_content() {
  Response out;
  out.status = 204;
  return out;
}

}  // namespace dealwright::http
