#include "connectors/http/problem.h"

#include <algorithm>

namespace dealwright::http {
namespace {

constexpr ProblemCode kCodes[] = {
    {"bad_body", 400, "The body is not what it says"},
    {"bad_cursor", 400, "No cursor of this list"},
    {"bad_framing", 400, "The length of the body is told in two ways, or wrongly"},
    {"bad_host", 400, "No sound Host field"},
    {"bad_json", 400, "No valid JSON"},
    {"bad_parameter", 400, "A parameter is not of its type"},
    {"bad_path", 400, "The path holds a bad escape"},
    {"bad_payload", 400, "The body is not what this sender posts"},
    {"bad_query", 400, "The query holds a bad escape"},
    {"bad_request", 400, "The request is malformed"},
    {"bad_signature", 401, "The signature is wrong"},
    {"batch_too_large", 400, "More notices than one request may hold"},
    {"body_too_large", 413, "The body is larger than this route takes"},
    {"closed", 503, "The server is shutting down"},
    {"conflict", 409, "Somebody else was first"},
    {"content_coding", 415, "This route takes no such Content-Encoding"},
    {"damaged", 503, "A partition has stopped"},
    {"expectation_failed", 417, "The expectation cannot be met"},
    {"forbidden", 403, "The key may not do this"},
    {"head_too_large", 431, "The head is larger than this server takes"},
    {"http_version", 505, "HTTP/1.1 is spoken here"},
    {"idempotency_mismatch", 422, "The Idempotency-Key was another request's"},
    {"if_match_missing", 428, "If-Match is needed"},
    {"in_flight", 409, "That request is under way"},
    {"internal", 500, "A fault of the server"},
    {"invalid", 400, "The input is not valid"},
    {"io", 503, "The disk said no"},
    {"key_expired", 401, "The key has expired"},
    {"key_missing", 401, "A key is needed"},
    {"key_mistyped", 401, "No key of ours: mistyped or cut"},
    {"key_revoked", 401, "The key was revoked"},
    {"key_unknown", 401, "The key is not known here"},
    {"mapping_invalid", 422, "The mapping has errors"},
    {"media_type", 415, "This route takes no such Content-Type"},
    {"method_not_allowed", 405, "The resource does not take that method"},
    {"misdirected", 421, "That host is not served here"},
    {"no_space", 503, "The disk is full"},
    {"not_acceptable", 406, "None of the forms that this route answers in is accepted"},
    {"not_caught_up", 503, "The views have not come to that position"},
    {"not_found", 404, "There is no such resource"},
    {"not_signed", 401, "The sender did not prove who it is"},
    {"not_supported", 400, "The view cannot tell that"},
    {"outcome_unknown", 503, "Perhaps done: repeat it with the same ids"},
    {"overload", 503, "The server has as much to do as it takes"},
    {"rate", 429, "More requests a second than are taken"},
    {"refused", 422, "A rule of the engine forbids it"},
    {"rule_invalid", 422, "The rule has errors"},
    {"scope", 403, "The key's scopes do not reach this resource"},
    {"stale", 412, "It has changed meanwhile"},
    {"stale_signature", 401, "The signature is too old, or of the future"},
    {"target_too_long", 414, "The target is longer than this server takes"},
    {"timeout", 503, "It took longer than a request may"},
    {"too_many_fields", 431, "The head has more fields than this server takes"},
    {"too_slow", 408, "The request did not come in time"},
    {"unknown_parameter", 400, "The route has no such parameter"},
    {"unsupported", 422, "It needs a part that is not here"},
    {"wrong_sender", 401, "Somebody else sent it"},
};

// Members whose value says nothing are left out.
void put(Map& out, const char* name, const std::string& text) {
  if (!text.empty()) out.emplace_back(name, text);
}

Value to_value(const ProblemDetail& fault) {
  Map out;
  if (fault.event) out.emplace_back("event", *fault.event);
  put(out, "pointer", fault.pointer);
  if (fault.line > 0) out.emplace_back("line", fault.line);
  if (fault.column > 0) out.emplace_back("column", fault.column);
  put(out, "detail", fault.detail);
  put(out, "hint", fault.hint);
  return Value{std::move(out)};
}

std::string_view code_of(Code code) {
  switch (code) {
    case Code::kUnknownOutcome:
      return "outcome_unknown";
    case Code::kInvalid:
    case Code::kNotFound:
    case Code::kConflict:
    case Code::kRefused:
    case Code::kDamaged:
    case Code::kNoSpace:
    case Code::kIo:
    case Code::kUnsupported:
    case Code::kOverload:
    case Code::kClosed:
      return code_name(code);
  }
  return "internal";
}

}  // namespace

std::span<const ProblemCode> problem_codes() { return kCodes; }

const ProblemCode* find_problem_code(std::string_view code) {
  const auto* found = std::lower_bound(
      std::begin(kCodes), std::end(kCodes), code,
      [](const ProblemCode& entry, std::string_view name) { return entry.code < name; });
  return found != std::end(kCodes) && found->code == code ? found : nullptr;
}

int Problem::http_status() const {
  if (status != 0) return status;
  const auto* entry = find_problem_code(code);
  return entry == nullptr ? 500 : entry->status;
}

Problem make_problem(std::string_view code, std::string detail) {
  Problem out;
  out.code = code;
  out.detail = std::move(detail);
  const auto status = out.http_status();
  if (status == 503 || status == 429) out.retry_after_s = 1;
  return out;
}

Problem problem_of(const Error& error) { return make_problem(code_of(error.code), error.detail); }

std::string to_json(const Problem& problem, std::string_view trace_id) {
  const auto* entry = find_problem_code(problem.code);
  Map out{{"type", "/errors/" + problem.code},
          {"status", problem.http_status()},
          {"code", problem.code}};
  put(out, "title",
      problem.title.empty() && entry != nullptr ? std::string{entry->title} : problem.title);
  put(out, "detail", problem.detail);
  put(out, "trace_id", std::string{trace_id});
  if (!problem.errors.empty()) {
    List errors;
    for (const auto& fault : problem.errors) errors.push_back(to_value(fault));
    out.emplace_back("errors", std::move(errors));
  }
  return dealwright::to_json(Value{std::move(out)});
}

}  // namespace dealwright::http
