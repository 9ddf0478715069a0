#include "engine/ports/file_system.h"

namespace dealwright {

Result<void> create_durable(FileSystem& files, const std::string& path) {
  const auto slash = path.find_last_of('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash);
  DW_TRY(const auto there, files.exists(path));
  if (!there) {
    if (slash != std::string::npos && slash > 0) {
      DW_TRY(create_durable(files, parent));
    }
    DW_TRY(files.create_directories(path));
  }
  // Also behind one that is there: the try that made it may have broken off before this.
  return files.sync_directory(parent.empty() ? "/" : parent);
}

}  // namespace dealwright
