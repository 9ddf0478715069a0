#include "engine/runtime/fate.h"

#include <algorithm>

#include "engine/codec/event_codec.h"
#include "engine/runtime/homes.h"
#include "engine/runtime/log_facts.h"

namespace dealwright::runtime {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

void take(const TurnRecord& turn, Fate& out) {
  out.verdict = turn.verdict;
  out.code = turn.code;
  out.detail = turn.detail;
  if (turn.code != kForwarded) return;
  for (const auto& send : turn.sends) {
    Event event;
    if (!codec::decode(send.event, event) || tells_of_homes(event.type)) continue;
    out.to = send.to;
    out.number = send.number;
    return;
  }
}

}  // namespace

Result<Fate> fate_of(Log& log, PartitionId partition, Position event) {
  Fate out;
  LogFacts facts{log, partition};
  DW_TRY(const auto end, log.end(Topic::kDecisions, partition));
  DW_TRY(auto at, facts.covering(event, end));
  // Records of lost terms may stand before the one that was accepted.
  for (; at && *at < end; ++*at) {
    DW_TRY(const auto* record, facts.decision(*at));
    if (record->header.from > event) break;
    const auto* batch = std::get_if<Batch>(&record->body);
    if (batch == nullptr || record->header.through <= event) continue;
    out = Fate{};
    out.decided = true;
    for (const auto& turn : batch->turns) {
      if (turn.position == event && !turn.timer) take(turn, out);
    }
  }
  return out;
}

Result<std::optional<Position>> find_send(Log& log, PartitionId to, PartitionId from,
                                          std::uint64_t number, Position start) {
  DW_TRY(const auto begin, log.begin(Topic::kEvents, to));
  DW_TRY(const auto end, log.end(Topic::kEvents, to));
  Event event;
  for (auto at = std::max(begin, start); at < end;) {
    DW_TRY(auto batch, log.read(Topic::kEvents, to, at, kReadBytes));
    if (batch.records.empty()) break;
    for (const auto& record : batch.records) {
      if (record.bytes.find(kSendExtension) == std::string_view::npos) continue;
      if (!codec::decode(record.bytes, event)) continue;
      const auto send = send_of(event);
      if (send && send->from == from && send->number == number)
        return std::optional{record.position};
    }
    at = batch.next;
  }
  return std::optional<Position>{};
}

}  // namespace dealwright::runtime
