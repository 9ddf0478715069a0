// What the benchmarks of the engine share: an engine on a real disk, and how time, memory and
// latencies are taken.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connectors/embedded_log/embedded_log.h"
#include "connectors/os/malloc_conf.h"
#include "connectors/os/posix_file_system.h"
#include "connectors/os/system_clock.h"
#include "engine/codec/event_codec.h"
#include "engine/runtime/engine.h"
#include "projections/registry.h"
#include "projections/rocks_store.h"
#include "tests/bench/bench_rules.h"
#include "tests/bench/feed.h"

namespace dealwright::bench {

using SteadyClock = std::chrono::steady_clock;

inline double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}
inline double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}
inline long peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}
inline long rss_mb() {
  std::ifstream in{"/proc/self/statm"};
  long pages = 0, resident = 0;
  in >> pages >> resident;
  return resident * 4096 / (1024 * 1024);
}
// REQUIRES: not empty; sorts
inline double percentile(std::vector<double>& values, double p) {
  std::sort(values.begin(), values.end());
  const auto at = p * static_cast<double>(values.size() - 1);
  return values[static_cast<std::size_t>(at + 0.5)];
}
template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "bench: %s\n", result.error().detail.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(result.value());
}

// ---- a log, and what appends to it in groups

class Appender {
 public:
  explicit Appender(Log& log) : log_{log}, groups_(log.partitions()) {}
  void add(PartitionId id, const Event& event) {
    codec::encode(event, groups_[id].emplace_back());
    if (groups_[id].size() == 512) ship(id);
  }
  void add(const Event& event) {
    add(partition_of(placement_key(event), log_.partitions()), event);
  }
  void add_everywhere(const Event& event) {
    for (PartitionId id = 0; id < log_.partitions(); ++id) add(id, event);
  }
  void finish() {  // waits until all is durable
    for (PartitionId id = 0; id < log_.partitions(); ++id) ship(id);
    std::unique_lock lock{mutex_};
    there_.wait(lock, [&] { return pending_ == 0; });
  }

 private:
  void ship(PartitionId id) {
    if (groups_[id].empty()) return;
    std::unique_lock lock{mutex_};
    there_.wait(lock, [&] { return pending_ < 16; });
    ++pending_;
    lock.unlock();
    log_.append(Topic::kEvents, id, std::exchange(groups_[id], {}),
                [this](Result<std::vector<Position>> done) {
                  must(std::move(done));
                  const std::lock_guard guard{mutex_};
                  --pending_;
                  there_.notify_all();
                });
  }
  Log& log_;
  std::vector<std::vector<std::string>> groups_;
  std::mutex mutex_;
  std::condition_variable there_;
  std::size_t pending_ = 0;
};

struct Bed {
  explicit Bed(std::string folder, bool fresh = true) : work{std::move(folder)} {
    if (fresh) std::filesystem::remove_all(work);
    log = must(embedded_log::open(*files, *clock, work, {}));
  }
  std::unique_ptr<runtime::Engine> open(const runtime::PartitionOptions& options) {
    runtime::EngineParts parts{*log,
                               *files,
                               *clock,
                               *random,
                               *deciders,
                               key,
                               projections::all_views(),
                               [budget = budget](const std::string& path) {
                                 return projections::open_rocks_store(path, budget);
                               },
                               work + "/state"};
    return must(runtime::Engine::open(std::move(parts), options));
  }
  // Pipeline and rules, in force from `at`.
  void prepare(Appender& appender, const std::vector<std::string>& rules, Instant at) const {
    appender.add_everywhere(pipeline(at));
    for (std::size_t i = 0; i < rules.size(); ++i) {
      appender.add_everywhere(published(i, rules[i], at));
    }
  }

  std::string work;
  std::unique_ptr<FileSystem> files = os::make_posix_file_system();
  std::unique_ptr<Clock> clock = os::make_system_clock();
  std::unique_ptr<Random> random = os::make_system_random();
  std::unique_ptr<DeciderFactory> deciders = make_deciders();
  runtime::ClusterKey key{"bench"};
  projections::StoreBudget budget = projections::StoreBudget::from_bytes(std::size_t{128} << 20);
  std::unique_ptr<Log> log;
};

}  // namespace dealwright::bench
