// LeaderTurn: events that were set aside are judged again, on an operator's word, or because what
// they waited for is there. As many as a record has room for; the partition then sends itself the
// order to go on.
#include "engine/codec/event_codec.h"
#include "engine/codec/size_bound.h"
#include "engine/domain/form.h"
#include "engine/runtime/keys.h"
#include "engine/runtime/leader_turn.h"

namespace dealwright::runtime {

void LeaderTurn::redrive(const Event& order) {
  const auto position =
      static_cast<std::uint64_t>(order.data.integer(Field::kPosition).value_or(-1));
  if (const auto entry = state_.set_aside(position)) {
    bool gone = true;
    if (order.type == TypeId::kEventDropped) {
      const EventRedriven dropped{position, Verdict::kDuplicate, "dropped"};
      write(Change{dropped}, codec::size_bound(Change{dropped}));
      folder_.settle(dropped);
    } else {
      gone = redrive_one(position) == Redriven::kGone;
    }
    if (gone && entry->verdict == Verdict::kSetAside) redrive_behind(entry->key);
  }
  if (!state_.reference.pipelines.empty())
    redrive_waiting();  // what an earlier record had no room for
}

// What waited behind one that is gone, in order, until one fails of its own.
void LeaderTurn::redrive_behind(std::string_view key) {
  if (key.empty()) return;
  for (auto next = state_.blocked(key); next && !later_; next = state_.blocked(key, *next)) {
    const auto waiting = state_.set_aside(*next);
    if (!waiting || waiting->code != "blocked") return;
    if (redrive_one(*next) != Redriven::kGone) return;
  }
}

// What came before its pipeline, in the order of the log.
void LeaderTurn::redrive_waiting() {
  if (state_.meta.aside == 0 || later_) return;
  std::vector<std::uint64_t> positions;
  auto scanned = state_.scan(keys::kSetAside, [&](std::string_view key, std::string_view) {
    ByteReader in{key.substr(1)};
    positions.push_back(in.key64());
    return true;
  });
  if (!scanned) state_.fail(scanned.error());
  for (const auto position : positions) {
    const auto entry = state_.set_aside(position);
    if (!entry || entry->code != kWaitsForPipeline) continue;
    if (redrive_one(position) == Redriven::kGone) redrive_behind(entry->key);
    if (later_) return;
  }
}

// The rest in a record of its own: an order like an operator's, from the partition to itself.
void LeaderTurn::redrive_later(std::uint64_t position) {
  later_ = true;
  Event order;
  order.source = "dealwright/engine";
  order.id = "redrive-" + std::to_string(where_.partition) + "-" + std::to_string(position) + "-" +
             std::to_string(where_.decision_position);
  order.type = TypeId::kEventRedriven;
  order.subject = {Kind::kEvent, std::to_string(where_.partition) + ":" + std::to_string(position)};
  if (!state_.meta.event_clock) order.time = now_;
  order.actor = "system/engine";
  order.data.set(Field::kPosition, Value{static_cast<std::int64_t>(position)});
  send(std::move(order), where_.partition);
}

LeaderTurn::Redriven LeaderTurn::redrive_one(std::uint64_t position) {
  const auto entry = state_.set_aside(position);
  auto frame = std::make_unique<Frame>();
  const auto decoded = codec::decode(entry->event, frame->event);
  // One that reads histories stands first in its record, as everywhere.
  const bool reads = decoded && needs_history(frame->event.type) && open_;
  if (reads || bytes_ >= kBatchBytesMax) {
    redrive_later(position);
    return Redriven::kLater;
  }
  Judgement judgement;
  Route route;
  if (!decoded) {
    judgement = unreadable(entry->event, decoded.error());
  } else if (auto text = bad_text(frame->event); !text.empty()) {
    judgement = {Verdict::kSetAside, "bad_envelope", std::move(text)};
  } else if (auto fault = form_fault(frame->event); !fault.empty()) {
    judgement = {Verdict::kSetAside, "bad_data", std::move(fault)};
  } else if (is_own(frame->event) || is_forged(frame->event, entry->event)) {
    judgement = {Verdict::kSetAside, "reserved_type", {}};
  } else if (is_misplaced(frame->event, entry->event)) {
    auto key = placement_key(frame->event);
    const auto to = partition_of(key, where_.partitions);
    route = {std::move(key), to, true};
  } else {
    route = homes().route(frame->event, send_of(frame->event));
    if (!route.elsewhere) judgement = judge_fact(frame->event);
  }
  EventRedriven settled{position, judgement.verdict, judgement.code};
  if (judgement.verdict == Verdict::kAccepted && !route.key.empty()) {
    settled.code = route.elsewhere ? kForwarded : kHomed;  // with the key
    settled.code += " " + route.key;
  }
  begin_decision();  // each leads to what it would have led to in its time
  go_on_with(frame->event.traceparent);
  write(Change{settled}, codec::size_bound(Change{settled}));
  folder_.settle(settled);
  if (judgement.verdict != Verdict::kAccepted) {
    return judgement.verdict == Verdict::kRefused ? Redriven::kGone : Redriven::kStays;
  }
  if (route.elsewhere) {
    forward(frame->event, route.key, route.to);
    return Redriven::kGone;
  }
  auto at = place(0);
  at.position = position;  // its own bytes stand there
  at.key = route.key;
  folder_.fold(*frame, at);
  if (frame->first) settle_home(frame->event);
  if (frame->event.type == TypeId::kEventRetracted) {
    cancel_followers();
    frame->fact.subject = record(frame->event.subject);
  }
  stop_mails(frame->event);
  frame->fact.subject = record(frame->event.subject);
  ask(frame->fact);
  return Redriven::kGone;
}

}  // namespace dealwright::runtime
