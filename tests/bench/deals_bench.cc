// The "deals" workload (bench/deals.md of the shared folder): preloaded on the embedded log, from
// the first event read to the last decision durable and all views up to date. Checks the result
// against the oracle's expected.json.
//   deals_bench DIR_WITH_GEN_OUTPUT [WORK_DIR]
#include "tests/bench/bed.h"

namespace dealwright::bench {

int run(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: deals_bench GEN_DIR [WORK_DIR]\n");
    return 2;
  }
  const std::string gen = argv[1];
  Bed bed{argc > 2 ? argv[2] : "/tmp/deals-bench"};
  std::size_t count = 0;
  {
    Appender appender{*bed.log};
    bed.prepare(appender, rules_of(gen + "/rules.jsonl"), Instant{kFirstMs - 1});
    Feed feed{gen + "/events.jsonl"};
    for (Event event; feed.next(event); ++count) appender.add(event);
    appender.finish();
  }
  runtime::PartitionOptions options;
  options.event_clock = true;
  auto cpu = cpu_seconds();
  auto start = SteadyClock::now();
  auto engine = bed.open(options);
  must(engine->advance_together());
  auto took = seconds_since(start);
  std::printf("deals: %.0f events/s (%zu in %.2f s), CPU %.2f s, peak RSS %ld MB\n",
              static_cast<double>(count) / took, count, took, cpu_seconds() - cpu, peak_rss_mb());
  const bool equal = equals_expected(*engine, gen + "/expected.json");
  must(engine->stop());
  engine.reset();
  std::filesystem::remove_all(bed.work + "/state");
  options.lead = false;
  cpu = cpu_seconds();
  start = SteadyClock::now();
  auto rebuilt = bed.open(options);
  must(rebuilt->wait_idle());
  took = seconds_since(start);
  std::printf("rebuild: %.0f events/s (%.2f s), CPU %.2f s\n", static_cast<double>(count) / took,
              took, cpu_seconds() - cpu);
  const bool same = equals_expected(*rebuilt, gen + "/expected.json");
  std::printf("equal to expected.json: %s, after the rebuild: %s\n", equal ? "yes" : "NO",
              same ? "yes" : "NO");
  return equal && same ? 0 : 1;
}

}  // namespace dealwright::bench

int main(int argc, char** argv) { return dealwright::bench::run(argc, argv); }
