// Which rules an event may start, without asking those it cannot: triggers by event type, then by
// an equality of their condition; triggers on changes by record kind, field and value.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rules/plan/plan.h"

namespace dealwright::rules {

// Open addressing over 64-bit keys, filled once. Two keys that hash alike share a list: candidates
// are asked in full anyway.
class PostingTable {
 public:
  void add(std::uint64_t key, std::uint32_t posting);
  void seal();  // no add() behind it
  std::span<const std::uint32_t> find(std::uint64_t key) const {
    if (slots_.empty()) return {};
    for (auto at = key & mask_;; at = (at + 1) & mask_) {
      const auto& slot = slots_[at];
      if (slot.count == 0) return {};
      if (slot.key == key) return {postings_.data() + slot.begin, slot.count};
    }
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t begin = 0;
    std::uint32_t count = 0;
  };
  std::vector<std::pair<std::uint64_t, std::uint32_t>> added_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> postings_;
  std::uint64_t mask_ = 0;
};

// A trigger of a rule that an event may fire. `rule` is its place in the rule set.
struct Candidate {
  std::uint32_t rule = 0;
  std::uint32_t trigger = 0;
};

class Index {
 public:
  // `rules` outlives the index; their order is the order of candidates.
  explicit Index(std::span<const RulePlan* const> rules);

  // The rules that the fact starts: trigger and condition hold. Sorted, none twice. `failed`: rules
  // whose condition could not be evaluated, save for an absent value. Both are cleared first.
  void match(Reader& reader, CalendarSource& calendars, std::vector<std::uint32_t>& fired,
             std::vector<std::pair<std::uint32_t, Outcome>>& failed) const;

  // How many triggers are asked at every event of the type: no equality leads to them.
  std::size_t unindexed(TypeId type) const;

 private:
  struct TypeIndex {
    std::vector<std::uint32_t> probes;     // slots whose values lead to lists
    std::vector<std::uint32_t> unindexed;  // candidates
  };
  struct Scratch;

  void post(TypeIndex& type, std::uint32_t candidate, const RulePlan& rule);
  void post_change(std::uint32_t candidate, const TriggerPlan& trigger);
  std::uint32_t slot_of(const PathSpec& path);
  void ask(std::uint32_t candidate, Scratch& scratch) const;

  std::span<const RulePlan* const> rules_;
  std::vector<Candidate> candidates_;
  std::vector<PathSpec> slots_;                                 // paths in use, each once
  std::vector<TypeIndex> types_;                                // by TypeId
  std::vector<std::pair<std::string, std::uint32_t>> foreign_;  // pattern, candidate; sorted
  PostingTable lists_;                                          // (slot, value) -> candidates
  PostingTable changes_;  // (kind, field, to or any) -> candidates
};

}  // namespace dealwright::rules
