// What an expression may cost at most, known at load.
#include <algorithm>

#include "rules/cel/signatures.h"

namespace dealwright::rules::cel {
namespace {

constexpr std::uint64_t kUnknownLength = 1'000;
constexpr std::uint64_t kMost = 1'000'000'000'000;  // sums and products of two never wrap

std::uint64_t length_of(const Node& node) {
  if (node.kind == NodeKind::kList) return node.args.size();
  if (node.kind == NodeKind::kMap) return node.args.size() / 2;
  const bool passes_on =
      node.kind == NodeKind::kMacro && (node.name == "map" || node.name == "filter");
  return passes_on ? length_of(*node.args[0]) : kUnknownLength;
}

}  // namespace

std::uint64_t cost_of(const Node& node) {
  std::uint64_t out = 1;
  const bool macro = node.kind == NodeKind::kMacro;
  for (std::size_t i = 0; i < node.args.size(); ++i) {
    const auto cost = cost_of(*node.args[i]);
    out +=
        macro && i > 0 ? std::min(cost, kMost / kUnknownLength) * length_of(*node.args[0]) : cost;
    out = std::min(out, kMost);
  }
  return out;
}

}  // namespace dealwright::rules::cel
