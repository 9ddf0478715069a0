#include "connectors/webhook/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "connectors/webhook/signature.h"
#include "engine/base/hash.h"
#include "engine/domain/form.h"

namespace dealwright::webhook {
namespace {

constexpr std::int64_t kRetryAfterMaxS = 3600;

const Value* value_of(const Attempt& attempt, std::string_view key) {
  const auto* value = find(attempt.content, key);
  return value != nullptr ? value : find(attempt.effect.payload, key);
}

std::string text_of(const Attempt& attempt, std::string_view key) {
  const auto* value = value_of(attempt, key);
  return value == nullptr ? std::string{} : std::string{value->text_or_empty()};
}

}  // namespace

Result<Endpoints> read_endpoints(const WebhookSettings& settings, const GuardRules& rules) {
  Endpoints out;
  for (const auto& [name, endpoint] : settings.endpoints) {
    const auto failed = [&endpoint_name = name](const Error& error) {
      return Error{error.code, fmt::format("webhook endpoint {}: {}", endpoint_name, error.detail)};
    };
    auto target = parse_target(endpoint.url, rules);
    if (!target) return failed(target.error());
    ReadEndpoint read{std::move(target.value()), {}};
    if (endpoint.secrets.empty() || endpoint.secrets.size() > 2)
      return failed({Code::kInvalid, "it has one secret, or two during rotation"});
    for (const auto& secret : endpoint.secrets) {
      auto bytes = parse_secret(secret);
      if (!bytes) return failed(bytes.error());
      read.secrets.push_back(std::move(bytes.value()));
    }
    out.emplace(name, std::move(read));
  }
  return out;
}

Result<Request> request_of(const Attempt& attempt, const Endpoints& endpoints, Instant now) {
  const auto name = text_of(attempt, "endpoint");
  const auto endpoint = endpoints.find(name);
  if (endpoint == endpoints.end())
    return Error{Code::kNotFound,
                 fmt::format("there is no webhook endpoint '{}' in the settings", name)};
  auto type = text_of(attempt, "type");
  if (type.empty()) type = "rule." + attempt.effect.rule;
  const auto* data = value_of(attempt, "data");

  Request out;
  out.target = endpoint->second.target;
  out.body = to_json(Value{Map{{"data", data == nullptr ? Value{Map{}} : *data},
                               {"timestamp", Value{attempt.effect.requested}},
                               {"type", Value{type}}}});
  if (out.body.size() >= kBodyBytesMax)
    return Error{Code::kInvalid, fmt::format("the body has {} bytes; a webhook has less than {}",
                                             out.body.size(), kBodyBytesMax)};
  const auto id = hex(attempt.effect.id);
  const auto timestamp_s = now.ms / 1000;
  out.headers = {
      "content-type: application/json", "webhook-id: " + id,
      fmt::format("webhook-timestamp: {}", timestamp_s),
      "webhook-signature: " + signatures(endpoint->second.secrets, id, timestamp_s, out.body)};
  if (const auto& trace = attempt.effect.traceparent; is_traceparent(trace))
    out.headers.push_back("traceparent: " + trace);
  return out;
}

AttemptResult result_of_answer(int status, std::int64_t retry_after_s) {
  using What = AttemptResult::What;
  AttemptResult out{What::kRetry, std::to_string(status), {}};
  if (status >= 200 && status < 300) out.what = What::kDelivered;
  if (status == 410) {
    out.what = What::kRejected;
    out.detail = "410 gone: the endpoint wants no more";
  }
  if (status >= 300 && status < 400) out.detail += ": redirects are not followed";
  if (out.what == What::kRetry && retry_after_s > 0)
    out.retry_after = seconds(std::min(retry_after_s, kRetryAfterMaxS));
  return out;
}

}  // namespace dealwright::webhook
