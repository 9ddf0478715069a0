// What a partition is made of, and how it is to be.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "engine/ports/channel.h"
#include "engine/ports/clock.h"
#include "engine/ports/decider.h"
#include "engine/ports/file_system.h"
#include "engine/ports/log.h"
#include "engine/ports/meter.h"
#include "engine/ports/notice.h"
#include "engine/ports/store.h"
#include "engine/ports/view.h"
#include "engine/ports/worker.h"
#include "engine/runtime/attempts.h"
#include "engine/runtime/cluster_key.h"
#include "engine/runtime/dispatch.h"
#include "engine/runtime/hosts.h"
#include "engine/runtime/state.h"

namespace dealwright::runtime {

// What a partition is made of; all outlive it.
struct PartitionParts {
  Log& log;
  Store& store;
  FileSystem& files;
  const Clock& clock;
  Random& random;
  Worker& flusher;
  DeciderFactory& deciders;
  const ClusterKey& key;
  std::span<const View* const> views;
  std::span<Channel* const> channels = {};  // none: effects stay requested
  std::shared_ptr<Attempts> attempts = {};  // of a partition that was here before; else its own
  Hosts* hosts = nullptr;                   // none: no limits by host
  Meter* meter = &null_meter();
};

struct PartitionOptions {
  PartitionId id = 0;
  std::string dedup_directory;
  std::string node = "node";
  bool event_clock = false;    // for a log without decisions; else its first record says
  bool lead = true;            // false: a replica, folds only
  bool others_write = false;   // into `events` of this log: what steers the engine has to be signed
  bool clock_witness = false;  // an operator or a synchronised clock vouches for `wall`
  StateLimits limits;
  std::uint32_t events_per_record = 1000;
  std::size_t records_in_flight = 4;
  // That other partitions' logs hold what was sent to them needs no hurry: it waits so long for
  // something to be decided with, since a record of its own costs as much as one of events.
  Duration acks_wait{};
  DispatchLimits dispatch;
  // Nothing leaves before a person's workspace.resumed: of a restored backup. Partition 0 says
  // workspace.paused when it leads; each waits for a word that is newer than its lead.
  bool effects_paused = false;
  // Called on the partition's thread behind each generation that the store holds durably: a start
  // reads the logs from these positions on, so what lies before them may go, if retention says so.
  // An error stops the partition.
  std::function<Result<void>(PartitionId, Position events, Position decisions)> on_snapshot;
  // Called on the partition's thread when more is folded and durable, in both logs up to here: what
  // is asked from then on sees it. Short; it must not ask the partition.
  std::function<void(PartitionId, Position events, Position decisions)> on_progress;
  Notify notify;  // none: nobody is told
  // Called at named points, for crash tests: claim.{begin,appended,confirmed}, decide.{begin,
  // appended}, timer.{decided,recorded}, fold.read_back, send.{begin,durable},
  // flush.{begin,durable, written,adopted}; flush.durable on the flusher's thread, the others on
  // the owner's.
  std::function<void(std::string_view)> at_point;
};

}  // namespace dealwright::runtime
