// Which (source, id) pairs have been seen: sorted immutable runs of 16-byte hashes in files, each
// with a filter in memory, and the newest ids in a table (design.md 7.14). State: the ids since the
// last generation are folded again after a crash. A run is dropped whole when it is older than the
// window, oldest out first past the limit in bytes.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/hash.h"
#include "engine/base/instant.h"
#include "engine/ports/file_system.h"
#include "engine/ports/store.h"

namespace dealwright::runtime {

inline constexpr Duration kDedupWindow = days(30);

// Which ids are surely not in a run: 12 bits an id, one cache line a look-up.
class IdFilter {
 public:
  explicit IdFilter(std::size_t ids);
  void add(const Hash128& id);
  bool may_contain(const Hash128& id) const;

 private:
  std::size_t block_of(const Hash128& id) const { return id.low % (words_.size() / 8); }
  std::vector<std::uint64_t> words_;  // blocks of 8
};

// Immutable; any thread.
class IdRun {
 public:
  // kDamaged: the file is not what the state says.
  static Result<std::shared_ptr<const IdRun>> open(FileSystem& files, const std::string& directory,
                                                   std::uint64_t number);
  // Writes and syncs a run; `ids` sorted.
  static Result<void> write(FileSystem& files, const std::string& directory, std::uint64_t number,
                            const std::vector<Hash128>& ids, Instant oldest, Instant newest);
  Result<bool> contains(const Hash128& id) const;
  Result<std::vector<Hash128>> load() const;
  std::uint64_t number() const { return number_; }
  std::uint64_t count() const { return count_; }
  Instant oldest() const { return oldest_; }
  Instant newest() const { return newest_; }

 private:
  IdRun(std::unique_ptr<File> file, std::uint64_t number, std::uint64_t count, Instant oldest,
        Instant newest)
      : file_{std::move(file)},
        number_{number},
        count_{count},
        oldest_{oldest},
        newest_{newest},
        filter_{count} {}
  Result<bool> search(const Hash128& id) const;

  std::unique_ptr<File> file_;
  std::uint64_t number_;
  std::uint64_t count_;
  Instant oldest_, newest_;
  IdFilter filter_;
};

struct IdHash {
  using is_avalanching = void;
  std::size_t operator()(const Hash128& id) const { return id.low; }
};
using IdSet = boost::unordered_flat_set<Hash128, IdHash>;

// The owner's thread, save Flush.
class Dedup {
 public:
  // Opens the runs that the store names; other files in `directory` are left-overs and go.
  static Result<std::unique_ptr<Dedup>> open(FileSystem& files, std::string directory,
                                             const Store& store, std::uint64_t bytes_max);

  Result<bool> contains(const Hash128& id) const;
  void insert(const Hash128& id, Instant now);

  // What a worker does for one generation: writes its ids as a run, merges small runs, and says
  // what the store has to name. The owner takes the result by adopt() once the store holds it
  // durably.
  class Flush {
   public:
    Result<std::vector<StoreWrite>> run();  // on the worker
   private:
    friend class Dedup;
    Result<void> merge_tail();
    Dedup* owner = nullptr;
    IdSet ids;
    Instant oldest, newest, now;
    std::vector<std::shared_ptr<const IdRun>> runs;  // as they will be
    std::vector<std::uint64_t> removed;
    std::uint64_t next_number = 0;
  };
  std::shared_ptr<Flush> freeze(Instant now);  // REQUIRES: the last one was adopted
  void adopt(const Flush& flush);

  // The oldest `now` whose ids are all still known: what the window really holds.
  Instant holds_since() const;

 private:
  Dedup(FileSystem& files, std::string directory, std::uint64_t bytes_max)
      : files_{files}, directory_{std::move(directory)}, bytes_max_{bytes_max} {}

  FileSystem& files_;
  const std::string directory_;
  const std::uint64_t bytes_max_;
  IdSet current_;
  Instant oldest_ = kAfterAll, newest_ = kBeforeAll;
  std::shared_ptr<Flush> frozen_;
  std::vector<std::shared_ptr<const IdRun>> runs_;  // oldest first
  std::uint64_t next_number_ = 1;
};

}  // namespace dealwright::runtime
