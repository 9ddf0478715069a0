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

Result<void> write_durable(FileSystem& files, const std::string& path, std::string_view bytes) {
  const auto draft = path + ".new";
  DW_TRY(const bool left, files.exists(draft));
  if (left) {
    DW_TRY(files.remove(draft));
  }
  {
    DW_TRY(auto file, files.open(draft, FileSystem::Mode::kCreate));
    DW_TRY(file->write_at(0, bytes));
    DW_TRY(file->sync());
  }
  DW_TRY(files.rename(draft, path));
  const auto slash = path.rfind('/');
  return files.sync_directory(slash == std::string::npos ? "." : path.substr(0, slash));
}

Result<std::string> read_whole(FileSystem& files, const std::string& path, std::size_t bytes_max) {
  DW_TRY(const bool there, files.exists(path));
  if (!there) return Error{Code::kNotFound, path + " is not there"};
  DW_TRY(auto file, files.open(path, FileSystem::Mode::kRead));
  DW_TRY(const auto size, file->size());
  if (size > bytes_max) {
    return Error{Code::kRefused, path + " is longer than " + std::to_string(bytes_max) + " bytes"};
  }
  std::string out(static_cast<std::size_t>(size), '\0');
  DW_TRY(const auto count, file->read_at(0, out.size(), out.data()));
  out.resize(count);
  return out;
}

}  // namespace dealwright
