// Backups of a running server: made beside all else, one at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "connectors/daemon/backup/backup.h"
#include "connectors/daemon/workspace.h"

namespace dealwright::daemon {

struct BackupStatus {
  enum class State : std::uint8_t { kRunning, kWhole, kFailed, kBrokenOff /* by a crash */ };
  std::string name;
  std::string path;
  State state = State::kRunning;
  std::uint64_t done = 0, of = 0;    // bytes, while it runs
  std::optional<Manifest> manifest;  // of one that is whole
  std::optional<Error> error;        // of one that is not
};
std::string_view backup_state_name(BackupStatus::State state);

// Any thread. The workspace outlives it.
class Backups {
 public:
  explicit Backups(Workspace& workspace, std::function<void(std::string_view)> at_point = {})
      : workspace_{workspace}, at_point_{std::move(at_point)} {}
  ~Backups();        // breaks off what runs, and waits for its end
  void break_off();  // without waiting; none begins any more

  // Begins one and tells how it is called. `to`: an absolute path; "": `<data>/backups/<name>`.
  // kConflict: one runs already. kInvalid: `to` is no absolute path, or lies where the log does.
  Result<BackupStatus> start(const std::string& to, bool keys);
  // Those in `<data>/backups`, and those that this process made elsewhere; by name.
  Result<std::vector<BackupStatus>> list() const;
  Result<BackupStatus> find(std::string_view name) const;  // kNotFound
  // Calls it once, when none runs: at once, or on the thread of the one that does.
  using Ticket = std::uint64_t;
  Ticket when_idle(std::function<void()> call);
  void forget(Ticket ticket);  // what was called already, or is being called, stays so

 private:
  Result<std::string> folder_for(const std::string& to, const std::string& name) const;
  void run(BackupStatus begun, bool keys);

  Workspace& workspace_;
  const std::function<void(std::string_view)> at_point_;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<BackupStatus> made_;  // by this process, the last few
  bool running_ = false;            // the last of them
  std::map<Ticket, std::function<void()>> waiting_;
  Ticket last_ = 0;
  std::thread thread_;
};

}  // namespace dealwright::daemon
