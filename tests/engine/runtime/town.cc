#include "tests/engine/runtime/town.h"

#include <algorithm>
#include <sstream>

#include "engine/codec/event_codec.h"
#include "engine/domain/form.h"
#include "engine/runtime/homes.h"

namespace dealwright::runtime {

Town::Town(std::uint32_t partitions, std::uint64_t seed)
    : random{seed}, log{partitions, seed}, seats(partitions) {
  limits.generation_events = 11;
  limits.timers_in_memory = 4;
}

void Town::start(PartitionId id) {
  auto& seat = seats[id];
  PartitionParts parts{log, seat.store, seat.files, clock, random, worker, deciders, key, views};
  PartitionOptions options;
  options.id = id;
  options.dedup_directory = "/state/ids";
  options.limits = limits;
  options.events_per_record = 5;
  options.acks_wait = acks_wait;
  auto opened = Partition::open(parts, options, [] {});
  ASSERT_TRUE(opened) << opened.error().detail;
  seat.partition = std::move(opened.value());
}

void Town::crash() {
  for (auto& seat : seats) seat.partition.reset();
  log.crash();
  for (auto& seat : seats) seat.store.crash(random.below(3));
}

bool Town::step() {
  const auto first = random.below(seats.size());
  for (std::size_t i = 0; i < seats.size(); ++i) {
    const auto id = static_cast<PartitionId>((first + i) % seats.size());
    if (seats[id].partition == nullptr) start(id);
    if (random.chance(50) && log.run_one(id)) return true;
    auto stepped = seats[id].partition->step();
    EXPECT_TRUE(stepped) << stepped.error().detail;
    if (!stepped) return false;
    if (stepped.value() || log.run_one(id)) return true;
  }
  return false;
}

void Town::settle() {
  while (step()) {
  }
}

void Town::run() {
  for (settle(); acks_wait.ms > 0; settle()) {
    const auto idle = [](const Seat& seat) { return seat.partition->idle(); };
    if (std::all_of(seats.begin(), seats.end(), idle)) return;
    clock.advance(acks_wait);
  }
}

PartitionId Town::first_of(const Event& event) const {
  const bool reference =
      event.type != TypeId::kForeignType && spec_of(event.type).group == EventGroup::kReference;
  return reference ? 0 : partition_of(placement_key(event), log.partitions());
}

Position Town::add(const Event& event) {
  std::string bytes;
  codec::encode(event, bytes);
  return log.put(Topic::kEvents, first_of(event), bytes);
}

Event Town::fact(const std::string& text) {
  std::istringstream in{text};
  std::string type, subject, pair;
  in >> type >> subject;
  Event event;
  event.source = "crm";
  event.id = "f" + std::to_string(next_id++);
  event.type = event_spec(type)->type;
  event.subject = parse_record_key(subject);
  event.time = clock.wall();
  Map data;
  while (in >> pair) {
    const auto equals = pair.find('=');
    const auto name = pair.substr(0, equals);
    const auto value = pair.substr(equals + 1);
    if (name == "key") {
      event.partition_key = value;
    } else if (name == "id") {
      event.id = value;
    } else {
      data.emplace_back(name, Value{value});
    }
  }
  const Map sorted = *Value{std::move(data)}.as_map();
  EXPECT_TRUE(fill_data(event, sorted).empty()) << text;
  return event;
}

std::string Town::where(const std::string& subject) {
  std::string out;
  for (PartitionId id = 0; id < seats.size(); ++id) {
    const auto* record = state(id).find(parse_record_key(subject));
    if (!is_folded_here(record)) continue;
    std::uint32_t facts = 0;
    for (const auto& count : record->counts) facts += count.second;
    out += (out.empty() ? "" : " ") + std::to_string(id) + ":" + std::to_string(facts);
    if (record->key_conflict) out += "!";
  }
  return out;
}

std::string Town::dump(PartitionId id) { return dump_of(state(id)); }

std::string Town::dump_of_replay(PartitionId id) {
  FakeStore empty;
  FakeFileSystem disk;
  auto fresh = State::open(empty, disk, "/ids", views, limits);
  EXPECT_TRUE(fresh);
  Folder folder{*fresh.value(), LogFacts{log, id}};
  Replay replay{log, id, *fresh.value(), folder};
  for (;;) {
    auto folded = replay.step();
    EXPECT_TRUE(folded) << folded.error().detail;
    if (!folded || !folded.value()) break;
  }
  return dump_of(*fresh.value());
}

void Town::expect_replays_agree() {
  for (PartitionId id = 0; id < seats.size(); ++id) {
    EXPECT_TRUE(same_dump(dump(id), dump_of_replay(id))) << "partition " << id;
    EXPECT_EQ(state(id).meta.sent, state(id).meta.acked) << "partition " << id;
  }
}

}  // namespace dealwright::runtime
