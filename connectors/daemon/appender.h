// A stream of facts into a workspace.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "connectors/daemon/workspace.h"

namespace dealwright::daemon {

// Appends a stream of facts without waiting for each: groups them by partition, one group of each
// on its way, so that a refused one leaves no hole: the rows of a batch that are there are its
// first. Holds at most about twice `bytes_max`. One thread.
class Appender {
 public:
  // `stop`: asked while it waits for partitions to take reference data; kClosed when it says so.
  explicit Appender(Workspace& workspace, std::size_t bytes_max = std::size_t{16} << 20,
                    std::function<bool()> stop = {});
  ~Appender();  // waits for what is on the way
  // kNoSpace, kOverload, kUnknownOutcome ...: of this fact or of an earlier one.
  Result<void> add(const Event& event);
  // Everything added is durable, reference data in every partition's log.
  Result<void> flush();
  std::uint64_t durable() const;

 private:
  struct Shared;
  void put(const Event& event, PartitionId partition);
  Result<void> ship(PartitionId partition);
  Result<void> ship_all();
  Result<void> spread();
  Workspace& workspace_;
  const std::size_t bytes_max_;
  const std::function<bool()> stop_;
  bool unspread_ = false;  // reference data was added that partitions may not have yet
  std::vector<std::vector<std::string>> waiting_;
  std::vector<std::size_t> waiting_bytes_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace dealwright::daemon
