// Files into a new folder, and out of it again if that comes to nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/daemon/backup/manifest.h"
#include "engine/ports/file_system.h"

namespace dealwright::daemon {

// kConflict: `path` is there and holds something; `cure` says what to do.
Result<void> expect_empty(FileSystem& files, const std::string& path, std::string_view cure);

// One thread. What it made and did not keep() goes with it, as far as it can be removed.
class NewFolder {
 public:
  NewFolder(FileSystem& files, std::string path) : files_{files}, path_{std::move(path)} {}
  ~NewFolder();
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  Result<void> create();
  // The first `bytes` of `from`, as `name`; its bytes are durable, its name by sync(). Folders on
  // its way are made.
  Result<BackupFile> copy(const std::string& from, std::uint64_t bytes, const std::string& name,
                          const TakePiece& piece);
  Result<BackupFile> put(const std::string& name, std::string_view bytes);
  // Names of all that is in it are durable.
  Result<void> sync();
  void keep() { made_.clear(); }
  // What was made in another way.
  void made(const std::string& name) { made_.push_back(path_ + "/" + name); }

 private:
  Result<std::string> path_for(const std::string& name);

  FileSystem& files_;
  const std::string path_;
  std::set<std::string> folders_;
  std::vector<std::string> made_;
};

}  // namespace dealwright::daemon
