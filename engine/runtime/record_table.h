// The records in memory, by key: the table that every event goes through. Records stay where they
// are while they are in it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/record.h"
#include "engine/ports/log.h"

namespace dealwright::runtime {

struct RecordSlot {
  std::uint64_t hash = 0;
  std::size_t bytes = 0;      // as weighed when last written back
  std::uint64_t touched = 0;  // the decision in which it was read, made or changed last
  bool dirty = false;
  bool used = true;
  bool gone = false;  // on its way out of the table
  Record record;
};

// A record in the reason of a stop, which goes into a log: its id may be somebody's address.
std::string veiled(const RecordKey& key);

// Open addressing over hashes; the keys stand in the records. One thread.
class RecordTable {
 public:
  static std::uint64_t hash_of(Kind kind, std::string_view id);

  RecordSlot* find(const RecordKey& key, std::uint64_t hash) const;
  // REQUIRES: find() gave none
  RecordSlot& insert(std::unique_ptr<RecordSlot> slot);
  std::size_t size() const { return size_; }
  // Visits each slot in no order; those it says true of go.
  void erase_if(const std::function<bool(RecordSlot&)>& gone);

  // Hints for a record that is wanted soon: its own bytes; a little later what hangs on it.
  static void fetch(const RecordSlot& slot);
  static void fetch_parts(const RecordSlot& slot);
  void fetch(std::uint64_t hash) const;
  void fetch_parts(std::uint64_t hash) const;

 private:
  struct Bucket {
    std::uint64_t hash = 0;
    std::unique_ptr<RecordSlot> slot;
  };
  void grow(std::size_t buckets);
  const RecordSlot* first(std::uint64_t hash) const;

  std::vector<Bucket> buckets_ = std::vector<Bucket>(1024);
  std::size_t size_ = 0;
};

// Fetches the records of the events ahead in a batch while those before are folded: a record is
// tens of cache lines far from the last one.
class LookAhead {
 public:
  explicit LookAhead(const RecordTable& records) : records_{records} {}
  // `next`: the event that is folded now. REQUIRES: called for each event of a batch in turn
  void at(const std::vector<LogRecord>& events, std::size_t next);

 private:
  static constexpr std::size_t kFar = 8;
  static constexpr std::size_t kNear = 3;
  void see(const LogRecord& event, std::size_t index);

  const RecordTable& records_;
  std::array<std::uint64_t, 16> hashes_{};
};

}  // namespace dealwright::runtime
