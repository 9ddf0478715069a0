#include "engine/runtime/log_facts.h"

#include "engine/codec/decision_codec.h"
#include "engine/codec/event_codec.h"

namespace dealwright::runtime {
namespace {

std::string place_of(Topic topic, PartitionId partition, Position position) {
  return "partition " + std::to_string(partition) + ", " + std::string{topic_name(topic)} + " " +
         std::to_string(position);
}

}  // namespace

Result<const DecisionRecord*> LogFacts::decision(Position position) {
  if (kept_at_ == position) return &kept_;
  kept_at_.reset();
  DW_TRY(auto batch, log_.read(Topic::kDecisions, partition_, position, 1));
  if (batch.records.empty() || batch.records.front().position != position) {
    return Error{Code::kNotFound,
                 place_of(Topic::kDecisions, partition_, position) + " is not in the log"};
  }
  DW_TRY(codec::decode(batch.records.front().bytes, kept_));
  kept_at_ = position;
  return &kept_;
}

Result<void> LogFacts::read(const HistoryEntry& entry, Event& out) {
  if (!entry.decision) {
    DW_TRY(auto batch, log_.read(Topic::kEvents, partition_, entry.position, 1));
    if (batch.records.empty() || batch.records.front().position != entry.position) {
      return Error{Code::kNotFound,
                   place_of(Topic::kEvents, partition_, entry.position) + " is not in the log"};
    }
    return codec::decode(batch.records.front().bytes, out);
  }
  DW_TRY(const auto* record, decision(entry.position));
  std::uint32_t index = 0;
  if (const auto* batch = std::get_if<Batch>(&record->body)) {
    for (const auto& turn : batch->turns) {
      for (const auto& change : turn.changes) {
        const auto* fact = std::get_if<FactDecided>(&change);
        if (fact == nullptr || ++index != entry.index) continue;
        out = fact->event;
        return ok();
      }
    }
  }
  return Error{Code::kDamaged, place_of(Topic::kDecisions, partition_, entry.position) +
                                   " has no fact " + std::to_string(entry.index)};
}

Result<std::optional<Position>> LogFacts::covering(Position position, Position decisions_end) {
  DW_TRY(auto low, log_.begin(Topic::kDecisions, partition_));
  auto high = decisions_end;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    DW_TRY(const auto* record, decision(middle));
    if (record->header.through > position) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  if (low >= decisions_end) return std::optional<Position>{};
  return std::optional<Position>{low};
}

}  // namespace dealwright::runtime
