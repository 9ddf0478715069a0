#include "engine/ports/fake/fake_file_system.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "engine/base/assert.h"

namespace dealwright {
namespace {

// What a disk writes as one: a power cut keeps or loses it whole, save the one it tears.
constexpr std::size_t kSectorBytes = 512;

std::string parent_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool always_there(const std::string& path) { return path.empty() || path == "." || path == "/"; }

bool changes_something(FakeFileSystem::Call call) {
  using Call = FakeFileSystem::Call;
  return call != Call::kOpen && call != Call::kRead && call != Call::kLock;
}

Error io_error(const std::string& path) {
  return Error{Code::kIo, "cannot use " + path + ": Input/output error"};
}
Error no_space(const std::string& path) {
  return Error{Code::kNoSpace, "cannot write " + path + ": No space left on device"};
}
Error not_found(const std::string& path) {
  return Error{Code::kNotFound, "cannot open " + path + ": No such file or directory"};
}

}  // namespace

class FakeFileSystem::FakeFile final : public File {
 public:
  FakeFile(FakeFileSystem& files, std::string path, InodePtr inode, bool writable)
      : files_{files},
        path_{std::move(path)},
        inode_{std::move(inode)},
        writable_{writable},
        boot_{files.boots_} {}

  Result<void> write_at(std::uint64_t offset, std::string_view bytes) override {
    const std::lock_guard lock{files_.mutex_};
    const auto end = offset + bytes.size();
    return change(Call::kWrite, end, [&](bool part) {
      const auto count = part ? files_.random_.below(bytes.size() + 1) : bytes.size();
      files_.write(*inode_, Change{offset, std::string{bytes.substr(0, count)}, {}});
    });
  }
  Result<std::size_t> read_at(std::uint64_t offset, std::size_t count, char* out) const override {
    const std::lock_guard lock{files_.mutex_};
    if (boot_ != files_.boots_ || files_.fault_of(Call::kRead)) return io_error(path_);
    const auto& bytes = inode_->bytes;
    if (offset >= bytes.size()) return std::size_t{0};
    return bytes.copy(out, count, offset);
  }
  Result<std::uint64_t> size() const override {
    const std::lock_guard lock{files_.mutex_};
    if (boot_ != files_.boots_ || files_.dead_) return io_error(path_);
    return std::uint64_t{inode_->bytes.size()};
  }
  Result<void> truncate(std::uint64_t size) override {
    const std::lock_guard lock{files_.mutex_};
    return change(Call::kTruncate, size, [&](bool) { files_.write(*inode_, Change{0, {}, size}); });
  }
  Result<void> preallocate(std::uint64_t size) override {
    const std::lock_guard lock{files_.mutex_};
    const std::uint64_t before = inode_->bytes.size();
    if (size <= before) return change(Call::kPreallocate, before, [](bool) {});
    return change(Call::kPreallocate, size, [&](bool part) {
      const auto end = part ? before + files_.random_.below(size - before + 1) : size;
      files_.write(*inode_, Change{0, {}, end});
    });
  }
  Result<void> sync() override {
    const std::lock_guard lock{files_.mutex_};
    return change(Call::kSync, 0, [&](bool part) {
      if (part) return files_.lose_unsynced(*inode_);
      inode_->durable = inode_->bytes;
      inode_->unsynced.clear();
    });
  }

 private:
  Result<void> change(Call call, std::uint64_t end, const std::function<void(bool)>& change) {
    if (boot_ != files_.boots_) return io_error(path_);
    DW_ASSERT(writable_);
    const auto size = inode_->bytes.size();
    return files_.apply(call, path_, end > size ? end - size : 0, change);
  }

  FakeFileSystem& files_;
  std::string path_;
  InodePtr inode_;
  bool writable_;
  std::uint64_t boot_;
};

class FakeFileSystem::FakeLock final : public FileSystem::Lock {
 public:
  FakeLock(FakeFileSystem& files, std::string path)
      : files_{files}, path_{std::move(path)}, boot_{files.boots_} {}
  ~FakeLock() override {
    const std::lock_guard lock{files_.mutex_};
    if (boot_ == files_.boots_) files_.locked_.erase(path_);
  }

 private:
  FakeFileSystem& files_;
  std::string path_;
  std::uint64_t boot_;
};

std::optional<FakeFileSystem::Fault> FakeFileSystem::fault_of(Call call) {
  if (dead_) return Fault::kIo;
  const auto i = static_cast<std::size_t>(call);
  const auto hit = [](const Plan& plan, std::uint64_t n) {
    return plan.first != 0 && n >= plan.first && n <= plan.last;
  };
  const auto n = ++calls_[i];
  if (hit(plans_[i], n)) return plans_[i].fault;
  if (changes_something(call) && hit(change_plan_, ++changes_)) return change_plan_.fault;
  return {};
}

// Makes a change, whole or in part or not at all, as the plan says.
Result<void> FakeFileSystem::apply(Call call, const std::string& path, std::uint64_t bytes_more,
                                   const std::function<void(bool part)>& change) {
  const auto fault = fault_of(call);
  if (!fault) {
    if (bytes_more > 0 && used_bytes() + bytes_more > capacity_) return no_space(path);
    change(false);
    return ok();
  }
  switch (*fault) {
    case Fault::kIo:
      return io_error(path);
    case Fault::kNoSpace:
      return no_space(path);
    case Fault::kShortIo:
      change(true);
      return io_error(path);
    case Fault::kShortSpace:
      change(true);
      return no_space(path);
    case Fault::kDoneButIo:
      change(false);
      return io_error(path);
    case Fault::kPowerCut:
      change(true);
      dead_ = true;
      return io_error(path);
  }
  return io_error(path);
}

void FakeFileSystem::change_bytes(std::string& bytes, const Change& change) {
  if (change.truncate_to) {
    bytes.resize(*change.truncate_to, '\0');
    return;
  }
  const auto end = change.offset + change.bytes.size();
  if (bytes.size() < end) bytes.resize(end, '\0');
  bytes.replace(change.offset, change.bytes.size(), change.bytes);
}

void FakeFileSystem::write(Inode& inode, Change change) {
  change_bytes(inode.bytes, change);
  inode.unsynced.push_back(std::move(change));
}

// What the disk holds of a file whose last changes were not synced: each sector of each write came
// or did not come, one of them in part; a change of the length too.
void FakeFileSystem::lose_unsynced(Inode& inode) {
  const auto keep = random_.below(4);  // none, all, or some
  for (const auto& change : inode.unsynced) {
    if (keep == 0) break;
    if (change.truncate_to) {
      if (keep == 1 || random_.chance(50)) change_bytes(inode.durable, change);
      continue;
    }
    for (std::size_t at = 0; at < change.bytes.size(); at += kSectorBytes) {
      if (keep != 1 && !random_.chance(50)) continue;
      auto sector = change.bytes.substr(at, kSectorBytes);
      if (keep == 3 && random_.chance(20)) sector.resize(random_.below(sector.size() + 1));
      change_bytes(inode.durable, Change{change.offset + at, std::move(sector), {}});
    }
  }
  inode.unsynced.clear();
  inode.bytes = inode.durable;
}

void FakeFileSystem::change_names(Names& names, const NameChange& change) {
  if (!change.remove.empty()) {
    // A directory takes along what is in it.
    Names moved;
    const auto below = change.remove + "/";
    for (auto it = names.lower_bound(below);
         it != names.end() && it->first.compare(0, below.size(), below) == 0;) {
      if (!change.add.empty())
        moved[change.add + "/" + it->first.substr(below.size())] = it->second;
      it = names.erase(it);
    }
    names.erase(change.remove);
    names.merge(moved);
  }
  if (!change.add.empty()) names[change.add] = change.inode;
}

FakeFileSystem::InodePtr FakeFileSystem::find(const std::string& path) const {
  const auto found = names_.find(path);
  return found == names_.end() ? nullptr : found->second;
}

std::uint64_t FakeFileSystem::used_bytes() const {
  std::uint64_t used = 0;
  for (const auto& [path, inode] : names_) used += inode->bytes.size();
  return used;
}

Result<std::unique_ptr<File>> FakeFileSystem::open(const std::string& path, Mode mode) {
  const std::lock_guard lock{mutex_};
  if (mode == Mode::kCreate) {
    if (find(path)) return Error{Code::kConflict, "cannot create " + path + ": File exists"};
    const auto parent = parent_of(path);
    if (!always_there(parent) && !find(parent)) return not_found(path);
    DW_TRY(apply(Call::kCreate, path, 0, [&](bool) {
      const NameChange change{{}, path, std::make_shared<Inode>()};
      change_names(names_, change);
      unsynced_names_[parent].push_back(change);
    }));
  } else if (fault_of(Call::kOpen)) {
    return io_error(path);
  }
  auto inode = find(path);
  if (!inode) return not_found(path);
  if (inode->directory) return io_error(path);
  return std::unique_ptr<File>{
      std::make_unique<FakeFile>(*this, path, std::move(inode), mode != Mode::kRead)};
}

Result<bool> FakeFileSystem::exists(const std::string& path) {
  const std::lock_guard lock{mutex_};
  if (dead_) return io_error(path);
  return always_there(path) || find(path) != nullptr;
}

Result<void> FakeFileSystem::create_directories(const std::string& path) {
  const std::lock_guard lock{mutex_};
  if (always_there(path)) return ok();
  if (const auto inode = find(path)) {
    if (inode->directory) return ok();
    return Error{Code::kConflict, "cannot create the directory " + path + ": File exists"};
  }
  const auto parent = parent_of(path);
  DW_TRY(create_directories(parent));
  return apply(Call::kCreateDirectories, path, 0, [&](bool) {
    auto inode = std::make_shared<Inode>();
    inode->directory = true;
    const NameChange change{{}, path, std::move(inode)};
    change_names(names_, change);
    unsynced_names_[parent].push_back(change);
  });
}

Result<std::vector<std::string>> FakeFileSystem::list(const std::string& path) {
  const std::lock_guard lock{mutex_};
  if (dead_) return io_error(path);
  const auto inode = find(path);
  if (!always_there(path) && !(inode && inode->directory)) return not_found(path);
  std::vector<std::string> names;
  for (const auto& [name, other] : names_) {
    if (parent_of(name) == path) names.push_back(name.substr(name.find_last_of('/') + 1));
  }
  std::sort(names.begin(), names.end());
  return names;
}

void FakeFileSystem::rename_locked(const std::string& from, const std::string& to) {
  const NameChange change{from, to, find(from)};
  change_names(names_, change);
  unsynced_names_[parent_of(to)].push_back(change);
}

Result<void> FakeFileSystem::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock{mutex_};
  if (!find(from)) return not_found(from);
  return apply(Call::kRename, from, 0, [&](bool) { rename_locked(from, to); });
}

Result<void> FakeFileSystem::remove(const std::string& path) {
  const std::lock_guard lock{mutex_};
  const auto inode = find(path);
  if (!inode) return not_found(path);
  if (inode->directory) {
    DW_TRY(const auto names, list(path));
    if (!names.empty()) return io_error(path);
  }
  return apply(Call::kRemove, path, 0, [&](bool) {
    const NameChange change{path, {}, nullptr};
    change_names(names_, change);
    unsynced_names_[parent_of(path)].push_back(change);
  });
}

Result<void> FakeFileSystem::sync_directory(const std::string& path) {
  const std::lock_guard lock{mutex_};
  if (!always_there(path) && !find(path)) return not_found(path);
  return apply(Call::kSyncDirectory, path, 0, [&](bool part) {
    auto& changes = unsynced_names_[path];
    for (const auto& change : changes) {
      if (!part || random_.chance(50)) change_names(durable_names_, change);
    }
    if (!part) changes.clear();
  });
}

Result<std::uint64_t> FakeFileSystem::free_bytes(const std::string& path) {
  const std::lock_guard lock{mutex_};
  if (dead_) return io_error(path);
  const auto used = used_bytes();
  return used < capacity_ ? capacity_ - used : 0;
}

Result<std::uint64_t> FakeFileSystem::total_bytes(const std::string& path) {
  const std::lock_guard lock{mutex_};
  if (dead_) return io_error(path);
  return capacity_;
}

Result<std::unique_ptr<FileSystem::Lock>> FakeFileSystem::lock(const std::string& path) {
  const std::lock_guard lock{mutex_};
  if (fault_of(Call::kLock)) return io_error(path);
  if (!locked_.insert(path).second) {
    return Error{Code::kConflict, path + " is held by another process; stop it first"};
  }
  return std::unique_ptr<Lock>{std::make_unique<FakeLock>(*this, path)};
}

void FakeFileSystem::fail_call(Call call, std::uint64_t n, Fault fault, std::uint64_t times) {
  const std::lock_guard lock{mutex_};
  const auto i = static_cast<std::size_t>(call);
  plans_[i] = Plan{calls_[i] + n, calls_[i] + n + times - 1, fault};
}

void FakeFileSystem::fail_change(std::uint64_t n, Fault fault, std::uint64_t times) {
  const std::lock_guard lock{mutex_};
  change_plan_ = Plan{changes_ + n, changes_ + n + times - 1, fault};
}

void FakeFileSystem::fail_nothing() {
  const std::lock_guard lock{mutex_};
  plans_ = {};
  change_plan_ = {};
}

std::uint64_t FakeFileSystem::calls(Call call) const {
  const std::lock_guard lock{mutex_};
  return calls_[static_cast<std::size_t>(call)];
}

std::uint64_t FakeFileSystem::changes() const {
  const std::lock_guard lock{mutex_};
  return changes_;
}

void FakeFileSystem::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock{mutex_};
  capacity_ = bytes;
}

void FakeFileSystem::power_cut() {
  const std::lock_guard lock{mutex_};
  dead_ = true;
}

void FakeFileSystem::reboot() {
  const std::lock_guard lock{mutex_};
  for (const auto& [path, inode] : names_) lose_unsynced(*inode);
  for (const auto& [path, inode] : durable_names_) lose_unsynced(*inode);
  for (const auto& [directory, changes] : unsynced_names_) {
    for (const auto& change : changes) {
      if (random_.chance(50)) change_names(durable_names_, change);
    }
  }
  unsynced_names_.clear();
  // What lies in a directory whose own name was lost is lost with it.
  names_.clear();
  for (const auto& [path, inode] : durable_names_) {
    const auto parent = parent_of(path);
    if (always_there(parent) || names_.count(parent) > 0) names_[path] = inode;
  }
  durable_names_ = names_;
  locked_.clear();
  plans_ = {};
  change_plan_ = {};
  ++boots_;
  dead_ = false;
}

Result<std::string> FakeFileSystem::contents(const std::string& path) const {
  const std::lock_guard lock{mutex_};
  const auto inode = find(path);
  if (!inode) return not_found(path);
  return inode->bytes;
}

void FakeFileSystem::set_contents(const std::string& path, std::string bytes) {
  const std::lock_guard lock{mutex_};
  auto inode = find(path);
  if (!inode) inode = std::make_shared<Inode>();
  for (auto parent = parent_of(path); !always_there(parent); parent = parent_of(parent)) {
    auto& directory = names_[parent];
    if (!directory) directory = std::make_shared<Inode>();
    directory->directory = true;
    durable_names_[parent] = directory;
  }
  inode->bytes = inode->durable = std::move(bytes);
  inode->unsynced.clear();
  names_[path] = durable_names_[path] = inode;
}

void FakeFileSystem::flip_bit(const std::string& path, std::uint64_t offset, int bit) {
  const std::lock_guard lock{mutex_};
  const auto inode = find(path);
  DW_ASSERT(inode && offset < inode->bytes.size());
  for (auto* bytes : {&inode->bytes, &inode->durable}) {
    if (offset < bytes->size()) (*bytes)[offset] = static_cast<char>((*bytes)[offset] ^ (1 << bit));
  }
}

std::map<std::string, std::string> FakeFileSystem::snapshot() const {
  const std::lock_guard lock{mutex_};
  std::map<std::string, std::string> out;
  for (const auto& [path, inode] : names_) {
    if (!inode->directory) out[path] = inode->bytes;
  }
  return out;
}

void FakeFileSystem::restore(const std::map<std::string, std::string>& files) {
  const std::lock_guard lock{mutex_};
  names_.clear();
  durable_names_.clear();
  unsynced_names_.clear();
  locked_.clear();
  plans_ = {};
  change_plan_ = {};
  ++boots_;
  dead_ = false;
  for (const auto& [path, bytes] : files) set_contents(path, bytes);
}

}  // namespace dealwright
