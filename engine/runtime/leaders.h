// Who of the processes on one log should lead which partition. Each comes to it by itself from what
// all of them tell; a suggestion only, the log decides. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/ports/log.h"

namespace dealwright::runtime {

// What a process tells of itself.
struct Member {
  std::string node;                // its own, of all processes that ever were
  std::vector<PartitionId> leads;  // rising
  bool leaving = false;            // it hands over what it leads
  friend bool operator==(const Member&, const Member&) = default;
};

// For each partition the index in `members` of who should lead it: none leads more than its share
// while another has less, and who leads goes on as far as its share allows. -1: nobody can.
std::vector<int> suggest_leaders(std::span<const Member> members, std::uint32_t partitions);

// Which of them `node` should claim or keep now: those suggested that no other member leads, and
// those that it leads and is to keep.
std::vector<bool> should_lead(std::span<const Member> members, const std::string& node,
                              std::uint32_t partitions);

}  // namespace dealwright::runtime
