// All that ever stood in the log of a partition, followed record by record by rules of our own
// (design.md 7.5): which decision records count, what became of each fact, which attempts of
// effects are written down. O1, O5 and O6 are held against it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/domain/decision.h"
#include "engine/ports/log.h"
#include "tests/sim/story.h"

namespace dealwright::sim {

// Of a mail or call: what it is about, whatever its id says.
struct Asked {
  std::string rule, key, step, recipient, channel;
  std::uint32_t partition = 0;
  std::uint32_t starts = 0;  // attempts that a decision record started
  friend auto operator<=>(const Asked&, const Asked&) = default;
};

class Chronicle {
 public:
  Chronicle(Story& story, PartitionId id) : story_{story}, id_{id} {}

  struct Kept {
    Position position = 0;
    std::string bytes;
    std::string fact;  // of an event: source and id; "": it has none, or is the engine's own
  };
  void add_event(Position position, std::string_view bytes);
  void add_decision(Position position, std::string_view bytes);
  const std::vector<Kept>& events() const { return events_; }
  const std::vector<Kept>& decisions() const { return decisions_; }

  // O1: it was acknowledged, so it counts exactly once within the window.
  void expect_once(const std::string& fact);
  Position covered() const { return through_; }
  // Whether a word that lets effects go stands in the log and was not decided on yet: a restored
  // copy takes it for a new one ("an old word" of the list of what is left out).
  bool resumed_behind() const;
  Instant now() const { return now_; }
  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t ignored() const { return ignored_; }
  std::uint64_t timers_fired() const { return timers_fired_; }
  std::uint64_t term() const { return term_; }
  const std::map<EffectId, Asked>& effects() const { return effects_; }
  bool has_outcome(const EffectId& id, std::uint32_t attempt) const {
    return outcomes_.contains({id, attempt});
  }
  const std::map<std::string, std::uint64_t>& verdicts() const { return verdicts_; }

  static std::string name_of(std::string_view source, std::string_view id) {
    return std::string{source} + " " + std::string{id};
  }

 private:
  bool counts(const DecisionHeader& header, bool claim) const;
  void cover(const DecisionRecord& record, Position position);
  void take(const Change& change, Position position);
  void breaks(const char* oracle, Position position, const std::string& why);

  Story& story_;
  const PartitionId id_;
  std::vector<Kept> events_, decisions_;
  std::size_t next_event_ = 0;                           // of events_: not covered yet
  std::map<std::string, std::vector<Instant>> counted_;  // when a fact was no repeat
  std::map<EffectId, Asked> effects_;
  std::map<EnrolmentId, std::string> keys_;
  std::set<std::pair<EffectId, std::uint32_t>> outcomes_;
  std::map<std::string, std::uint64_t> verdicts_;
  std::uint64_t term_ = 0, sequence_ = 0, accepted_ = 0, ignored_ = 0, timers_fired_ = 0;
  ClaimId claim_{};
  Sha256 chain_{};  // of the last record that counts
  Position through_ = 0;
  Instant now_ = kBeforeAll;
};

}  // namespace dealwright::sim
