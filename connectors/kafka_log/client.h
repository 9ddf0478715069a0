// What all of a process's clients of a cluster have in common.
#pragma once

#include "connectors/kafka_log/handle.h"
#include "connectors/kafka_log/kafka_log.h"

namespace dealwright::kafka_log {

inline Properties client_properties(const Options& options) {
  Properties out{options.client.begin(), options.client.end()};
  out.emplace("reconnect.backoff.max.ms", "1000");  // a broker that is back is found soon
  out["bootstrap.servers"] = options.brokers;
  out["client.id"] = "dealwright-" + options.prefix;
  return out;
}

}  // namespace dealwright::kafka_log
