// What other threads tell a partition. Inside engine/runtime; its own sources use it.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/runtime/partition.h"

namespace dealwright::runtime {

struct Partition::Mail {
  std::mutex mutex;
  std::vector<Result<std::vector<Position>>> appended;
  std::size_t unanswered = 0;  // decision records that the log has and has said nothing of
  std::vector<std::pair<std::uint32_t, Result<std::uint64_t>>> sent;  // to, through
  bool flushed = false;
  std::optional<Error> flush_failed;

  // An answer may come when the partition is gone, and with it whoever is to be woken.
  void wake_owner();
  std::mutex wake_mutex;  // held while `wake` runs
  std::function<void()> wake;
};

}  // namespace dealwright::runtime
