#include "engine/runtime/dedup.h"

#include <algorithm>
#include <set>

#include "engine/base/assert.h"
#include "engine/base/bytes.h"
#include "engine/base/planted.h"
#include "engine/runtime/keys.h"

namespace dealwright::runtime {
namespace {

// File: magic, version, count, oldest, newest, then 16-byte ids (high, low; little-endian), sorted;
// last the CRC32C of everything before it.
constexpr std::uint32_t kMagic = 0x44574944;  // "DWID"
constexpr std::size_t kHead = 4 + 4 + 8 + 8 + 8;
constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kMergeRuns = 4;

std::string path_of(const std::string& directory, std::uint64_t number) {
  return directory + "/" + std::to_string(number) + ".run";
}

Hash128 read_id(ByteReader& in) {
  Hash128 id;
  id.high = in.fixed64();
  id.low = in.fixed64();
  return id;
}

Error damaged(const std::string& directory, std::uint64_t number, std::string_view why) {
  return Error{Code::kDamaged, path_of(directory, number) + ": " + std::string{why} +
                                   "; rebuild the state from the log"};
}

}  // namespace

IdFilter::IdFilter(std::size_t ids) : words_(((ids * 12 + 511) / 512 + 1) * 8) {}

void IdFilter::add(const Hash128& id) {
  auto* block = &words_[block_of(id) * 8];
  auto bits = id.high;
  for (int i = 0; i < 7; ++i, bits >>= 9) block[(bits >> 6) & 7] |= std::uint64_t{1} << (bits & 63);
}

bool IdFilter::may_contain(const Hash128& id) const {
  const auto* block = &words_[block_of(id) * 8];
  auto bits = id.high;
  for (int i = 0; i < 7; ++i, bits >>= 9) {
    if ((block[(bits >> 6) & 7] & (std::uint64_t{1} << (bits & 63))) == 0) return false;
  }
  return true;
}

Result<void> IdRun::write(FileSystem& files, const std::string& directory, std::uint64_t number,
                          const std::vector<Hash128>& ids, Instant oldest, Instant newest) {
  std::string bytes;
  bytes.reserve(kHead + ids.size() * kIdBytes + 4);
  put_fixed32(bytes, kMagic);
  put_fixed32(bytes, 1);
  put_fixed64(bytes, ids.size());
  put_fixed64(bytes, static_cast<std::uint64_t>(oldest.ms));
  put_fixed64(bytes, static_cast<std::uint64_t>(newest.ms));
  for (const auto& id : ids) {
    put_fixed64(bytes, id.high);
    put_fixed64(bytes, id.low);
  }
  put_fixed32(bytes, crc32c(bytes));
  const auto path = path_of(directory, number);
  DW_TRY(auto there, files.exists(path));
  if (there) {  // left over from before a crash
    DW_TRY(files.remove(path));
  }
  DW_TRY(auto file, files.open(path, FileSystem::Mode::kCreate));
  DW_TRY(file->write_at(0, bytes));
  DW_TRY(file->sync());
  return files.sync_directory(directory);
}

Result<std::shared_ptr<const IdRun>> IdRun::open(FileSystem& files, const std::string& directory,
                                                 std::uint64_t number) {
  DW_TRY(auto file, files.open(path_of(directory, number), FileSystem::Mode::kRead));
  DW_TRY(auto size, file->size());
  std::string bytes(size, '\0');
  DW_TRY(auto got, file->read_at(0, size, bytes.data()));
  if (got != size || size < kHead + 4) return damaged(directory, number, "it is too short");
  ByteReader in{bytes};
  if (in.fixed32() != kMagic || in.fixed32() != 1)
    return damaged(directory, number, "no run of ids");
  const auto count = in.fixed64();
  if (size != kHead + count * kIdBytes + 4) return damaged(directory, number, "wrong length");
  ByteReader tail{std::string_view{bytes}.substr(size - 4)};
  if (tail.fixed32() != crc32c(std::string_view{bytes}.substr(0, size - 4))) {
    return damaged(directory, number, "bad checksum");
  }
  const Instant oldest{static_cast<std::int64_t>(in.fixed64())};
  const Instant newest{static_cast<std::int64_t>(in.fixed64())};
  auto run = std::shared_ptr<IdRun>{new IdRun{std::move(file), number, count, oldest, newest}};
  for (std::uint64_t i = 0; i < count; ++i) run->filter_.add(read_id(in));
  return std::shared_ptr<const IdRun>{std::move(run)};
}

// Ids are hashes, so their place is known but for a little: a page or two read.
Result<bool> IdRun::search(const Hash128& id) const {
  constexpr std::size_t kPageIds = 128;
  char page[kPageIds * kIdBytes];
  std::uint64_t low = 0;
  std::uint64_t high = count_;
  while (low < high) {
    const auto guess =
        static_cast<std::uint64_t>((static_cast<unsigned long long>(id.high >> 32) * count_) >> 32);
    const auto middle = high - low == count_ ? guess : low + (high - low) / 2;
    const auto first =
        std::min(std::max(middle > kPageIds / 2 ? middle - kPageIds / 2 : 0, low), high - 1);
    const auto n = std::min<std::uint64_t>(kPageIds, high - first);
    DW_TRY(auto got, file_->read_at(kHead + first * kIdBytes, n * kIdBytes, page));
    if (got != n * kIdBytes) return Error{Code::kDamaged, "a run of ids was cut short"};
    ByteReader in{{page, got}};
    Hash128 first_id = read_id(in);
    if (id == first_id) return true;
    if (id < first_id) {
      high = first;
      continue;
    }
    Hash128 last_id = first_id;
    for (std::uint64_t i = 1; i < n; ++i) {
      last_id = read_id(in);
      if (last_id == id) return true;
      if (id < last_id) return false;
    }
    low = first + n;
  }
  return false;
}

Result<bool> IdRun::contains(const Hash128& id) const {
  if (count_ == 0 || !filter_.may_contain(id)) return false;
  return search(id);
}

Result<std::vector<Hash128>> IdRun::load() const {
  std::string bytes(count_ * kIdBytes, '\0');
  DW_TRY(auto got, file_->read_at(kHead, bytes.size(), bytes.data()));
  if (got != bytes.size()) return Error{Code::kDamaged, "a run of ids was cut short"};
  std::vector<Hash128> ids;
  ids.reserve(count_);
  ByteReader in{bytes};
  while (!in.at_end()) ids.push_back(read_id(in));
  return ids;
}

Result<std::unique_ptr<Dedup>> Dedup::open(FileSystem& files, std::string directory,
                                           const Store& store, std::uint64_t bytes_max) {
  DW_TRY(create_durable(files, directory));  // its runs are
  auto out = std::unique_ptr<Dedup>{new Dedup{files, std::move(directory), bytes_max}};
  std::vector<std::uint64_t> numbers;
  const std::string first{keys::kDedup};
  DW_TRY(store.scan(first, prefix_end(first), [&](std::string_view key, std::string_view) {
    ByteReader in{key.substr(1)};
    numbers.push_back(in.key64());
    return true;
  }));
  std::set<std::string> known;
  for (const auto number : numbers) {
    DW_TRY(auto run, IdRun::open(files, out->directory_, number));
    out->runs_.push_back(std::move(run));
    out->next_number_ = number + 1;
    known.insert(std::to_string(number) + ".run");
  }
  std::stable_sort(out->runs_.begin(), out->runs_.end(),
                   [](const auto& a, const auto& b) { return a->newest() < b->newest(); });
  DW_TRY(auto names, files.list(out->directory_));
  for (const auto& name : names) {
    if (known.find(name) == known.end()) {
      DW_TRY(files.remove(out->directory_ + "/" + name));
    }
  }
  return out;
}

Result<bool> Dedup::contains(const Hash128& id) const {
  if (current_.contains(id)) return true;
  if (frozen_ != nullptr && frozen_->ids.contains(id)) return true;
  for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
    DW_TRY(auto there, (*run)->contains(id));
    if (there) return true;
  }
  return false;
}

void Dedup::insert(const Hash128& id, Instant now) {
  current_.insert(id);
  oldest_ = std::min(oldest_, now);
  newest_ = std::max(newest_, now);
}

std::shared_ptr<Dedup::Flush> Dedup::freeze(Instant now) {
  DW_ASSERT(frozen_ == nullptr);
  auto flush = std::make_shared<Flush>();
  flush->owner = this;
  flush->ids = std::move(current_);
  flush->oldest = oldest_;
  flush->newest = newest_;
  flush->now = now;
  flush->runs = runs_;
  flush->next_number = next_number_;
  current_ = {};
  oldest_ = kAfterAll;
  newest_ = kBeforeAll;
  frozen_ = flush;
  return flush;
}

// Neighbouring runs of like size become one, so that their number grows with the logarithm.
Result<void> Dedup::Flush::merge_tail() {
  while (runs.size() >= kMergeRuns) {
    const auto first = runs.end() - static_cast<std::ptrdiff_t>(kMergeRuns);
    const auto last_count = runs.back()->count();
    const bool alike = std::all_of(first, runs.end(), [&](const auto& run) {
      return run->count() <= last_count * kMergeRuns;
    });
    if (!alike) return ok();
    std::vector<Hash128> all;
    Instant from = kAfterAll;
    Instant to = kBeforeAll;
    for (auto it = first; it != runs.end(); ++it) {
      DW_TRY(auto ids_of, (*it)->load());
      all.insert(all.end(), ids_of.begin(), ids_of.end());
      from = std::min(from, (*it)->oldest());
      to = std::max(to, (*it)->newest());
      removed.push_back((*it)->number());
    }
    std::sort(all.begin(), all.end());
    const auto number = next_number++;
    DW_TRY(IdRun::write(owner->files_, owner->directory_, number, all, from, to));
    DW_TRY(auto merged, IdRun::open(owner->files_, owner->directory_, number));
    runs.erase(first, runs.end());
    runs.push_back(std::move(merged));
  }
  return ok();
}

Result<std::vector<StoreWrite>> Dedup::Flush::run() {
  std::vector<StoreWrite> writes;
  std::set<std::uint64_t> before;
  for (const auto& run : runs) before.insert(run->number());
  if (!ids.empty()) {
    std::vector<Hash128> sorted{ids.begin(), ids.end()};
    std::sort(sorted.begin(), sorted.end());
    const auto number = next_number++;
    DW_TRY(IdRun::write(owner->files_, owner->directory_, number, sorted, oldest, newest));
    DW_TRY(auto written, IdRun::open(owner->files_, owner->directory_, number));
    runs.push_back(std::move(written));
    DW_TRY(merge_tail());
  }
  std::uint64_t bytes = 0;
  for (const auto& run : runs) bytes += run->count() * kIdBytes;
  // Planted bug 4: the window is short by as long as its oldest run lasts.
  const auto last = [](const IdRun& run) { return DW_PLANTED(4) ? run.oldest() : run.newest(); };
  while (!runs.empty() && (last(*runs.front()) < now - kDedupWindow ||
                           (bytes > owner->bytes_max_ && runs.size() > 1))) {
    bytes -= runs.front()->count() * kIdBytes;
    removed.push_back(runs.front()->number());
    runs.erase(runs.begin());
  }
  for (const auto& run : runs) {
    if (before.count(run->number()) == 0) {
      writes.push_back({keys::number(keys::kDedup, run->number()), std::string{}});
    }
  }
  for (const auto number : removed) {
    if (before.count(number) != 0) {
      writes.push_back({keys::number(keys::kDedup, number), std::nullopt});
    }
  }
  return writes;
}

void Dedup::adopt(const Flush& flush) {
  runs_ = flush.runs;
  next_number_ = flush.next_number;
  frozen_.reset();
  for (const auto number : flush.removed) {
    // A file that stays behind is swept when the state is opened next.
    static_cast<void>(files_.remove(path_of(directory_, number)));
  }
}

Instant Dedup::holds_since() const {
  if (!runs_.empty()) return runs_.front()->oldest();
  return frozen_ != nullptr ? std::min(frozen_->oldest, oldest_) : oldest_;
}

}  // namespace dealwright::runtime
