// Facts from outside into the log, each of them once as long as its id is remembered here; behind
// that the fold finds what came twice.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "connectors/daemon/workspace.h"
#include "engine/base/hash.h"

namespace dealwright::daemon {

// Where events of late were put, by source and id. Two generations: when the young one is full it
// becomes the old one, and what nobody asked for since is forgotten.
class RecentEvents {
 public:
  explicit RecentEvents(std::size_t entries) : half_{entries / 2 + 1} {}
  std::optional<Placed> find(const Hash128& id);
  void put(const Hash128& id, Placed at);

 private:
  struct Hash {
    using is_avalanching = void;
    std::size_t operator()(const Hash128& id) const { return static_cast<std::size_t>(id.low); }
  };
  const std::size_t half_;
  boost::unordered_flat_map<Hash128, Placed, Hash> young_, old_;
};

// Thread-safe.
class Intake {
 public:
  // Told of each append how long it took, how it failed if it did, and how many of its events were
  // known; any thread.
  using OnAppend = std::function<void(std::int64_t us, const Error* failed, std::uint64_t known)>;
  explicit Intake(Workspace& workspace, OnAppend on_append = {}, std::size_t remembered = 200'000)
      : workspace_{workspace}, on_append_{std::move(on_append)}, recent_{remembered} {}

  struct Receipt {
    std::vector<Placed> at;        // by event; of one that came again, where it stands since then
    std::uint64_t duplicates = 0;  // of them: known here already, so not appended again
  };
  // Calls `done` once, as Workspace::append_async says. One that comes while its first is on the
  // way is appended as well, and the fold counts it once.
  void append(std::vector<Event> events, std::function<void(Result<Receipt>)> done);

 private:
  void tell(std::int64_t since_us, const Error* failed, std::uint64_t known) const;

  Workspace& workspace_;
  const OnAppend on_append_;
  mutable std::mutex mutex_;
  RecentEvents recent_;
};

}  // namespace dealwright::daemon
