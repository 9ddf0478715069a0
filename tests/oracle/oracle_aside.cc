// The oracle on what changes nothing: facts that came before, and those that are set aside.
#include "engine/runtime/cluster_key.h"
#include "tests/oracle/oracle.h"

namespace dealwright::oracle {

// Duplicates are found by source and id, for 30 days surely; rows of a batch, which come in order,
// by the highest. None: either may be right.
std::optional<bool> Oracle::is_new(const Event& event, bool counts) {
  if (runtime::send_of(event)) return std::nullopt;  // found by its number
  if (event.import_batch.empty() || event.import_row == 0) {
    const auto [seen, fresh] = seen_.try_emplace({event.source, event.id}, now_);
    const bool old = !fresh && seen->second + days(30) < now_;
    if (old && counts) seen->second = now_;
    return old ? std::nullopt : std::optional{fresh};
  }
  auto& highest = batches_[event.import_batch].highest_row;
  const bool higher = event.import_row > highest;
  if (higher) highest = event.import_row;
  return higher;
}

void Oracle::set_aside(std::uint64_t position, const TurnRecord& turn, const Event* event) {
  SetAside entry;
  entry.position = position;
  entry.verdict = turn.verdict;
  entry.code = turn.code;
  entry.detail = turn.detail;
  entry.now = now_;
  entry.event = log_.at(position);
  if (event != nullptr) {
    entry.key = placement_key(*event);
    entry.subject = to_text(event->subject);
    entry.type = event->type_name();
  }
  for (const auto& [at, other] : aside_) {  // what of its key stands aside holds it up
    if (turn.verdict != Verdict::kSetAside || event == nullptr || entry.blocked_by) break;
    if (other.verdict == Verdict::kSetAside && other.key == entry.key) entry.blocked_by = at;
  }
  aside_[position] = std::move(entry);
}

}  // namespace dealwright::oracle
