// Keeps the disk from filling up with facts: below 5 % free bytes no fact from outside is taken,
// until 10 % are free again. What is left is for decisions, state and their compaction.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "engine/ports/file_system.h"

namespace dealwright::daemon {

inline constexpr std::uint64_t kClosePercent = 5;
inline constexpr std::uint64_t kOpenPercent = 10;

// Any thread.
class SpaceGuard {
 public:
  // Told when facts are refused from now on (`full`: why), and when they are taken again (empty).
  using OnChange = std::function<void(const std::string& full)>;
  // `files` outlives it; `path` lies on the disk that is watched.
  SpaceGuard(FileSystem& files, std::string path, OnChange on_change = {})
      : files_{files}, path_{std::move(path)}, on_change_{std::move(on_change)} {}

  // Looks at the disk (a system call of a microsecond). kNoSpace, retriable: the disk is too full.
  Result<void> admit();

 private:
  FileSystem& files_;
  const std::string path_;
  const OnChange on_change_;
  std::atomic<bool> closed_{false};
};

}  // namespace dealwright::daemon
