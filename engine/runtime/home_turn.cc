// LeaderTurn: facts that belong to another partition, and what partitions tell each other of homes.
#include <set>

#include "engine/codec/event_codec.h"
#include "engine/runtime/leader_turn.h"

namespace dealwright::runtime {

void LeaderTurn::send(Event event, std::uint32_t to, std::uint32_t hops) {
  Send send;
  send.to = to;
  send.number = (to < state_.meta.sent.size() ? state_.meta.sent[to] : 0) + 1;
  mark_send(event, {where_.partition, send.number, hops});
  key_.sign(event, to);
  codec::encode(event, send.event);
  folder_.sent(send);
  bytes_ += send.event.size() + 40;
  turn().sends.push_back(std::move(send));
}

// True: another partition folds it. Else `key` is what it is folded under here, if not what it
// says itself.
bool LeaderTurn::leaves(const Event& event, std::string& key) {
  key.clear();
  if (!event.partition_key.empty() && event.extensions.empty()) return false;  // most have a key
  const auto sent = send_of(event);
  auto route = homes().route(event, sent);
  if (route.key.empty()) return false;
  // What waits here is not overtaken by what comes behind it.
  if (route.elsewhere && state_.meta.aside > 0 && state_.blocked(placement_key(event))) {
    return false;
  }
  key = std::move(route.key);
  auto& t = turn();
  t.code = route.elsewhere ? kForwarded : kHomed;
  t.detail = key;
  bytes_ += 32 + key.size();
  if (route.elsewhere) forward(event, key, route.to);
  return route.elsewhere;
}

void LeaderTurn::forward(const Event& event, std::string_view key, std::uint32_t to) {
  const auto sent = send_of(event);
  folder_.forwarded(event, key, now_);
  Event copy = event;
  copy.partition_key = key;
  send(std::move(copy), to, sent ? sent->hops + 1 : 0);
}

// The partition of a subject's text learns which key the subject is at home under, once from each
// partition that folds it.
void LeaderTurn::settle_home(const Event& event) {
  if (where_.partitions == 1 || !has_home(event.subject.kind) || send_of(event)) return;
  const auto* record = state_.find(event.subject);
  if (record == nullptr || record->home_key.get().empty()) return;
  const auto& key = record->home_key.get();
  auto text = to_text(event.subject);
  const auto to = partition_of(text, where_.partitions);
  if (to != where_.partition) {
    auto& group = homes_[to];
    group.bytes += text.size() + key.size() + 16;
    bytes_ += text.size() + key.size() + 16;
    group.homes.emplace_back(std::move(text), Value{key});
    if (group.bytes >= kHomesBytesMax) tell_homes(to);
  } else if (record->key_conflict) {
    const auto first = state_.home(event.subject);
    if (first) tell_conflict({event.subject, *first}, where_.partition);
  }
}

// What this partition tells another of homes; its subject and data are the caller's.
Event LeaderTurn::message(std::string_view what, TypeId type) {
  Event event;
  event.source = "dealwright/partition/" + std::to_string(where_.partition);
  event.id = std::string{what} + std::to_string(where_.decision_position) + "-" +
             std::to_string(turn().position) + "-" + std::to_string(++told_);
  event.type = type;
  event.actor = "system/homes";
  return event;
}

void LeaderTurn::tell_homes(std::uint32_t to) {
  auto& group = homes_[to];
  if (group.homes.empty()) return;
  auto event = message("homes-", TypeId::kSubjectHomed);
  event.subject = {Kind::kWorkspace, "default"};
  event.data.set(Field::kHomes, Value{std::move(group.homes)});
  group = {};
  send(std::move(event), to);
}

void LeaderTurn::finish() {
  for (auto& group : homes_) tell_homes(group.first);
}

// `by`: the partition where the subject stands under the other key.
void LeaderTurn::tell_conflict(const HomeConflict& conflict, std::uint32_t by) {
  std::set<std::uint32_t> concerned{by, partition_of(conflict.first, where_.partitions)};
  concerned.erase(where_.partition);
  for (const auto to : concerned) {
    auto event = message("conflict-", TypeId::kSubjectKeyConflict);
    event.subject = conflict.subject;
    event.data.set(Field::kKey, Value{conflict.first});
    send(std::move(event), to);
  }
}

// Of the turn under way: what a record that comes to be here belongs to.
std::string LeaderTurn::key_of_cause() {
  const auto* enrolment = state_.enrolment(made_by_);
  if (enrolment == nullptr && timer_) enrolment = state_.enrolment(timer_->enrolment);
  if (enrolment == nullptr && timer_) return {};
  const auto& subject = enrolment == nullptr ? frame_.event.subject : enrolment->subject;
  const auto* record = state_.find(subject);
  auto key = record == nullptr ? std::string{} : record->home_key.get();
  if (key.empty()) key = to_text(subject);
  if (!has_home(subject.kind) || partition_of(key, where_.partitions) != where_.partition)
    return {};
  return key;
}

// A record that a rule makes is at home where its customer is.
void LeaderTurn::give_home(Event& event) {
  if (!event.partition_key.empty() || !has_home(event.subject.kind)) return;
  if (is_folded_here(state_.find(event.subject))) return;
  auto key = key_of_cause();
  if (key != to_text(event.subject)) event.partition_key = std::move(key);
}

}  // namespace dealwright::runtime
