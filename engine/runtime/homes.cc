#include "engine/runtime/homes.h"

namespace dealwright::runtime {

// Only the partition of a subject's text keeps its home, and only if it lies elsewhere.
std::optional<std::string> Homes::home(const RecordKey& subject) {
  if (partitions_ == 1) return std::nullopt;
  return state_.home(subject);
}

Route Homes::route(const Event& event, const std::optional<SendMark>& send) {
  if (!has_home(event.subject.kind) || (!send && !event.partition_key.empty())) return {};
  if (event.type != TypeId::kForeignType && spec_of(event.type).group >= EventGroup::kReference) {
    return {};
  }
  const auto* subject = state_.find(event.subject);
  if (is_folded_here(subject) && (!subject->key_conflict || send)) return {};
  if (send && send->hops >= kHopsMax) return {};
  const auto own = to_text(event.subject);
  const auto& came = send ? event.partition_key : own;
  auto key = came;
  for (std::uint32_t hops = 0; hops < kHopsMax; ++hops) {
    const auto at = parse_record_key(key);
    const auto* record = at == event.subject ? subject : state_.find(at);
    const auto known = is_folded_here(record) && !record->key_conflict;
    if (known && record->merged_into.empty()) {
      if (const auto& kept = record->home_key.get(); !kept.empty()) key = kept;
      break;
    }
    if (const auto to = partition_of_key(key); to != partition_) return {key, to, true};
    std::string next;
    if (known) {
      next = to_text({at.kind, record->merged_into});
    } else if (auto kept = home(at)) {
      next = std::move(*kept);
      // Where it once went it goes for life, whatever is known here by now.
      const auto to = partition_of_key(next);
      if (key == own && !send && to != partition_) return {next, to, true};
    } else if (key == own && !is_folded_here(record)) {
      next = customer_of(event);
    }
    if (next.empty() || next == key) break;
    key = std::move(next);
  }
  if (partition_of_key(key) != partition_) return {key, partition_of_key(key), true};
  if (key == came) return {};
  return {key, partition_, false};
}

void Homes::forwarded(const Event& event, std::string_view key) {
  ++state_.meta.forwarded;
  if (partition_of_key(to_text(event.subject)) != partition_) return;  // on its way from home
  if (!home(event.subject)) state_.put_home(event.subject, key);
}

void Homes::note_key(Record& record, const Event& event, std::string_view key) {
  if (!has_home(record.key.kind)) return;
  if (record.counts.empty()) {
    record.home_key = std::string{key};
    if (partitions_ == 1 || partition_of_key(to_text(record.key)) != partition_) return;
    const auto first = home(record.key);
    if (first && *first != key) record.key_conflict = true;
    return;
  }
  // What another partition sent came by the key that was known there.
  if (record.key_conflict || send_of(event)) return;
  const auto own = to_text(record.key);
  const auto& home = record.home_key.get();
  const auto& kept = home.empty() ? own : home;
  record.key_conflict = kept != key;
}

std::vector<HomeConflict> Homes::learn(const Event& event) {
  std::vector<HomeConflict> out;
  const auto* homes = event.data.find(Field::kHomes);
  const auto* map = homes == nullptr ? nullptr : homes->as_map();
  if (map == nullptr) return out;
  for (const auto& [text, value] : *map) {
    const auto subject = parse_record_key(text);
    const auto key = value.text_or_empty();
    if (key.empty()) continue;
    auto first = home(subject);
    if (const auto* record = state_.find(subject); !first && is_folded_here(record)) {
      const auto& kept = record->home_key.get();
      first = kept.empty() ? text : kept;
    }
    if (!first) {
      state_.put_home(subject, key);
    } else if (*first != key) {
      mark_conflict(subject);
      out.push_back({subject, *first});
    }
  }
  return out;
}

void Homes::mark_conflict(const RecordKey& subject) {
  if (is_folded_here(state_.find(subject))) state_.touch(subject).key_conflict = true;
}

}  // namespace dealwright::runtime
