#include "engine/runtime/leaders.h"

#include <algorithm>

namespace dealwright::runtime {
namespace {

bool leads(const Member& member, PartitionId partition) {
  return std::binary_search(member.leads.begin(), member.leads.end(), partition);
}

// Those that stay, in an order that all agree on.
std::vector<int> staying(std::span<const Member> members) {
  std::vector<int> out;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!members[i].leaving) out.push_back(static_cast<int>(i));
  }
  std::sort(out.begin(), out.end(), [&](int a, int b) {
    return members[static_cast<std::size_t>(a)].node < members[static_cast<std::size_t>(b)].node;
  });
  return out;
}

}  // namespace

std::vector<int> suggest_leaders(std::span<const Member> members, std::uint32_t partitions) {
  std::vector<int> out(partitions, -1);
  const auto order = staying(members);
  if (order.empty()) return out;
  std::vector<std::uint32_t> counts(members.size());
  const auto share = static_cast<std::uint32_t>((partitions + order.size() - 1) / order.size());
  // So many may have a full share if it does not come out even; the others have one less.
  const auto full = partitions % order.size() == 0 ? order.size() : partitions % order.size();
  std::size_t full_now = 0;
  const auto has_room = [&](std::size_t i) {
    return counts[i] + 1 < share || (counts[i] + 1 == share && full_now < full);
  };
  const auto give = [&](PartitionId partition, int to) {
    const auto i = static_cast<std::size_t>(to);
    out[partition] = to;
    if (++counts[i] == share) ++full_now;
  };
  for (PartitionId id = 0; id < partitions; ++id) {
    for (const auto i : order) {
      if (!leads(members[static_cast<std::size_t>(i)], id) ||
          !has_room(static_cast<std::size_t>(i)))
        continue;
      give(id, i);
      break;
    }
  }
  for (PartitionId id = 0; id < partitions; ++id) {
    if (out[id] >= 0) continue;
    const auto least = std::min_element(order.begin(), order.end(), [&](int a, int b) {
      return counts[static_cast<std::size_t>(a)] < counts[static_cast<std::size_t>(b)];
    });
    give(id, *least);
  }
  return out;
}

std::vector<bool> should_lead(std::span<const Member> members, const std::string& node,
                              std::uint32_t partitions) {
  std::vector<bool> out(partitions, false);
  const auto suggested = suggest_leaders(members, partitions);
  for (PartitionId id = 0; id < partitions; ++id) {
    if (suggested[id] < 0 || members[static_cast<std::size_t>(suggested[id])].node != node)
      continue;
    out[id] = std::none_of(members.begin(), members.end(), [&](const Member& member) {
      return member.node != node && leads(member, id);
    });
  }
  return out;
}

}  // namespace dealwright::runtime
