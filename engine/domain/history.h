// A record's own index: where its facts and decisions stand in the logs. Packed, for most records
// are many and short.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"

namespace dealwright {

// What a log record is to the record in whose history it stands.
enum class HistoryRole : std::uint8_t {
  kFact = 0,      // of its own, or of a record merged into it
  kImplied = 1,   // what a fact of another record implies for it
  kMerged = 2,    // another record was merged into it
  kDecision = 3,  // something was decided about it; changes nothing in it
};
enum class HistoryMark : std::uint8_t {
  kStands = 0,
  kRetracted = 1,  // taken back: as if it never had been
  kUndone = 2,     // of a merge that was undone; it stands in the other record's history now
};

// A fact or decision of the record's own, by where its log record stands; with all that folding it
// anew needs beside its bytes.
struct HistoryEntry {
  Instant occurred;
  Instant ingested;
  std::uint64_t order = 0;  // Stamp::order of the fact; of a decision, of the newest fact then
  std::uint64_t position = 0;
  std::uint32_t index = 0;  // among the facts that one log record brought; 0: the event itself
  bool decision = false;    // position is in `decisions`, else in `events`
  HistoryRole role = HistoryRole::kFact;
  HistoryMark mark = HistoryMark::kStands;
  friend bool operator==(const HistoryEntry&, const HistoryEntry&) = default;
};
inline constexpr std::size_t kHistoryChunk = 256;

// Entries in the order in which they were folded. A value type.
class History {
 public:
  History() = default;
  History(const std::vector<HistoryEntry>& entries);
  // None: the bytes are no history.
  static std::optional<History> read(std::string_view bytes);

  void push_back(const HistoryEntry& entry);
  void clear() { *this = {}; }
  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  const HistoryEntry& back() const { return last_; }  // REQUIRES: not empty
  std::vector<HistoryEntry> entries() const;
  std::string_view bytes() const { return bytes_; }
  std::size_t memory_bytes() const { return bytes_.capacity(); }
  friend bool operator==(const History& a, const History& b) { return a.bytes_ == b.bytes_; }

 private:
  std::string bytes_;  // each entry by what it differs from the one before
  std::uint32_t count_ = 0;
  HistoryEntry last_{Instant{0}, Instant{0}};
};

}  // namespace dealwright
