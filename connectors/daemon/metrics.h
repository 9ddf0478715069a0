// What `GET /metrics` says (docs/operations.md): times and counts that others tell as they go, and
// what is read of partitions, log and server when it is asked. Prometheus text, version 0.0.4.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/daemon/workspace.h"
#include "connectors/http/access.h"
#include "connectors/http/limits.h"
#include "engine/ports/clock.h"
#include "engine/ports/meter.h"

namespace dealwright::daemon {

inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// Thread-safe.
class Metrics final : public Meter {
 public:
  // `clock` outlives it.
  explicit Metrics(const Clock& clock);
  ~Metrics() override;
  static constexpr PartitionId kPartitionsMax =
      256;  // as log.partitions says; others have no times

  void decided(PartitionId partition, std::int64_t us) override;
  void folded(PartitionId partition, std::int64_t us) override;
  void synced(PartitionId partition, std::int64_t us, Position events_end) override;
  void effect_moved(std::string_view channel, EffectState to) override;
  void mail_incomplete() override;
  // An append of events from outside was answered; `failed`: how. `repeats`: of its events, those
  // that were known by their ids and not appended again.
  void appended(std::int64_t us, const Error* failed, std::uint64_t repeats);
  // A mail came in; `result`: of mail_results().
  void mail_came(std::string_view result);
  // A request was answered, or a stream ended.
  void answered(const http::AccessLine& line);

  // All of it. Asks every partition, so it may wait: not on a thread that must not.
  std::string text(Workspace& workspace, const http::Load& load, const http::Limits& limits) const;

 private:
  struct Parts;
  const Clock& clock_;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace dealwright::daemon
