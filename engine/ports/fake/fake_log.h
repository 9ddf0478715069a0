// A Log in memory that fails in every way a log may. It has no thread: appends wait until a test or
// simulation runs them, on the thread that calls. Deterministic from its seed.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports/fake/fake_clock.h"
#include "engine/ports/log.h"

namespace dealwright {

// Thread-safe.
class FakeLog final : public Log {
 public:
  enum class Fault : std::uint8_t {
    kAckLost,    // it is there, yet kUnknownOutcome
    kTimeOut,    // it is not there, and kUnknownOutcome
    kLate,       // kUnknownOutcome now; it turns up behind the appends that wait
    kPart,       // only the first of its records are there, and kUnknownOutcome
    kDuplicate,  // its records are there twice
    kGap,        // positions are left out before it
    kNoSpace,
    kOverload,
  };
  static constexpr std::size_t kFaults = 8;

  explicit FakeLog(std::uint32_t partitions, std::uint64_t seed = 1);

  std::uint32_t partitions() const override;
  void append(Topic topic, PartitionId partition, std::vector<std::string> records,
              Done done) override;
  // At once; counted.
  void append_soon(Topic topic, PartitionId partition, std::vector<std::string> records,
                   Done done) override;
  Result<LogBatch> read(Topic topic, PartitionId partition, Position from,
                        std::size_t bytes_max) override;
  Result<Position> end(Topic topic, PartitionId partition) override;
  Result<Position> begin(Topic topic, PartitionId partition) override;
  void listen(PartitionId partition, std::function<void()> wake) override;
  Result<void> release_before(PartitionId partition, Position events, Position decisions) override;
  LogStatus status(PartitionId partition) const override;

  // Runs the oldest waiting append of `partition` with its callback; false if none waits.
  bool run_one(PartitionId partition);
  // Runs all that wait, and what their callbacks append; how many.
  std::size_t run_all();
  std::size_t waiting(PartitionId partition) const;

  // The next append that is run to `partition` has this fault.
  void fail_next(PartitionId partition, Fault fault);
  // So many of 100 appends have it, drawn from the seed.
  void set_rate(Fault fault, std::uint64_t percent);
  std::uint64_t count(Fault fault) const;
  std::uint64_t appended_soon(PartitionId partition) const;

  // The process dies: appends that wait are there, in part or not, as the seed says; their
  // callbacks never run; listeners are gone.
  void crash();
  // Adds a record as another writer would, at once.
  Position put(Topic topic, PartitionId partition, std::string record);
  // The next record of `topic` gets a position so much higher.
  void skip_positions(Topic topic, PartitionId partition, Position count);
  // The last `count` records are gone, and their positions are given again.
  void truncate(Topic topic, PartitionId partition, std::size_t count);
  // Retention takes what lies before `from`.
  void cut_before(Topic topic, PartitionId partition, Position from);
  // Reads of that position fail with kDamaged; none: mended.
  void damage(Topic topic, PartitionId partition, std::optional<Position> at);
  // The partition takes nothing more.
  void stop(PartitionId partition, std::string reason);
  // Reads and end() miss the last `count` records.
  void lag(PartitionId partition, std::size_t count);
  // All is emptied and begins at 0 again, as a topic that somebody re-created.
  void recreate();

  struct Kept {
    Position position;
    std::string bytes;
  };
  // What is there, also what lags.
  std::vector<Kept> records(Topic topic, PartitionId partition) const;

 private:
  struct Series {
    std::deque<Kept> records;
    Position begin = 0;
    Position next = 0;
    std::optional<Position> damaged;
  };
  struct Waiting {
    Topic topic;
    std::vector<std::string> records;
    Done done;  // none: its caller was told already
  };
  struct Partition {
    std::array<Series, kTopics> series;
    std::deque<Waiting> waiting;
    std::deque<Fault> faults;
    std::function<void()> wake;
    std::optional<std::string> stopped;
    std::size_t lag = 0;
    std::uint64_t soon = 0;
  };
  using Outcome = Result<std::vector<Position>>;

  Series& series(Topic topic, PartitionId partition);
  const Series& series(Topic topic, PartitionId partition) const;
  std::optional<Fault> draw_fault(Partition& partition);
  Outcome take(Partition& partition, Waiting& append, std::optional<Fault> fault);
  static std::vector<Position> add(Series& series, std::vector<std::string> records);
  std::size_t visible(const Partition& partition, const Series& series) const;
  void call_listener(PartitionId partition);

  mutable std::mutex mutex_;
  std::recursive_mutex listener_mutex_;  // held while a listener runs; taken before mutex_
  FakeRandom random_;
  std::vector<Partition> partitions_;
  std::array<std::uint64_t, kFaults> rates_{};
  std::array<std::uint64_t, kFaults> counts_{};
};

}  // namespace dealwright
