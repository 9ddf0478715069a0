// The channel `webhook`: Standard Webhooks over libcurl, many at once on one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connectors/webhook/address_guard.h"
#include "engine/ports/channel.h"
#include "engine/ports/clock.h"

namespace dealwright::webhook {

struct Endpoint {
  std::string url;
  // `whsec_...`; during rotation two, the new one first.
  std::vector<std::string> secrets;
};

struct WebhookSettings {
  std::map<std::string, Endpoint> endpoints;  // by the name that rules use
  bool loopback_http = false;                 // dev and tests
  std::vector<std::uint16_t> ports{443, 8443};
  std::string ca_file;             // PEM; empty: what the system trusts
  std::size_t parallel_max = 64;   // attempts at once; how many per host is the caller's to say
  std::size_t waiting_max = 1000;  // more are told to come again
  std::size_t resolvers = 4;       // names looked up at once
  Duration connect_time = seconds(10);
  Duration answer_time = seconds(15);  // in all
  Duration drain_time = seconds(15);   // for what has begun when we shut down
};

inline constexpr std::size_t kBodyBytesMax = 20'000;   // Standard Webhooks: below 20 kB
inline constexpr std::size_t kReplyBytesMax = 65'536;  // head and body; what is behind is not read

// All addresses of a name; may block. kNotFound, kIo. Called on threads of the channel.
using Resolve = std::function<Result<std::vector<IpAddress>>(const std::string& host)>;
Resolve system_resolve();

// It does not wait at the gate: that an attempt starts is durable before send(), and its request
// begins within kAttemptSpan of that or not at all (aborted).
// `content`, and where it has none the payload: endpoint (required), data, type, traceparent.
// Its body is {"data":..,"timestamp":..,"type":..}, the same in each attempt: the timestamp is that
// of the request for the effect, the type is "rule.<rule id>" if none is given.
//
// 2xx is delivered. Rejected: 410 (the endpoint wants no more), an unknown endpoint, a body of
// 20 kB. Unknown: cut after the request began; the receiver tells a repeat by its webhook-id. All
// else is retry: other answers (3xx is not followed), names, connections, certificates.
//
// kInvalid, kRefused: an endpoint's URL or secret, named. `clock` has to outlive the channel.
Result<std::unique_ptr<Channel>> make_webhook_channel(WebhookSettings settings, const Clock& clock,
                                                      Resolve resolve = system_resolve());

}  // namespace dealwright::webhook
