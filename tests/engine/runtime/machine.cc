#include "tests/engine/runtime/machine.h"

#include "engine/codec/event_codec.h"
#include "engine/runtime/rebuild.h"
#include "projections/registry.h"
#include "tests/contract/log_driver.h"

namespace dealwright::runtime {
namespace {

// What a process holds of a store that outlives it.
class OpenStore : public Store {
 public:
  OpenStore(FakeStore& store, const std::function<void()>& at_write)
      : store_{store}, at_write_{at_write} {}
  Result<std::optional<std::string>> get(std::string_view key) const override {
    return store_.get(key);
  }
  Result<void> write(std::span<const StoreEntry> batch) override {
    if (at_write_) at_write_();
    return store_.write(batch);
  }
  Result<void> scan(
      std::string_view from, std::string_view to,
      const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return store_.scan(from, to, visit);
  }
  Result<void> erase_range(std::string_view from, std::string_view to) override {
    return store_.erase_range(from, to);
  }
  Result<void> flush() override { return store_.flush(); }
  std::uint64_t approximate_bytes() const override { return store_.approximate_bytes(); }

 private:
  FakeStore& store_;
  const std::function<void()>& at_write_;
};

bool may_pass(const Error& error) { return error.retriable || error.code == Code::kNoSpace; }

}  // namespace

Result<void> Machine::start() {
  embedded_log::Options options;
  options.partitions = kPartitions;
  options.segment_bytes = segment_bytes;
  options.log_id = Hash128{1, 2};
  options.meter = &meter;
  DW_TRY(auto opened, embedded_log::open(files, clock, "data", options));
  log = std::move(opened);
  EngineParts parts{*log, files,       clock, random, deciders_, key_, projections::all_views(),
                    {},   "data/state"};
  parts.open_store = [this](const std::string& path) -> Result<std::unique_ptr<Store>> {
    const std::lock_guard lock{stores_mutex_};
    stores[path].crash();
    return std::unique_ptr<Store>{new OpenStore{stores[path], at_store_write}};
  };
  parts.channels = channels;
  parts.meter = &meter;
  PartitionOptions partition;
  partition.acks_wait = acks_wait;
  partition.notify = [this](const Notice& notice) {
    const std::lock_guard lock{notices_mutex_};
    notices_.push_back(notice);
  };
  partition.limits.generation_events = 7;
  partition.limits.timers_in_memory = 4;
  partition.limits.record_cache_bytes = 16'000;
  partition.events_per_record = 5;
  auto started = Engine::open(std::move(parts), std::move(partition));
  if (!started) {
    log.reset();
    return started.error();
  }
  engine = std::move(started).value();
  return ok();
}

std::vector<Notice> Machine::notices() {
  const std::lock_guard lock{notices_mutex_};
  return notices_;
}

void Machine::stop() {
  engine.reset();
  log.reset();
}

std::optional<Error> Machine::await(PartitionId id) {
  for (;;) {
    std::optional<PartitionStatus> status;
    const auto asked = engine->ask(id, [&](Partition& p) { status = p.status(); });
    if (status && status->stopped && !may_pass(*status->stopped)) return status->stopped;
    if (!asked && !may_pass(asked.error())) return asked.error();
    if (asked && status->leading && status->caught_up) return {};
  }
}

bool Machine::settle() {
  for (PartitionId i = 0; i < 2 * kPartitions; ++i) {  // twice: they send each other something
    if (await(i % kPartitions)) return false;
  }
  return true;
}

Result<std::vector<Position>> Machine::append(PartitionId partition,
                                              const std::vector<Event>& events) {
  std::string key = "account/a";
  while (partition_of(key, kPartitions) != partition) key += "a";
  std::vector<std::string> records;
  for (auto event : events) {
    if (has_home(event.subject.kind)) event.partition_key = key;
    codec::encode(event, records.emplace_back());
  }
  return append_now(*log, Topic::kEvents, partition, std::move(records));
}

Event Machine::pipeline() {
  Event event;
  event.source = "ops";
  event.id = "pipeline";
  event.type = TypeId::kPipelineUpdated;
  event.subject = {Kind::kPipeline, "p"};
  event.time = clock.wall();
  List stages;
  for (const auto& [id, category] : {std::pair{"lead", "open"}, std::pair{"offer", "open"},
                                     std::pair{"won", "won"}, std::pair{"lost", "lost"}}) {
    stages.emplace_back(Map{{"id", Value{id}}, {"category", Value{category}}});
  }
  event.data.set(Field::kStages, Value{std::move(stages)});
  return event;
}

Event Machine::next_event() {
  Event event;
  event.source = "crm";
  event.id = "e" + std::to_string(next_id_);
  event.subject = {Kind::kDeal, "d" + std::to_string(next_id_ % 3)};
  event.time = clock.wall();
  const auto turn = next_id_++ / 3 % 3;
  if (turn == 0) {
    event.type = TypeId::kDealOpened;
    event.data.set(Field::kPipeline, Value{"p"});
  } else if (turn == 1) {
    event.type = TypeId::kDealStageChanged;
    event.data.set(Field::kTo, Value{"offer"});
  } else {
    event.type = TypeId::kNoteAdded;
    event.data.set(Field::kText, Value{"a note"});
  }
  return event;
}

std::vector<std::string> Machine::ids_in(PartitionId partition) {
  std::vector<std::string> out;
  const auto read = read_all(*log, Topic::kEvents, partition);
  EXPECT_FALSE(read.error) << read.error->detail;
  for (const auto& [position, bytes] : read.records) {
    Event event;
    EXPECT_TRUE(codec::decode(bytes, event)) << "at " << position;
    out.push_back(event.id);
  }
  return out;
}

void Machine::expect_replay_agrees(PartitionId partition) {
  std::string live;
  const auto asked = engine->ask(partition, [&](Partition& p) { live = dump_of(p.state()); });
  ASSERT_TRUE(asked) << asked.error().detail;
  FakeStore scratch;
  FakeFileSystem disk;
  auto rebuild =
      Rebuild::start(*log, partition, projections::all_views(), scratch, disk, "/ids", {});
  ASSERT_TRUE(rebuild);
  const auto end = log->end(Topic::kDecisions, partition);
  ASSERT_TRUE(end);
  const auto advanced = rebuild.value()->advance(end.value());
  ASSERT_TRUE(advanced) << advanced.error().detail;
  EXPECT_TRUE(same_dump(live, dump_of(rebuild.value()->state())));
}

}  // namespace dealwright::runtime
