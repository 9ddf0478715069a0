// Drafts of rules: texts that are being written and are not in force, a file each.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/ports/file_system.h"

namespace dealwright::daemon {

// Any thread, one folder. Rule ids are lower case words with dashes: kInvalid else, so that none
// names a path.
class Drafts {
 public:
  Drafts(FileSystem& files, std::string folder) : files_{files}, folder_{std::move(folder)} {}

  Result<std::optional<std::string>> read(const std::string& rule) const;
  // Whole or not at all, durable when it returns. `before`: what the writer had read; kConflict if
  // somebody wrote meanwhile.
  Result<void> write(const std::string& rule, const std::optional<std::string>& before,
                     std::string_view text);
  // If it still has that text; else somebody went on writing, and it stays.
  Result<void> remove(const std::string& rule, std::string_view text);
  Result<std::vector<std::string>> list() const;  // sorted

 private:
  Result<std::string> path_of(const std::string& rule) const;
  FileSystem& files_;
  const std::string folder_;
  std::mutex mutex_;  // of changes
};

}  // namespace dealwright::daemon
