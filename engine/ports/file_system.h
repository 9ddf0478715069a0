// The file system as a port, so that tests can lose, tear and refuse what they like.
// Durability is explicit: nothing is durable before sync (data of a file) and sync_directory
// (names: creation, rename, removal).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace dealwright {

// An open file. One thread at a time, except read_at, which any thread may call.
class File {
 public:
  virtual ~File() = default;
  // Writes all of `bytes` at `offset`, or fails: kNoSpace, kIo. After a failure any part may be
  // there.
  virtual Result<void> write_at(std::uint64_t offset, std::string_view bytes) = 0;
  // Fills `out` from `offset`; gives the count read, less than asked only at the end of the file.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::size_t count, char* out) const = 0;
  virtual Result<std::uint64_t> size() const = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  // Reserves blocks up to `size` and makes the file that long, filled with zeros. kNoSpace.
  virtual Result<void> preallocate(std::uint64_t size) = 0;
  // fdatasync. After a failure the file's unsynced bytes are unknown: stop using it.
  virtual Result<void> sync() = 0;
};

class FileSystem {
 public:
  enum class Mode : std::uint8_t { kRead, kReadWrite, kCreate /* fails if it exists */ };
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  virtual Result<void> create_directories(const std::string& path) = 0;
  // Names (not paths) of a directory's entries, sorted. kNotFound.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  // REQUIRES: we may enter it; one that we may not read is made durable in a dearer way.
  virtual Result<void> sync_directory(const std::string& path) = 0;
  // Of the disk that holds `path`: bytes that we may still write, and all that we ever could.
  virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;
  virtual Result<std::uint64_t> total_bytes(const std::string& path) = 0;

  // An exclusive lock, held until the object goes away or the process ends. kConflict: another
  // process holds it; the detail names it if it left its id.
  class Lock {
   public:
    virtual ~Lock() = default;
  };
  virtual Result<std::unique_ptr<Lock>> lock(const std::string& path) = 0;
};

// Creates the directory `path` and what is missing above it; all of it durable, `path` also if it
// was there already. Costs a sync of the parent each time: for opening, not for the way of events.
Result<void> create_durable(FileSystem& files, const std::string& path);

// Puts `bytes` in place of what `path` held, whole or not at all: through `<path>.new`, synced and
// renamed, the directory synced. The directory is there.
Result<void> write_durable(FileSystem& files, const std::string& path, std::string_view bytes);
// All of a file. kNotFound; kRefused: it is longer than `bytes_max`.
Result<std::string> read_whole(FileSystem& files, const std::string& path, std::size_t bytes_max);

}  // namespace dealwright
