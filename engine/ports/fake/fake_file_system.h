// Files in memory that behave like the worst disk we answer for: a power cut loses, tears and
// reorders what was not synced, names too; calls fail when told to; bits flip. Deterministic from
// its seed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/ports/fake/fake_clock.h"
#include "engine/ports/file_system.h"

namespace dealwright {

// Thread-safe; must outlive its files and locks.
class FakeFileSystem final : public FileSystem {
 public:
  enum class Call : std::uint8_t {
    kOpen,
    kRead,
    kCreate,
    kWrite,
    kTruncate,
    kPreallocate,
    kSync,
    kRename,
    kRemove,
    kCreateDirectories,
    kSyncDirectory,
    kLock,
  };
  static constexpr std::size_t kCalls = 12;
  // What goes wrong.
  enum class Fault : std::uint8_t {
    kIo,          // nothing happens
    kNoSpace,     // nothing happens
    kShortIo,     // a write does a part, then fails with kIo
    kShortSpace,  // a write does a part, then fails with kNoSpace
    kDoneButIo,   // it is done, yet kIo is reported
    kPowerCut,    // it is done in part; from here on everything fails, until reboot()
  };

  explicit FakeFileSystem(std::uint64_t seed = 1) : random_{seed} {}

  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override;
  Result<bool> exists(const std::string& path) override;
  Result<void> create_directories(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;
  Result<std::uint64_t> total_bytes(const std::string& path) override;
  Result<std::unique_ptr<Lock>> lock(const std::string& path) override;

  // The n-th call of that kind from now on (1 is the next) fails, and `times` in a row.
  void fail_call(Call call, std::uint64_t n, Fault fault, std::uint64_t times = 1);
  // The same, counted over all calls that change something.
  void fail_change(std::uint64_t n, Fault fault, std::uint64_t times = 1);
  void fail_nothing();
  std::uint64_t calls(Call call) const;
  std::uint64_t changes() const;

  // Bytes that all files together may have.
  void set_capacity(std::uint64_t bytes);

  // The power goes: open files and locks are dead, every call fails.
  void power_cut();
  // The machine starts again with what was synced and some of what was not.
  void reboot();

  // Straight at the disk, durable, for tests.
  Result<std::string> contents(const std::string& path) const;
  void set_contents(const std::string& path, std::string bytes);
  // REQUIRES: the file has that byte
  void flip_bit(const std::string& path, std::uint64_t offset, int bit);
  // A copy of all files as they are, to go back to.
  std::map<std::string, std::string> snapshot() const;
  void restore(const std::map<std::string, std::string>& files);

 private:
  struct Change {  // of a file's bytes, not yet synced
    std::uint64_t offset = 0;
    std::string bytes;
    std::optional<std::uint64_t> truncate_to;
  };
  struct Inode {
    bool directory = false;
    std::string bytes;
    std::string durable;
    std::vector<Change> unsynced;
  };
  using InodePtr = std::shared_ptr<Inode>;
  using Names = std::map<std::string, InodePtr>;
  struct NameChange {  // not yet synced
    std::string remove;
    std::string add;
    InodePtr inode;
  };
  struct Plan {
    std::uint64_t first = 0;  // number of the call; 0: none
    std::uint64_t last = 0;
    Fault fault = Fault::kIo;
  };
  class FakeFile;
  class FakeLock;

  // Counts the call; the fault that it has now.
  std::optional<Fault> fault_of(Call call);
  Result<void> apply(Call call, const std::string& path, std::uint64_t bytes_more,
                     const std::function<void(bool part)>& change);
  static void change_names(Names& names, const NameChange& change);
  static void change_bytes(std::string& bytes, const Change& change);
  void write(Inode& inode, Change change);
  void lose_unsynced(Inode& inode);
  std::uint64_t used_bytes() const;
  InodePtr find(const std::string& path) const;
  void rename_locked(const std::string& from, const std::string& to);

  mutable std::recursive_mutex mutex_;
  FakeRandom random_;
  Names names_;
  Names durable_names_;
  std::map<std::string, std::vector<NameChange>> unsynced_names_;  // by directory
  std::set<std::string> locked_;
  std::array<std::uint64_t, kCalls> calls_{};
  std::array<Plan, kCalls> plans_{};
  std::uint64_t changes_ = 0;
  Plan change_plan_;
  std::uint64_t capacity_ = std::uint64_t{1} << 40;
  std::uint64_t boots_ = 0;
  bool dead_ = false;
};

}  // namespace dealwright
