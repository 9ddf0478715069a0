// LeaderTurn: events that were set aside are judged again, on an operator's word, or because what
// they waited for is there.
#include "engine/codec/event_codec.h"
#include "engine/runtime/keys.h"
#include "engine/runtime/leader_turn.h"

namespace dealwright::runtime {

void LeaderTurn::redrive(const Event& order) {
  const auto position =
      static_cast<std::uint64_t>(order.data.integer(Field::kPosition).value_or(-1));
  const auto entry = state_.set_aside(position);
  if (!entry) return;
  const bool blocks = entry->verdict == Verdict::kSetAside;
  const auto key = entry->key;
  if (order.type == TypeId::kEventDropped) {
    const EventRedriven dropped{position, Verdict::kDuplicate, "dropped"};
    turn().changes.emplace_back(dropped);
    folder_.settle(dropped);
  } else if (!redrive_one(position)) {
    return;
  }
  if (blocks) redrive_behind(key);
}

// What waited behind one that is gone, in order, until one fails of its own.
void LeaderTurn::redrive_behind(std::string_view key) {
  if (key.empty()) return;
  for (auto next = state_.blocked(key); next; next = state_.blocked(key, *next)) {
    const auto waiting = state_.set_aside(*next);
    if (!waiting || waiting->code != "blocked" || !redrive_one(*next)) return;
  }
}

// What came before its pipeline, in the order of the log.
void LeaderTurn::redrive_waiting() {
  std::vector<std::uint64_t> waiting;
  auto scanned = state_.scan(keys::kSetAside, [&](std::string_view key, std::string_view) {
    ByteReader in{key.substr(1)};
    waiting.push_back(in.key64());
    return true;
  });
  if (!scanned) state_.fail(scanned.error());
  for (const auto position : waiting) {
    const auto entry = state_.set_aside(position);
    if (!entry || entry->code != kWaitsForPipeline) continue;
    if (redrive_one(position)) redrive_behind(entry->key);
  }
}

bool LeaderTurn::redrive_one(std::uint64_t position) {
  const auto entry = state_.set_aside(position);
  auto frame = std::make_unique<Frame>();
  Judgement judgement;
  if (auto decoded = codec::decode(entry->event, frame->event); !decoded) {
    judgement = {Verdict::kSetAside, "bad_envelope", decoded.error().detail};
  } else if (auto fault = form_fault(frame->event); !fault.empty()) {
    judgement = {Verdict::kSetAside, "bad_data", std::move(fault)};
  } else if (is_own(frame->event)) {
    judgement = {Verdict::kSetAside, "reserved_type", {}};
  } else {
    judgement = judge_fact(frame->event);
  }
  const EventRedriven settled{position, judgement.verdict, judgement.code};
  turn().changes.emplace_back(settled);
  bytes_ += 32;
  folder_.settle(settled);
  if (judgement.verdict != Verdict::kAccepted) return judgement.verdict == Verdict::kRefused;
  auto at = place(depth_ + 1);
  at.position = position;  // its own bytes stand there
  folder_.fold(*frame, at);
  if (frame->event.type == TypeId::kEventRetracted) cancel_followers();
  queue_.push_back(std::move(frame));
  return true;
}

}  // namespace dealwright::runtime
