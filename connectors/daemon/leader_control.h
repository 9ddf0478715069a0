// Lets this process lead its share of a log that others work on too: what they tell each other
// suggests who claims what, and the engine does it.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connectors/kafka_log/members.h"
#include "engine/runtime/engine.h"

namespace dealwright::daemon {

// host-pid-random: no two processes ever have the same.
std::string node_name(Random& random);

class LeaderControl {
 public:
  // The engine outlives it, and leads nothing at first.
  static Result<std::unique_ptr<LeaderControl>> start(runtime::Engine& engine, const Clock& clock,
                                                      const kafka_log::Options& options,
                                                      kafka_log::MembersSettings settings);
  // It leaves: what it leads is another's as soon as it leads it no more. Before Engine::stop.
  void leave() { membership_->leave(); }
  // Waits until this process leads all partitions; false: not within `patience`.
  bool wait_for_all(Duration patience) const;

 private:
  LeaderControl(runtime::Engine& engine, std::string node)
      : engine_{engine}, node_{std::move(node)} {}
  std::vector<PartitionId> led();
  void take(const std::vector<kafka_log::Heartbeat>& members);

  runtime::Engine& engine_;
  const std::string node_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<PartitionId> led_;
  std::unique_ptr<kafka_log::Members> membership_;  // ends before the rest
};

}  // namespace dealwright::daemon
