// One engine of production code: its partitions over a disk, a clock and channels of its own, and
// all ways in which it may die.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports/fake/fake_file_system.h"
#include "engine/ports/fake/fake_store.h"
#include "engine/runtime/partition.h"
#include "tests/sim/node_log.h"
#include "tests/sim/peers.h"

namespace dealwright::sim {

// What all nodes share.
struct Place {
  const Plan& plan;
  Dice& dice;
  Story& story;
  const FakeClock& clock;  // true time
  DeciderFactory& deciders;
  const runtime::ClusterKey& key;
  std::span<const View* const> views;
  Books& books;
  Broker* broker = nullptr;  // none: the embedded log
  std::function<void(std::uint32_t node, const Attempt&)> passes;
  SimChannel::Known known;
  // An embedded log was opened: what it holds now.
  std::function<void(NodeLog&)> reopened;
};

class Node {
 public:
  Node(std::uint32_t id, const Place& place);
  ~Node();

  bool up() const { return up_; }
  bool paused = false;  // as a process that is stopped and goes on later
  Duration skew;        // of its wall clock
  void start();
  // The process dies, or the machine; both come back by start().
  void die(bool power);
  // Dies within the next things it does: at the n-th point, write or flush.
  void die_at_point(std::uint64_t n) { point_left_ = n; }
  void die_at_store(std::uint64_t n) { store_left_ = n; }

  // One step of a partition; opens it if need be. False: nothing moved.
  bool step(PartitionId partition);
  bool run_append(PartitionId partition) { return up_ && log_->run_one(partition); }
  bool run_flush(PartitionId partition);
  bool run_peers(std::uint64_t which);
  void lead(PartitionId partition, bool on);
  bool leads(PartitionId partition) const;
  // None: it is down, or stopped.
  runtime::Partition* partition(PartitionId id) { return seats_[id]->partition.get(); }
  std::optional<Instant> next_due(PartitionId partition);
  NodeLog& log() { return *log_; }
  FakeFileSystem& files() { return files_; }
  FakeStore& store(PartitionId id) { return seats_[id]->store; }
  const Clock& clock() const { return clock_; }
  std::size_t attempts_under_way() const { return mail_.lines() + hook_.lines(); }
  bool appends_wait(PartitionId id) const { return up_ && log_->waiting(id) > 0; }
  // Why a partition is stopped for good; none: it is not.
  const std::optional<Error>& parked(PartitionId id) const { return seats_[id]->parked; }
  // An operator deletes the state, so that it is folded anew from the log.
  void forget_state(PartitionId id);

 private:
  class OwnClock final : public Clock {
   public:
    OwnClock(const FakeClock& clock, const Duration& skew) : clock_{clock}, skew_{skew} {}
    Instant wall() const override;
    std::int64_t steady_us() const override { return clock_.steady_us(); }

   private:
    const FakeClock& clock_;
    const Duration& skew_;
  };
  // What the process holds of a store that outlives it.
  class OpenStore;
  class Flusher final : public Worker {
   public:
    explicit Flusher(bool late) : late_{late} {}
    void post(std::function<void()> job) override;
    bool run_one();
    void drop() { jobs_.clear(); }

   private:
    const bool late_;
    std::deque<std::function<void()>> jobs_;
  };
  struct Seat {
    explicit Seat(bool late_flush) : flusher{late_flush} {}
    FakeStore store;
    std::unique_ptr<Store> open;
    Flusher flusher;
    std::shared_ptr<runtime::Attempts> attempts;
    std::unique_ptr<runtime::Partition> partition;
    bool lead = false;
    bool effects_paused = false;
    std::optional<Error> parked;
    std::uint64_t turns_down = 0;
  };
  bool open(PartitionId id);
  void fail(PartitionId id, const Error& error);
  void close(PartitionId id);
  void at_point(std::string_view name);
  bool disk_failed() const;

  const std::uint32_t id_;
  const Place& place_;
  FakeFileSystem files_;
  FakeRandom random_;
  OwnClock clock_;
  bool up_ = false;
  bool dead_ = false;  // it died within what it does just now
  bool restart_ = false;
  std::optional<std::uint64_t> point_left_, store_left_;
  std::unique_ptr<NodeLog> log_;
  SimChannel mail_, hook_;
  std::vector<Channel*> channels_{&mail_, &hook_};
  std::unique_ptr<runtime::Hosts> hosts_;
  std::vector<std::unique_ptr<Seat>> seats_;
};

}  // namespace dealwright::sim
