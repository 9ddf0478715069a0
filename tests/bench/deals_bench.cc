// The "deals" workload (bench/deals.md of the shared folder): preloaded on the embedded log, from
// the first event read to the last decision durable and all views up to date. Checks the result
// against the oracle's expected.json.
//   deals_bench DIR_WITH_GEN_OUTPUT [WORK_DIR]
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "connectors/embedded_log/embedded_log.h"
#include "connectors/os/posix_file_system.h"
#include "connectors/os/system_clock.h"
#include "engine/codec/event_codec.h"
#include "engine/codec/json.h"
#include "engine/runtime/engine.h"
#include "projections/registry.h"
#include "projections/rocks_store.h"
#include "tests/bench/bench_rules.h"

namespace dealwright {
namespace {

using Clock_ = std::chrono::steady_clock;
double seconds_since(Clock_::time_point start) {
  return std::chrono::duration<double>(Clock_::now() - start).count();
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}
long peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

Event pipeline() {
  Event event;
  event.source = "ops";
  event.id = "pipeline-deals";
  event.type = TypeId::kPipelineUpdated;
  event.subject = {Kind::kPipeline, "deals"};
  event.time = Instant{1'767'225'600'000 - 1};
  List stages;
  for (const auto* id : {"lead", "qualified", "demo", "offer", "contract", "won", "lost"}) {
    const std::string_view name = id;
    const auto* category = name == "won" ? "won" : name == "lost" ? "lost" : "open";
    stages.emplace_back(
        Map{{"id", Value{id}}, {"category", Value{category}}, {"probability", Value{1000}}});
  }
  event.data.set(Field::kStages, Value{std::move(stages)});
  return event;
}

// A line of events.jsonl as a real CloudEvent of our types.
void to_event(const Map& line, Event& out) {
  const auto text = [&](const char* name) { return find(line, name)->text_or_empty(); };
  const auto type = text("type");
  const Money amount{*find(line, "amount")->as_int(), Currency::unchecked('E', 'U', 'R')};
  out = Event{};
  out.source = "gen";
  out.id = text("id");
  out.subject = {Kind::kDeal, std::string{text("deal")}};
  out.time = Instant{*find(line, "ts")->as_int()};
  if (type == "created") {
    out.type = TypeId::kDealOpened;
    out.data.set(Field::kPipeline, Value{"deals"});
    out.data.set(Field::kStage, Value{text("stage")});
    out.data.set(Field::kAmount, Value{amount});
    out.data.set(Field::kOwner, Value{text("owner")});
  } else if (type == "moved") {
    out.type = TypeId::kDealStageChanged;
    out.data.set(Field::kTo, Value{text("stage")});
  } else if (type == "updated") {
    out.type = TypeId::kDealAmountChanged;
    out.data.set(Field::kAmount, Value{amount});
  } else if (type == "note") {
    out.type = TypeId::kNoteAdded;
    out.data.set(Field::kText, Value{"note"});
  } else {
    out.type = text("stage") == "won" ? TypeId::kDealWon : TypeId::kDealLost;
  }
}

struct Waiter {
  std::mutex mutex;
  std::condition_variable there;
  std::size_t pending = 0;
};

}  // namespace

int run(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: deals_bench GEN_DIR [WORK_DIR]\n");
    return 2;
  }
  const std::string gen = argv[1];
  const std::string work = argc > 2 ? argv[2] : "/tmp/deals-bench";
  std::filesystem::remove_all(work);
  auto files = os::make_posix_file_system();
  auto clock = os::make_system_clock();
  auto random = os::make_system_random();
  embedded_log::Options options;
  auto log = embedded_log::open(*files, *clock, work, options);
  if (!log) {
    std::fprintf(stderr, "%s\n", log.error().detail.c_str());
    return 1;
  }
  auto& l = *log.value();
  Waiter waiter;
  std::vector<std::vector<std::string>> groups(l.partitions());
  std::size_t count = 0;
  const auto ship = [&](PartitionId id) {
    if (groups[id].empty()) return;
    {
      const std::lock_guard lock{waiter.mutex};
      ++waiter.pending;
    }
    l.append(Topic::kEvents, id, std::exchange(groups[id], {}),
             [&](Result<std::vector<Position>> done) {
               if (!done) {
                 std::fprintf(stderr, "%s\n", done.error().detail.c_str());
                 std::exit(1);
               }
               const std::lock_guard lock{waiter.mutex};
               --waiter.pending;
               waiter.there.notify_all();
             });
    std::unique_lock lock{waiter.mutex};
    waiter.there.wait(lock, [&] { return waiter.pending < 8; });
  };
  for (PartitionId id = 0; id < l.partitions(); ++id)
    codec::encode(pipeline(), groups[id].emplace_back());
  std::vector<std::string> rules = bench::rules_of(gen + "/rules.jsonl");
  for (PartitionId id = 0; id < l.partitions(); ++id) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      Event event;
      event.source = "ops";
      event.id = "rule-" + std::to_string(i);
      event.type = TypeId::kRulePublished;
      event.subject = {Kind::kRule, bench::rule_id(i)};
      event.time = Instant{1'767'225'600'000 - 1};
      event.data.set(Field::kText, Value{rules[i]});
      event.data.set(Field::kVersion, Value{1});
      codec::encode(event, groups[id].emplace_back());
    }
    ship(id);
  }
  std::ifstream in{gen + "/events.jsonl"};
  std::string line;
  Event event;
  std::size_t bytes = 0;
  while (std::getline(in, line)) {
    auto value = codec::parse_json(line);
    to_event(*value.value().as_map(), event);
    const auto id = partition_of(placement_key(event), l.partitions());
    codec::encode(event, groups[id].emplace_back());
    bytes += groups[id].back().size();
    if (groups[id].size() == 512) ship(id);
    ++count;
  }
  for (PartitionId id = 0; id < l.partitions(); ++id) ship(id);
  {
    std::unique_lock lock{waiter.mutex};
    waiter.there.wait(lock, [&] { return waiter.pending == 0; });
  }
  std::printf("preloaded %zu events, %zu bytes each on the log\n", count,
              bytes / std::max<std::size_t>(count, 1));
  auto deciders = bench::make_deciders();
  const runtime::ClusterKey key{"bench"};
  const auto budget = projections::StoreBudget::from_bytes(std::size_t{128} << 20);
  runtime::PartitionOptions partition;
  partition.event_clock = true;
  const auto open_engine = [&] {
    runtime::EngineParts parts{
        l,
        *files,
        *clock,
        *random,
        *deciders,
        key,
        projections::all_views(),
        [budget](const std::string& path) { return projections::open_rocks_store(path, budget); },
        work + "/state"};
    return runtime::Engine::open(std::move(parts), partition);
  };
  const auto cpu_before = cpu_seconds();
  const auto start = Clock_::now();
  auto engine = open_engine();
  if (!engine) {
    std::fprintf(stderr, "%s\n", engine.error().detail.c_str());
    return 1;
  }
  auto done = engine.value()->advance_together();
  const auto took = seconds_since(start);
  if (!done) {
    std::fprintf(stderr, "%s\n", done.error().detail.c_str());
    return 1;
  }
  std::printf("decide: %.0f events/s (%.2f s), CPU %.2f s, peak RSS %ld MB\n",
              static_cast<double>(count) / took, took, cpu_seconds() - cpu_before, peak_rss_mb());
  const bool equal = bench::equals_expected(*engine.value(), gen + "/expected.json");
  if (auto stopped = engine.value()->stop(); !stopped) {
    std::fprintf(stderr, "%s\n", stopped.error().detail.c_str());
    return 1;
  }
  engine.value().reset();
  std::filesystem::remove_all(work + "/state");
  const auto cpu_again = cpu_seconds();
  const auto again = Clock_::now();
  partition.lead = false;
  auto rebuilt = open_engine();
  if (!rebuilt) {
    std::fprintf(stderr, "%s\n", rebuilt.error().detail.c_str());
    return 1;
  }
  auto idle = rebuilt.value()->wait_idle();
  const auto rebuild_took = seconds_since(again);
  if (!idle) {
    std::fprintf(stderr, "%s\n", idle.error().detail.c_str());
    return 1;
  }
  std::printf("rebuild of state and views: %.0f events/s (%.2f s), CPU %.2f s\n",
              static_cast<double>(count) / rebuild_took, rebuild_took, cpu_seconds() - cpu_again);
  const bool same = bench::equals_expected(*rebuilt.value(), gen + "/expected.json");
  std::printf("result equal to expected.json: %s, after rebuild: %s\n", equal ? "yes" : "NO",
              same ? "yes" : "NO");
  return equal && same ? 0 : 1;
}

}  // namespace dealwright

int main(int argc, char** argv) { return dealwright::run(argc, argv); }
