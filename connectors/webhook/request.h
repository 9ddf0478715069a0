// From an attempt to the request that it makes. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "connectors/webhook/address_guard.h"
#include "connectors/webhook/webhook_channel.h"

namespace dealwright::webhook {

// An endpoint whose URL and secrets were read.
struct ReadEndpoint {
  Target target;
  std::vector<std::string> secrets;  // bytes
};
using Endpoints = std::map<std::string, ReadEndpoint>;
// kInvalid, kRefused: names the endpoint.
Result<Endpoints> read_endpoints(const WebhookSettings& settings, const GuardRules& rules);

struct Request {
  Target target;
  std::string body;
  std::vector<std::string> headers;  // "name: value"
};
// Signed at `now`. kNotFound: no such endpoint; kInvalid: the body is too large.
Result<Request> request_of(const Attempt& attempt, const Endpoints& endpoints, Instant now);

// What an answer means. `retry_after_s`: what it asked for, 0 if nothing.
AttemptResult result_of_answer(int status, std::int64_t retry_after_s);

}  // namespace dealwright::webhook
