// World: O3. Records are decided anew, with the time, the rules and the events of then, and have to
// come to the same bytes.
#include "engine/codec/decision_codec.h"
#include "engine/runtime/leader_turn.h"
#include "engine/runtime/replay.h"
#include "tests/sim/world.h"

namespace dealwright::sim {
namespace {

constexpr std::uint64_t kOneIn = 3;  // records; the others are folded as they stand

// A fold that can decide in place of folding.
class Again {
 public:
  Again(Log& log, PartitionId id, std::uint32_t partitions, const runtime::ClusterKey& key,
        std::unique_ptr<runtime::State> state)
      : log_{log},
        id_{id},
        partitions_{partitions},
        key_{key},
        state_{std::move(state)},
        folder_{*state_, runtime::LogFacts{log, id}},
        replay_{std::make_unique<runtime::Replay>(log, id, *state_, folder_)} {}

  const runtime::Meta& meta() const { return state_->meta; }
  Result<void> fold(const Chronicle::Kept& record) {
    DW_TRY(replay_->fold(record.position, record.bytes));
    return ok();
  }
  // "" or what is different. `events`: those that the record covers.
  Result<std::string> decide(const Chronicle::Kept& kept, DecisionRecord record,
                             std::span<const Chronicle::Kept> events) {
    DW_TRY(refresh());
    const auto& was = std::get<Batch>(record.body);
    auto& meta = state_->meta;
    runtime::LeaderTurn turn{*state_,
                             folder_,
                             decider_.get(),
                             key_,
                             {id_, partitions_, kept.position, false, false, true},
                             record.header.now};
    for (const auto& ack : was.acks) {
      turn.ack(ack);
      folder_.acked(ack);
    }
    for (const auto& event : events) {
      if (!turn.take_event(event.position, event.bytes))
        return std::string{"an event does not fit"};
      meta.events = event.position + 1;
    }
    const bool fires =
        !was.turns.empty() && was.turns.back().timer && was.turns.back().position == meta.events;
    if (fires) turn.fire_due(turn.now(), meta.events);
    turn.finish();
    for (const auto& moved : was.effects) turn.move_effect(moved);
    const auto header = record.header;
    const auto turns = was.turns.size();
    record.body = turn.take_batch();
    std::string bytes;
    codec::encode(record, bytes);
    meta.now = header.now;
    meta.sequence = header.sequence + 1;
    meta.events = header.through;
    meta.decisions = kept.position + 1;
    meta.chain = sha256(kept.bytes);
    replay_ = std::make_unique<runtime::Replay>(log_, id_, *state_, folder_);
    if (bytes == kept.bytes) return std::string{};
    return std::to_string(turns) + " turns then, " +
           std::to_string(std::get<Batch>(record.body).turns.size()) + " now, " +
           std::to_string(kept.bytes.size()) + " bytes then, " + std::to_string(bytes.size()) +
           " now";
  }

 private:
  Result<void> refresh() {
    if (decider_ != nullptr && !folder_.rules_changed()) return ok();
    DW_TRY(const auto rules, state_->published());
    DW_TRY(decider_, deciders().make(rules));
    folder_.rules_taken();
    return ok();
  }

  Log& log_;
  const PartitionId id_;
  const std::uint32_t partitions_;
  const runtime::ClusterKey& key_;
  std::unique_ptr<runtime::State> state_;
  runtime::Folder folder_;
  std::unique_ptr<runtime::Replay> replay_;
  std::shared_ptr<Decider> decider_;
};

}  // namespace

void World::check_decides_again(PartitionId id) {
  FakeStore store;
  FakeFileSystem files;
  auto state = runtime::State::open(store, files, "ids", {}, {});
  if (!state) return story_.breaks("O3", state.error().detail);
  Again again{the_log(), id, plan_.partitions, key_, std::move(state).value()};
  const auto& chronicle = *chronicles_[id];
  const auto& events = chronicle.events();
  std::size_t next = 0;
  for (const auto& kept : chronicle.decisions()) {
    DecisionRecord record;
    if (!codec::decode(kept.bytes, record)) continue;
    const bool batch = std::holds_alternative<Batch>(record.body);
    const bool counts = batch && runtime::accept(again.meta(), record.header, false) ==
                                     runtime::Acceptance::kAccepted;
    if (!counts || (kept.position + plan_.seed) % kOneIn != 0) {
      const auto folded = again.fold(kept);
      if (!folded) return story_.breaks("O3", folded.error().detail);
      continue;
    }
    while (next < events.size() && events[next].position < again.meta().events) ++next;
    auto end = next;
    while (end < events.size() && events[end].position < record.header.through) ++end;
    const auto different = again.decide(kept, record, std::span{events}.subspan(next, end - next));
    if (!different) return story_.breaks("O3", different.error().detail);
    story_.met("decided again");
    if (different.value().empty()) continue;
    return story_.breaks("O3", "partition " + std::to_string(id) + ", decision record " +
                                   std::to_string(kept.position) +
                                   " is decided otherwise the second time: " + different.value());
  }
}

}  // namespace dealwright::sim
