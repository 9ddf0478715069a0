#include "connectors/daemon/backups.h"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace dealwright::daemon {
namespace {

constexpr std::size_t kRemembered = 16;

BackupStatus status_of(ListedBackup listed) {
  BackupStatus out;
  out.name = std::move(listed.name);
  out.path = std::move(listed.path);
  out.state = listed.manifest ? BackupStatus::State::kWhole : BackupStatus::State::kBrokenOff;
  out.manifest = std::move(listed.manifest);
  if (!out.manifest) out.error = Error{Code::kNotFound, std::move(listed.fault)};
  return out;
}

// `path` is `folder`, or lies below it.
bool lies_in(const std::filesystem::path& path, const std::filesystem::path& folder) {
  const auto [rest, ignored] =
      std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return rest == folder.end();
}

}  // namespace

std::string_view backup_state_name(BackupStatus::State state) {
  switch (state) {
    case BackupStatus::State::kRunning:
      return "running";
    case BackupStatus::State::kWhole:
      return "whole";
    case BackupStatus::State::kFailed:
      return "failed";
    case BackupStatus::State::kBrokenOff:
      return "broken_off";
  }
  return "";
}

void Backups::break_off() { stop_ = true; }

Backups::~Backups() {
  break_off();
  if (thread_.joinable()) thread_.join();
}

Result<std::string> Backups::folder_for(const std::string& to, const std::string& name) const {
  const auto own = backups_folder(workspace_.path());
  if (to.empty()) return own + "/" + name;
  namespace fs = std::filesystem;
  if (!fs::path{to}.is_absolute()) {
    return Error{Code::kInvalid, "'" + to + "' is no absolute path on the server's machine"};
  }
  std::error_code ignored;
  const auto path = fs::weakly_canonical(to, ignored);
  if (lies_in(path, fs::weakly_canonical(workspace_.path(), ignored)) &&
      !lies_in(path, fs::weakly_canonical(own, ignored))) {
    return Error{Code::kInvalid, to + " lies in the data directory: backups go below " + own +
                                     ", or better on another disk"};
  }
  return path.string();
}

Result<BackupStatus> Backups::start(const std::string& to, bool keys) {
  const std::lock_guard lock{mutex_};
  if (stop_) return Error{Code::kClosed, "the server stops"};
  if (workspace_.embedded_log() == nullptr) {
    return Error{
        Code::kUnsupported,
        "the log is Kafka's: it is kept safe by its replicas and by a copy of the cluster; "
        "state is folded anew from the topics"};
  }
  if (running_) {
    return Error{Code::kConflict, "backup " + made_.back().name + " runs; wait until it is done"};
  }
  BackupStatus begun;
  begun.name = backup_name(workspace_.clock().wall());
  DW_TRY(begun.path, folder_for(to, begun.name));
  if (thread_.joinable()) thread_.join();  // it has told its end
  if (made_.size() == kRemembered) made_.erase(made_.begin());
  made_.push_back(begun);
  running_ = true;
  thread_ = std::thread{[this, begun, keys] { run(begun, keys); }};
  return begun;
}

void Backups::run(BackupStatus begun, bool keys) {
  BackupOptions options;
  options.keys = keys;
  options.at_point = at_point_;
  options.stop = [this] { return stop_.load(); };
  options.progress = [this](std::uint64_t done, std::uint64_t of) {
    const std::lock_guard lock{mutex_};
    made_.back().done = done;
    made_.back().of = of;
  };
  const BackupSource source{workspace_.files(), workspace_.clock(), workspace_.path(),
                            *workspace_.embedded_log()};
  auto made = create_backup(source, begun.path, options);
  std::map<Ticket, std::function<void()>> waiting;
  {
    const std::lock_guard lock{mutex_};
    auto& status = made_.back();
    status.state = made ? BackupStatus::State::kWhole : BackupStatus::State::kFailed;
    if (made) {
      status.manifest = std::move(made.value());
    } else {
      status.error = made.error();
    }
    running_ = false;
    waiting.swap(waiting_);
  }
  for (const auto& [ticket, call] : waiting) call();
}

Backups::Ticket Backups::when_idle(std::function<void()> call) {
  {
    const std::lock_guard lock{mutex_};
    if (running_) {
      waiting_.emplace(++last_, std::move(call));
      return last_;
    }
  }
  call();
  return 0;
}

void Backups::forget(Ticket ticket) {
  const std::lock_guard lock{mutex_};
  waiting_.erase(ticket);
}

Result<std::vector<BackupStatus>> Backups::list() const {
  std::vector<BackupStatus> out;
  {
    const std::lock_guard lock{mutex_};
    out = made_;
  }
  DW_TRY(auto listed, list_backups(workspace_.files(), backups_folder(workspace_.path())));
  for (auto& one : listed) {
    const bool known = std::any_of(out.begin(), out.end(),
                                   [&](const BackupStatus& s) { return s.name == one.name; });
    if (!known) out.push_back(status_of(std::move(one)));
  }
  std::sort(out.begin(), out.end(),
            [](const BackupStatus& a, const BackupStatus& b) { return a.name < b.name; });
  return out;
}

Result<BackupStatus> Backups::find(std::string_view name) const {
  DW_TRY(auto all, list());
  for (auto& one : all) {
    if (one.name == name) return std::move(one);
  }
  return Error{Code::kNotFound, "there is no backup '" + std::string{name} + "'"};
}

}  // namespace dealwright::daemon
