#include "connectors/daemon/backup/copying.h"

#include <fmt/format.h>

namespace dealwright::daemon {

Result<void> expect_empty(FileSystem& files, const std::string& path, std::string_view cure) {
  DW_TRY(const bool there, files.exists(path));
  if (!there) return ok();
  const auto names = files.list(path);
  if (names && names.value().empty()) return ok();
  return Error{Code::kConflict, fmt::format("{} is there and not empty; {}", path, cure)};
}

NewFolder::~NewFolder() {
  for (auto path = made_.rbegin(); path != made_.rend(); ++path) {
    static_cast<void>(files_.remove(*path));
  }
}

Result<void> NewFolder::create() {
  DW_TRY(const bool there, files_.exists(path_));
  if (!there) made_.push_back(path_);
  folders_.insert(path_);
  return create_durable(files_, path_);
}

Result<std::string> NewFolder::path_for(const std::string& name) {
  for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    const auto folder = path_ + "/" + name.substr(0, slash);
    if (!folders_.insert(folder).second) continue;
    made_.push_back(folder);
    DW_TRY(create_durable(files_, folder));
  }
  return path_ + "/" + name;
}

Result<BackupFile> NewFolder::copy(const std::string& from, std::uint64_t bytes,
                                   const std::string& name, const TakePiece& piece) {
  DW_TRY(const auto source, files_.open(from, FileSystem::Mode::kRead));
  DW_TRY(const auto path, path_for(name));
  made_.push_back(path);
  DW_TRY(auto target, files_.open(path, FileSystem::Mode::kCreate));
  const auto take = [&](std::uint64_t offset, std::string_view part) -> Result<void> {
    DW_TRY(target->write_at(offset, part));
    return piece ? piece(offset, part) : ok();
  };
  DW_TRY(const auto hash, read_pieces(*source, from, bytes, take));
  DW_TRY(target->sync());
  return BackupFile{name, bytes, hash};
}

Result<BackupFile> NewFolder::put(const std::string& name, std::string_view bytes) {
  DW_TRY(const auto path, path_for(name));
  made_.push_back(path);
  DW_TRY(auto target, files_.open(path, FileSystem::Mode::kCreate));
  DW_TRY(target->write_at(0, bytes));
  DW_TRY(target->sync());
  return BackupFile{name, bytes.size(), sha256(bytes)};
}

Result<void> NewFolder::sync() {
  for (const auto& folder : folders_) {
    DW_TRY(files_.sync_directory(folder));
  }
  return ok();
}

}  // namespace dealwright::daemon
