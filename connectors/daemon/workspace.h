// A data directory opened for work: the embedded log, the state of each partition, the engine over
// them. What the command line and the server are made of.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/daemon/config.h"
#include "connectors/daemon/leader_control.h"
#include "connectors/daemon/space_guard.h"
#include "connectors/daemon/watch.h"
#include "connectors/embedded_log/embedded_log.h"
#include "engine/domain/event.h"
#include "engine/ports/channel.h"
#include "engine/ports/worker.h"
#include "engine/runtime/engine.h"

namespace dealwright::daemon {

// What carries effects out of the engine, and the threads it needs.
struct Channels {
  std::vector<std::unique_ptr<Worker>> workers;  // outlive the channels
  std::vector<std::unique_ptr<Channel>> list;
};

struct WorkspaceOptions {
  std::string path;
  std::uint32_t partitions = 0;  // 0: as it was created, or 4
  bool create = false;
  bool event_clock = false;  // of a log that is created now
  bool lead = true;
  bool clock_witness = false;
  bool effects_paused = false;  // of a restored copy: nothing leaves before workspace.resumed
  std::size_t memory_bytes = std::size_t{768} << 20;  // for caches, over all partitions
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  embedded_log::Retention retention;               // without limits: all of the log stays
  std::uint64_t generation_events = 0;             // 0: the engine's own limit
  std::function<void(std::string_view)> at_point;  // crash tests: see Partition, EmbeddedLog
  std::optional<Config> config;                    // all limits; in place of those above
  Meter* meter = nullptr;                          // outlives it
  Notify notify;                                   // of what partitions have to tell
  SpaceGuard::OnChange on_space;
  // Made once; both outlive them. Empty: effects stay requested, nothing leaves.
  std::function<Result<Channels>(FileSystem&, const Clock&)> channels;
  std::string unsubscribe_base;  // https://.../ in front of a token; "": no marketing mail leaves
};

// Where a fact was put.
struct Placed {
  PartitionId partition = 0;
  Position position = 0;
};

// Thread-safe.
class Workspace {
 public:
  using AppendDone = std::function<void(Result<std::vector<Placed>>)>;
  // kNotFound: no data directory there, and `create` is off.
  static Result<std::unique_ptr<Workspace>> open(WorkspaceOptions options);
  ~Workspace();

  runtime::Engine& engine() { return *engine_; }
  Log& log() { return *log_; }
  embedded_log::EmbeddedLog* embedded_log() { return embedded_; }  // none: it is Kafka's
  FileSystem& files() { return *files_; }
  const Clock& clock() const { return *clock_; }
  const runtime::ClusterKey& key() const { return *key_; }
  SpaceGuard& space() { return *space_; }
  std::uint32_t partitions() const { return log_->partitions(); }
  const std::string& path() const { return options_.path; }
  bool event_clock() { return event_clock_; }

  // The partition that judges this fact first.
  PartitionId placement(const Event& event) const;
  // Appends its bytes as they go into that partition's log; what steers the engine is signed.
  void encode(const Event& event, PartitionId partition, std::string& out) const;
  // Calls `done` once, on a thread of the log or at once: all are durable, or what failed of them.
  // Others of them may be durable then; the same again counts once. kNoSpace: see SpaceGuard.
  void append_async(const std::vector<Event>& events, AppendDone done);
  Result<std::vector<Placed>> append(const std::vector<Event>& events);
  // Appends what the engine itself says (signed) to one partition.
  Result<Placed> append_own(Event event, PartitionId partition);
  void append_own_async(Event event, PartitionId partition,
                        std::function<void(Result<Placed>)> done);

  // Asks all partitions that are served, beside each other; see Engine::ask_each.
  Result<void> ask_all(const runtime::Engine::Each& question);
  Result<void> look_in_all(const runtime::Engine::Look& question);
  // What an answer stands on: where each partition stood when it was asked, and for how long the
  // oldest fact that it has not folded has been waiting, near enough.
  struct Freshness {
    std::vector<Progress> at;
    std::int64_t lag_ms = 0;
  };
  Result<ViewRows> query(std::string_view view, const ViewQuery& query, Freshness* fresh = nullptr);
  Result<void> rebuild_view(std::string_view view,
                            const std::function<void(std::uint64_t events)>& progress);
  // Folds a partition's whole log into a scratch state and views, checking the hash chain on its
  // way, and shows what it came to.
  Result<void> with_replay(PartitionId partition,
                           const std::function<void(runtime::State&)>& visit);
  // Why a partition takes and decides nothing more: damage of its log above all. None: it goes on.
  std::optional<Error> stopped(PartitionId partition);
  // Leaves the partitions that stopped out of all that is read from here on; stop() tells why.
  // Their error if all did.
  Result<void> leave_out_stopped();
  bool serves(PartitionId partition) const { return left_out_.count(partition) == 0; }
  PartitionId first_served() const;
  Watch& watch() { return *watch_; }
  const LeaderControl* control() const { return control_.get(); }  // none: nobody works beside it
  // Waits until the partition has folded the event there, or until `holds` (called in its
  // thread); kOverload, retriable: not within `patience`. Its own error if it stops.
  Result<void> wait_folded(const Placed& at, Duration patience = seconds(10));
  Result<void> wait_until(PartitionId partition,
                          const std::function<bool(runtime::Partition&)>& holds,
                          Duration patience = seconds(10));
  // Waits until all is decided; of partitions that are left out nothing is awaited.
  Result<void> wait_idle() { return engine_->wait_idle(!left_out_.empty()); }
  // `patience`: see Engine::stop.
  Result<void> stop(std::optional<Duration> patience = {});

 private:
  explicit Workspace(WorkspaceOptions options) : options_{std::move(options)} {}
  Result<void> open_log(bool there);
  Result<void> open_kafka_log();
  Result<void> join();
  Result<void> load_key();
  Result<void> not_in_time(PartitionId partition);
  Result<runtime::PartitionOptions> partition_options();
  void retain(runtime::PartitionOptions& partition);
  Result<void> rebuild_stale();
  runtime::StateLimits scratch_limits() const;
  Result<void> rebuild_in(PartitionId partition, const View& view,
                          const std::function<void(std::uint64_t)>& progress);

  WorkspaceOptions options_;
  bool event_clock_ = false;
  std::set<PartitionId> left_out_;
  std::optional<Error> left_out_why_;  // of the first
  std::shared_ptr<Watch> watch_;
  std::unique_ptr<FileSystem> files_;
  std::unique_ptr<SpaceGuard> space_;
  std::unique_ptr<Clock> clock_;
  std::unique_ptr<Random> random_;
  std::unique_ptr<runtime::ClusterKey> key_;
  std::unique_ptr<DeciderFactory> deciders_;
  std::function<Result<std::unique_ptr<Store>>(const std::string&)> open_store_;
  std::unique_ptr<Log> log_;
  embedded_log::EmbeddedLog* embedded_ = nullptr;  // log_, if it is one
  Channels channels_;
  std::optional<kafka_log::Options> kafka_;  // if that is where the log is
  std::string node_;                         // ... this process among those on it
  std::unique_ptr<runtime::Engine> engine_;
  std::unique_ptr<LeaderControl> control_;  // of a log that others work on too
};

}  // namespace dealwright::daemon
