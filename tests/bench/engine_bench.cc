// The engine under load, latencies and starts, on a real disk.
//   engine_bench sustained GEN_DIR WORK_DIR [CACHE GENERATION]   append to acted-on and visible,
//     300-byte events; MiB a partition for records and for a generation
//   engine_bench latency WORK_DIR             1,000 events/s: appended to effect released
//   engine_bench timers WORK_DIR [COUNT]      pending timers that come due at once
//   engine_bench prepare WORK_DIR [COUNT]     open deals for `start`
//   engine_bench start WORK_DIR               opening them again, memory when idle
//   engine_bench idle WORK_DIR                memory of an empty workspace
#include <atomic>
#include <thread>

#include "tests/bench/bed.h"

namespace dealwright::bench {
namespace {

Event opened(std::size_t number, Instant at) {
  Event event;
  event.source = "bench";
  event.id = "open-" + std::to_string(number);
  event.type = TypeId::kDealOpened;
  event.subject = {Kind::kDeal, "d" + std::to_string(number)};
  event.time = at;
  event.data.set(Field::kPipeline, Value{"deals"});
  event.data.set(Field::kStage, Value{"lead"});
  event.data.set(Field::kAmount, Value{Money{100'000, kEur}});
  event.data.set(Field::kOwner, Value{"o" + std::to_string(number % 50)});
  return event;
}
Event noted(std::size_t number, Instant at) {
  Event event;
  event.source = "bench";
  event.id = "note-" + std::to_string(number);
  event.type = TypeId::kNoteAdded;
  event.subject = {Kind::kDeal, "n" + std::to_string(number % 997)};
  event.time = at;
  event.data.set(Field::kText, Value{"asked for a call"});
  return event;
}
constexpr const char* kOnNote =
    "rule: r000\nname: bench\nowner: ops\ntrigger: note.added\nentry: each_time\nsteps:\n"
    "  - send_webhook: { endpoint: crm }\n";

int sustained(const std::string& gen, const std::string& work, runtime::StateLimits limits) {
  Bed bed{work};
  runtime::PartitionOptions options;
  options.event_clock = true;
  options.limits = limits;
  Appender appender{*bed.log};
  bed.prepare(appender, rules_of(gen + "/rules.jsonl"), Instant{kFirstMs - 1});
  appender.finish();
  auto engine = bed.open(options);
  must(engine->wait_idle());
  Feed feed{gen + "/events.jsonl"};
  const std::string comment(230, 'x');
  std::size_t count = 0;
  std::size_t bytes = 0;
  std::string encoded;
  const auto cpu = cpu_seconds();
  const auto start = SteadyClock::now();
  for (Event event; feed.next(event, comment); ++count) {
    if (count % 4096 == 0) {
      encoded.clear();
      codec::encode(event, encoded);
      bytes = std::max(bytes, encoded.size());
    }
    appender.add(event);
  }
  appender.finish();
  must(engine->advance_together());
  const auto took = seconds_since(start);
  std::printf(
      "sustained: %.0f events/s (%zu of up to %zu bytes in %.1f s), CPU %.1f s, peak RSS %ld MB\n",
      static_cast<double>(count) / took, count, bytes, took, cpu_seconds() - cpu, peak_rss_mb());
  const bool equal = equals_expected(*engine, gen + "/expected.json");
  std::printf("equal to expected.json: %s\n", equal ? "yes" : "NO");
  must(engine->stop());
  return equal ? 0 : 1;
}

// Waits until the event is decided and its decision durable and read back: what it released may
// act.
void wait_released(runtime::Engine& engine, PartitionId id, std::uint64_t position) {
  for (bool decided = false; !decided;) {
    must(engine.ask(id, [&](runtime::Partition& partition) {
      decided = partition.state().meta.events > position;
    }));
  }
}

struct Sample {
  std::vector<double> durable_ms;   // appended to durable
  std::vector<double> released_ms;  // scheduled to released
};

// Appends notes at `rate` a second for `seconds`, from as many threads as there are partitions.
// From the scheduled instant on: a late start counts.
Sample load(Bed& bed, runtime::Engine& engine, double rate, double seconds, std::size_t base) {
  Sample all;
  std::mutex mutex;
  std::vector<std::thread> threads;
  const auto partitions = bed.log->partitions();
  const auto start = SteadyClock::now();
  for (PartitionId mine = 0; mine < partitions; ++mine) {
    threads.emplace_back([&, mine] {
      Sample own;
      std::size_t number = base + mine * 10'000'000;
      const auto gap = std::chrono::duration<double>(partitions / rate);
      const auto count = static_cast<std::size_t>(rate * seconds / partitions);
      for (std::size_t i = 0; i < count; ++i) {
        const auto due = start + std::chrono::duration_cast<SteadyClock::duration>(
                                     gap * (static_cast<double>(i) + mine * 0.25));
        std::this_thread::sleep_until(due);
        Event event = noted(number++, bed.clock->wall());
        while (partition_of(placement_key(event), partitions) != mine) {
          event = noted(number++, bed.clock->wall());
        }
        const auto begun = SteadyClock::now();
        std::vector<std::string> group(1);
        codec::encode(event, group[0]);
        std::mutex done_mutex;
        std::condition_variable done_wake;
        std::optional<Position> at;
        bed.log->append(Topic::kEvents, mine, std::move(group),
                        [&](Result<std::vector<Position>> done) {
                          const std::lock_guard lock{done_mutex};
                          at = must(std::move(done)).at(0);
                          done_wake.notify_one();
                        });
        std::unique_lock lock{done_mutex};
        done_wake.wait(lock, [&] { return at.has_value(); });
        own.durable_ms.push_back(seconds_since(begun) * 1e3);
        wait_released(engine, mine, *at);
        own.released_ms.push_back(seconds_since(due) * 1e3);
      }
      const std::lock_guard lock{mutex};
      all.durable_ms.insert(all.durable_ms.end(), own.durable_ms.begin(), own.durable_ms.end());
      all.released_ms.insert(all.released_ms.end(), own.released_ms.begin(), own.released_ms.end());
    });
  }
  for (auto& thread : threads) thread.join();
  return all;
}

int latency(const std::string& work) {
  Bed bed{work};
  Appender appender{*bed.log};
  bed.prepare(appender, {kOnNote}, bed.clock->wall());
  appender.finish();
  auto engine = bed.open({});
  must(engine->wait_idle());
  load(bed, *engine, 1000, 2, 100'000'000);  // warm
  auto sample = load(bed, *engine, 1000, 20, 0);
  std::printf(
      "latency at 1,000 events/s, one effect each: appended to durable p50 %.2f ms p99 %.2f ms; to "
      "effect released p50 %.2f ms p99 %.2f ms (two syncs p99 %.2f ms)\n",
      percentile(sample.durable_ms, 0.5), percentile(sample.durable_ms, 0.99),
      percentile(sample.released_ms, 0.5), percentile(sample.released_ms, 0.99),
      2 * percentile(sample.durable_ms, 0.99));
  must(engine->stop());
  return 0;
}

int timers(const std::string& work, std::size_t count) {
  Bed bed{work};
  Appender appender{*bed.log};
  const auto due = bed.clock->wall() + seconds(static_cast<std::int64_t>(30 + count / 20'000));
  const std::vector<std::string> rules = {
      kOnNote,
      "rule: r001\nname: bench\nowner: ops\ntrigger: deal.opened\nsteps:\n"
      "  - wait_until: timestamp(\"" +
          to_text(due) +
          "\")\n"
          "  - send_webhook: { endpoint: crm }\n"};
  bed.prepare(appender, rules, bed.clock->wall());
  for (std::size_t i = 0; i < count; ++i) appender.add(opened(i, bed.clock->wall()));
  appender.finish();
  auto engine = bed.open({});
  must(engine->wait_idle());
  const auto pending = [&] {
    std::uint64_t out = 0;
    for (PartitionId id = 0; id < engine->partitions(); ++id) {
      must(engine->ask(id, [&](runtime::Partition& p) { out += p.state().timers().pending(); }));
    }
    return out;
  };
  const auto before = pending();
  if (bed.clock->wall() + seconds(8) > due) {
    std::printf("timers: set up too slowly, they are due already\n");
    return 1;
  }
  auto calm = load(bed, *engine, 1000, 5, 200'000'000);
  while (bed.clock->wall() < due) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  const auto start = SteadyClock::now();
  std::atomic<double> took{0};
  std::thread watch{[&] {
    while (pending() > 0) std::this_thread::sleep_for(std::chrono::milliseconds{20});
    took = seconds_since(start);
  }};
  auto busy = load(bed, *engine, 1000, 4, 300'000'000);
  watch.join();
  std::printf(
      "timers: %llu pending, all due at once: %.0f fired/s (%.2f s), peak RSS %ld MB; live input "
      "at "
      "1,000/s: durable p99 %.2f ms before, %.2f ms meanwhile; decided p99 %.2f ms before, %.2f ms "
      "meanwhile (behind the timers due before it)\n",
      static_cast<unsigned long long>(before), static_cast<double>(before) / took.load(),
      took.load(), peak_rss_mb(), percentile(calm.durable_ms, 0.99),
      percentile(busy.durable_ms, 0.99), percentile(calm.released_ms, 0.99),
      percentile(busy.released_ms, 0.99));
  must(engine->stop());
  return before >= count ? 0 : 1;
}

int prepare(const std::string& work, std::size_t count) {
  Bed bed{work};
  Appender appender{*bed.log};
  bed.prepare(appender, {}, bed.clock->wall());
  for (std::size_t i = 0; i < count; ++i) appender.add(opened(i, bed.clock->wall()));
  appender.finish();
  auto engine = bed.open({});
  must(engine->wait_idle());
  must(engine->stop());
  return 0;
}

int start(const std::string& work, const char* what) {
  const auto from = SteadyClock::now();
  Bed bed{work, false};
  auto engine = bed.open({});
  must(engine->wait_idle());
  const auto took = seconds_since(from);
  std::this_thread::sleep_for(std::chrono::seconds{1});
  std::printf("%s: open and leading after %.2f s, RSS when idle %ld MB\n", what, took, rss_mb());
  must(engine->stop());
  return 0;
}

}  // namespace

int run(int argc, char** argv) {
  const std::vector<std::string> args{argv + 1, argv + argc};
  const auto is = [&](const char* name, std::size_t needed) {
    return args.size() > needed && args[0] == name;
  };
  const auto count = [&] { return args.size() > 2 ? std::stoull(args[2]) : 1'000'000; };
  if (is("sustained", 2)) {
    runtime::StateLimits limits;
    if (args.size() > 3) limits.record_cache_bytes = std::stoull(args[3]) << 20;
    if (args.size() > 4) limits.generation_bytes = std::stoull(args[4]) << 20;
    return sustained(args[1], args[2], limits);
  }
  if (is("latency", 1)) return latency(args[1]);
  if (is("timers", 1)) return timers(args[1], count());
  if (is("prepare", 1)) return prepare(args[1], count());
  if (is("start", 1)) return start(args[1], "start");
  if (is("idle", 1)) return start(args[1], "idle");
  std::fprintf(stderr, "usage: see the head of tests/bench/engine_bench.cc\n");
  return 2;
}

}  // namespace dealwright::bench

int main(int argc, char** argv) { return dealwright::bench::run(argc, argv); }
