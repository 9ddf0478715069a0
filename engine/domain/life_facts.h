// The facts that shape a record's life, kept in history order and packed: late facts run them
// again.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/event.h"

namespace dealwright {

// A fact's place in history: when it happened, then the order in which its partition folded it.
struct Stamp {
  Instant occurred = kBeforeAll;
  std::uint64_t order = 0;
  friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

enum class DealStatus : std::uint8_t { kOpen = 0, kWon = 1, kLost = 2 };
std::string_view status_name(DealStatus status);

// What a stage meant when a fact entered it.
struct StageMeaning {
  DealStatus category = DealStatus::kOpen;
  std::int32_t order = 0;
  std::int32_t probability_bp = 0;
  friend bool operator==(const StageMeaning&, const StageMeaning&) = default;
};

// One fact that shapes a record's life (its stages, states, amounts, owner). At most kLifeFactsMax
// are kept; what is older has melted into the record's base life.
struct LifeFact {
  Stamp stamp;
  Instant ingested;
  TypeId type = TypeId::kForeignType;
  bool undated = false;
  StageMeaning stage;  // of the stage that the fact enters, if it names one
  Fields args;         // stage, amount, owner, ...: what the life needs
  friend bool operator==(const LifeFact&, const LifeFact&) = default;
};
inline constexpr std::size_t kLifeFactsMax = 1024;

// A value type.
class LifeFacts {
 public:
  LifeFacts() = default;
  LifeFacts(const std::vector<LifeFact>& facts);
  // None: the bytes are no facts.
  static std::optional<LifeFacts> read(std::string_view bytes);

  void push_back(const LifeFact& fact);
  LifeFact pop_front();  // REQUIRES: not empty
  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  std::vector<LifeFact> entries() const;
  // Of the last one. REQUIRES: not empty
  const Stamp& last_stamp() const { return last_; }
  bool last_undated() const { return last_undated_; }
  Instant last_ingested() const { return last_ingested_; }

  std::string_view bytes() const { return std::string_view{bytes_}.substr(begin_); }
  std::size_t memory_bytes() const { return bytes_.capacity(); }
  friend bool operator==(const LifeFacts& a, const LifeFacts& b) { return a.bytes() == b.bytes(); }

 private:
  std::string bytes_;
  std::uint32_t begin_ = 0;  // of the first that is left
  std::uint32_t count_ = 0;
  Stamp last_;
  Instant last_ingested_;
  bool last_undated_ = false;
};

}  // namespace dealwright
