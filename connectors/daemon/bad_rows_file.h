// Rows that an import left out, with their reasons, as a CSV file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "connectors/import/row.h"
#include "engine/ports/file_system.h"

namespace dealwright::daemon {

// One thread. Made when the first row comes; what an earlier run wrote there goes.
class BadRowsFile {
 public:
  BadRowsFile(FileSystem& files, std::string path) : files_{files}, path_{std::move(path)} {}
  Result<void> add(const import::BadRow& row);
  Result<void> close();  // all of it is durable; without rows there is no file

 private:
  Result<void> write();

  FileSystem& files_;
  const std::string path_;
  std::unique_ptr<File> file_;
  std::string buffer_;
  std::uint64_t written_ = 0;
};

}  // namespace dealwright::daemon
