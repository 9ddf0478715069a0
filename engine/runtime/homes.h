// Homes of subjects (design.md 7.1): where a fact without a partition key is folded, and how the
// partition of a subject learns of it. A fact that came under a key is folded where it came in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/home.h"
#include "engine/runtime/cluster_key.h"
#include "engine/runtime/state.h"

namespace dealwright::runtime {

// Codes of turns whose event was accepted; the turn's detail is the key.
inline constexpr std::string_view kForwarded = "forwarded";  // folded where the turn's send goes
inline constexpr std::string_view kHomed = "homed";          // folded here, under that key
inline constexpr std::uint32_t kHopsMax = 4;                 // from home to home, then it stays
inline constexpr std::size_t kHomesBytesMax = std::size_t{64} << 10;  // in one subject.homed

// Events by which partitions tell each other of homes: no facts about records.
inline bool tells_of_homes(TypeId type) {
  return type == TypeId::kSubjectHomed || type == TypeId::kSubjectKeyConflict;
}
// Whether facts about the record were folded here; what others' facts imply does not count.
inline bool is_folded_here(const Record* record) {
  return record != nullptr && !record->counts.empty();
}

struct Route {
  std::string key;  // "": as the event says
  std::uint32_t to = 0;
  bool elsewhere = false;
};

struct HomeConflict {
  RecordKey subject;
  std::string first;  // where it is at home
};

// The owner's thread; a view of one partition's state.
class Homes {
 public:
  Homes(State& state, std::uint32_t partition, std::uint32_t partitions)
      : state_{state}, partition_{partition}, partitions_{partitions} {}

  // Where `event` is folded; decides it for life if its subject is new. `send`: how it came, if
  // another partition sent it. Pure in state and event. Costs no look-up in the store where the
  // subject is folded here, or the event has a key.
  Route route(const Event& event, const std::optional<SendMark>& send);

  // Folds. What keeps the home of `subject`: this partition.
  void forwarded(const Event& event, std::string_view key);
  // Of the first fact about `record` here, or of one under another key than the first.
  void note_key(Record& record, const Event& event, std::string_view key);
  // subject.homed: keeps what is new; what has another home already is marked and returned.
  std::vector<HomeConflict> learn(const Event& event);
  // subject.key_conflict.
  void mark_conflict(const RecordKey& subject);

 private:
  std::uint32_t partition_of_key(std::string_view key) const {
    return partitions_ == 1 ? 0 : partition_of(key, partitions_);
  }
  std::optional<std::string> home(const RecordKey& subject);

  State& state_;
  const std::uint32_t partition_;
  const std::uint32_t partitions_;
};

}  // namespace dealwright::runtime
