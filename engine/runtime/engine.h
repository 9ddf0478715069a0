// All partitions of one process: a thread each, a worker each for the disk, questions from
// anywhere.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/runtime/partition.h"

namespace dealwright::runtime {

// A worker with a thread of its own; the destructor waits for what was posted.
class ThreadWorker : public Worker {
 public:
  ThreadWorker();
  ~ThreadWorker() override;
  void post(std::function<void()> job) override;

 private:
  void run();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::function<void()>> jobs_;
  bool stop_ = false;
  std::thread thread_;
};

struct EngineParts {
  Log& log;
  FileSystem& files;
  const Clock& clock;
  Random& random;
  DeciderFactory& deciders;
  const ClusterKey& key;
  std::span<const View* const> views;
  std::function<Result<std::unique_ptr<Store>>(const std::string& path)> open_store;
  std::string state_directory;          // one folder per partition below it
  std::vector<Channel*> channels = {};  // what carries effects out; none: they stay requested
  Hosts::Limits hosts = {};             // where they go
  Meter* meter = &null_meter();
};

class Engine {
 public:
  // Starts the threads; partitions catch up, claim and lead by themselves. One that cannot be
  // opened is stopped, with its reason; the others go on. One that fails for a reason that may pass
  // (a full disk) is closed with its store and opened again, until that goes well. ask() and
  // wait_idle() tell why.
  static Result<std::unique_ptr<Engine>> open(EngineParts parts, PartitionOptions options);
  ~Engine();  // settles what it can; stop() tells how that went

  std::uint32_t partitions() const { return static_cast<std::uint32_t>(seats_.size()); }
  // Runs `question` on the partition's thread and waits until its answer may leave. The partition's
  // own error if it could not be opened or is being opened again; one that stopped later still
  // answers from what it has.
  Result<void> ask(PartitionId partition, const std::function<void(Partition&)>& question);
  // The same without waiting: `done` is called once, on the partition's thread when the answer may
  // leave, or on the one that found that there is none. It must not ask in turn, nor wait.
  // `question` says false where its answer rests on nothing that could still be undone, such as
  // that a record is not there: that leaves at once.
  void ask_async(PartitionId partition, std::function<bool(Partition&)> question,
                 std::function<void(Result<void>)> done);
  // Asks several at once and waits for all: `question` is called on each one's own thread, beside
  // the others. The first error in the order of `partitions`.
  using Each = std::function<void(PartitionId, Partition&)>;
  Result<void> ask_each(std::span<const PartitionId> partitions, const Each& question);
  // The same, for a short question that only looks: where a partition's thread has nothing to do it
  // is called here, on the caller's. Says what ask_async's says.
  using Look = std::function<bool(PartitionId, Partition&)>;
  Result<void> look_in_each(std::span<const PartitionId> partitions, const Look& question);
  // Waits until every partition has folded, decided and read back all that is in the log, and what
  // partitions sent each other too. A stopped partition's error ends the wait; `stopped_too`: it
  // waits for the others.
  Result<void> wait_idle(bool stopped_too = false);
  // On the event clock: all partitions go on to the newest `now` of any.
  Result<void> advance_together();
  // Whether this process is to claim the lead of a partition: see Partition::lead. Thread-safe.
  void lead(PartitionId partition, bool on);
  bool leads(PartitionId partition) const;  // thread-safe
  // Settles every partition and ends the threads. Idempotent. `patience`: what is in the
  // log and not decided stays so, and attempts of effects are waited for so long.
  Result<void> stop(std::optional<Duration> patience = {});

 private:
  struct Seat;
  struct Hurry;
  class Answer;
  class Deciders;
  explicit Engine(EngineParts parts);
  Result<void> seat_partition(Seat& seat);
  static void unseat(Seat& seat);
  void fall(Seat& seat, std::unique_lock<std::mutex>& lock);
  bool rise(Seat& seat, std::unique_lock<std::mutex>& lock);
  void run(Seat& seat);
  void turn(Seat& seat);
  static void tell_stopped(Seat& seat, const Error& why);  // REQUIRES: nothing is held
  static bool look_here(Seat& seat, const std::function<bool(Partition&)>& question,
                        const std::function<void(Result<void>)>& done);
  Result<void> ask_all_of(std::span<const PartitionId> partitions, const Look& question,
                          bool looks_only);
  bool run_jobs(Seat& seat, std::unique_lock<std::mutex>& lock);
  std::vector<std::uint64_t> progress();

  EngineParts parts_;
  std::unique_ptr<Deciders> deciders_;
  std::unique_ptr<Hosts> hosts_;
  std::vector<std::unique_ptr<Seat>> seats_;
  bool stopped_ = false;
};

}  // namespace dealwright::runtime
