// A node's way to the log. Appends wait until the scheduler runs them; what is appended by a node
// that died never happens, or did.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connectors/embedded_log/embedded_log.h"
#include "engine/ports/fake/fake_file_system.h"
#include "engine/ports/fake/fake_log.h"
#include "engine/ports/log.h"
#include "tests/sim/plan.h"
#include "tests/sim/story.h"

namespace dealwright::sim {

// One thread.
class NodeLog : public Log {
 public:
  void append(Topic topic, PartitionId partition, std::vector<std::string> records,
              Done done) override;
  void listen(PartitionId, std::function<void()>) override {}  // the scheduler looks by itself
  std::size_t waiting(PartitionId partition) const { return waiting_[partition].size(); }
  // Runs the oldest that waits; false: none.
  virtual bool run_one(PartitionId partition) = 0;
  // The node dies; what waits is there, in part or not.
  virtual void crash(FakeRandom& random) = 0;
  virtual void fall_behind(PartitionId, std::size_t) {}
  virtual std::optional<Error> stopped(PartitionId) const { return {}; }
  virtual void catch_up() {}
  // The broker that leads goes away: of what waits some is there, and nobody hears of it.
  virtual void lose_answers(PartitionId, FakeRandom&) {}
  bool dead = false;

 protected:
  struct Waiting {
    Topic topic;
    std::vector<std::string> records;
    Done done;  // none: its caller was told already
  };
  explicit NodeLog(std::uint32_t partitions) : waiting_(partitions) {}
  std::vector<std::deque<Waiting>> waiting_;
};

// What all nodes share: records as a cluster keeps them.
struct Broker {
  Broker(std::uint32_t partitions, std::function<void(Topic, PartitionId, Position)> on_put)
      : log{partitions}, told{std::move(on_put)}, cuts(partitions * kTopics), covers(partitions) {}
  FakeLog log;
  std::function<void(Topic, PartitionId, Position)> told;  // of each record that is there
  struct Cut {  // an unclean election took records away, from there on
    Position at = 0;
    std::uint64_t epoch = 0;
  };
  std::vector<Cut> cuts;  // by partition and topic
  Cut& cut(Topic topic, PartitionId partition) {
    return cuts[partition * kTopics + static_cast<std::size_t>(topic)];
  }
  void cut_off(Topic topic, PartitionId partition) {
    auto& of = cut(topic, partition);
    of = {log.end(topic, partition).value(), of.epoch + 1};
  }
  // A decision record, and up to where it covers events.
  std::vector<std::vector<std::pair<Position, Position>>> covers;
  // Decisions from there on cover events from `events` on.
  Position first_behind(PartitionId partition, Position events) const;
  std::vector<Position> put(Topic topic, PartitionId partition, std::vector<std::string> records);
};

// One node's client of the cluster.
class Connection final : public NodeLog {
 public:
  Connection(Broker& broker, Dice& dice, Story& story);
  std::uint32_t partitions() const override { return broker_.log.partitions(); }
  Result<LogBatch> read(Topic topic, PartitionId partition, Position from,
                        std::size_t bytes_max) override;
  Result<Position> end(Topic topic, PartitionId partition) override;
  Result<Position> begin(Topic topic, PartitionId partition) override {
    return broker_.log.begin(topic, partition);
  }
  Result<void> release_before(PartitionId partition, Position events, Position decisions) override {
    return broker_.log.release_before(partition, events, decisions);
  }
  LogStatus status(PartitionId partition) const override { return broker_.log.status(partition); }
  bool run_one(PartitionId partition) override;
  void crash(FakeRandom& random) override;
  // Reads miss the last `count` records, as far as they were not seen yet.
  void fall_behind(PartitionId partition, std::size_t count) override;
  void catch_up() override;
  void lose_answers(PartitionId partition, FakeRandom& random) override;

 private:
  struct View {
    Position seen = 0;  // never gone back behind
    std::optional<Position> limit;
    std::uint64_t epoch = 0;  // of the leader that it read from last
  };
  Result<void> check_epoch(Topic topic, PartitionId partition, Position from);
  View& view(Topic topic, PartitionId partition) {
    return views_[partition * kTopics + static_cast<std::size_t>(topic)];
  }
  using Outcome = Result<std::vector<Position>>;
  Outcome take(PartitionId partition, Waiting& append);

  Broker& broker_;
  Dice& dice_;
  Story& story_;
  std::vector<View> views_;
};

// The embedded log, its thread in step with ours: an append is run and waited for.
class Lockstep final : public NodeLog {
 public:
  using Told = std::function<void(Topic, PartitionId, Position)>;
  static Result<std::unique_ptr<Lockstep>> open(FakeFileSystem& files, const Clock& clock,
                                                std::uint32_t partitions);
  std::uint32_t partitions() const override { return log_->partitions(); }
  Result<LogBatch> read(Topic topic, PartitionId partition, Position from,
                        std::size_t bytes_max) override {
    return log_->read(topic, partition, from, bytes_max);
  }
  Result<Position> end(Topic topic, PartitionId partition) override {
    return log_->end(topic, partition);
  }
  Result<Position> begin(Topic topic, PartitionId partition) override {
    return log_->begin(topic, partition);
  }
  Result<void> release_before(PartitionId partition, Position events, Position decisions) override {
    return log_->release_before(partition, events, decisions);
  }
  LogStatus status(PartitionId partition) const override { return log_->status(partition); }
  bool run_one(PartitionId partition) override;
  void crash(FakeRandom& random) override;
  std::optional<Error> stopped(PartitionId partition) const override {
    return log_->status(partition).stopped;
  }

 private:
  Lockstep(std::unique_ptr<embedded_log::EmbeddedLog> log, std::uint32_t partitions)
      : NodeLog{partitions}, log_{std::move(log)} {}
  std::unique_ptr<embedded_log::EmbeddedLog> log_;
};

}  // namespace dealwright::sim
