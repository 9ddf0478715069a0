// Records a second through the embedded log on a real disk, beside a naive control that writes and
// syncs the same bytes without frames.
//
//   log_bench [directory] [records]
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "connectors/embedded_log/embedded_log.h"
#include "connectors/os/posix_file_system.h"
#include "connectors/os/system_clock.h"
#include "engine/base/assert.h"

namespace dealwright::embedded_log {
namespace {

constexpr std::size_t kGroup = 512;

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <class T>
void require(const Result<T>& result) {
  if (result) return;
  std::fprintf(stderr, "log_bench: %s\n", result.error().detail.c_str());
  std::exit(1);
}

void print(const char* what, std::uint64_t records, double seconds, std::size_t bytes) {
  const auto count = static_cast<double>(records);
  std::printf("%-58s %10.0f records/s %8.1f MB/s\n", what, count / seconds,
              count * static_cast<double>(bytes) / seconds / 1e6);
}

// Lets a bounded number of appends be under way.
class Window {
 public:
  explicit Window(std::size_t size) : free_{size} {}
  void enter() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return free_ > 0; });
    --free_;
  }
  void leave() {
    const std::lock_guard lock{mutex_};
    ++free_;
    changed_.notify_all();
  }
  void wait_for(std::size_t size) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return free_ == size; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t free_;
};

// Appends of kGroup records each, `window` of them under way.
void append_all(EmbeddedLog& log, PartitionId partition, std::uint64_t records, std::size_t bytes,
                std::size_t group, std::size_t window) {
  Window under_way{window};
  for (std::uint64_t i = 0; i < records; i += group) {
    under_way.enter();
    log.append(Topic::kEvents, partition,
               std::vector<std::string>(group, std::string(bytes, static_cast<char>('a' + i % 26))),
               [&](const Result<std::vector<Position>>& done) {
                 require(done);
                 under_way.leave();
               });
  }
  under_way.wait_for(window);
}

std::uint64_t read_all(EmbeddedLog& log, PartitionId partition, std::size_t batch) {
  std::uint64_t records = 0;
  for (Position from = 0;;) {
    auto read = log.read(Topic::kEvents, partition, from, batch);
    DW_ASSERT(read.has_value());
    if (read.value().records.empty()) return records;
    records += read.value().records.size();
    from = read.value().next;
  }
}

struct Place {
  std::unique_ptr<FileSystem> files = os::make_posix_file_system();
  std::unique_ptr<Clock> clock = os::make_system_clock();
  std::string path;
  std::unique_ptr<EmbeddedLog> open(std::uint32_t partitions) const {
    Options options;
    options.partitions = partitions;
    auto log = embedded_log::open(*files, *clock, path, options);
    require(log);
    return std::move(log).value();
  }
};

void control(const Place& place, std::uint64_t records) {
  auto file = place.files->open(place.path + ".control", FileSystem::Mode::kCreate);
  DW_ASSERT(file.has_value());
  const std::string group(kGroup * 332, 'x');
  const auto seconds = seconds_of([&] {
    DW_ASSERT(file.value()->preallocate(records / kGroup * group.size()).has_value());
    DW_ASSERT(file.value()->sync().has_value());
    for (std::uint64_t i = 0; i < records / kGroup; ++i) {
      DW_ASSERT(file.value()->write_at(i * group.size(), group).has_value());
      DW_ASSERT(file.value()->sync().has_value());
    }
  });
  print("control: write and sync 512 x 332 bytes, zeros first", records, seconds, 332);
  DW_ASSERT(place.files->remove(place.path + ".control").has_value());
}

void append_one_partition(const Place& place, std::uint64_t records, std::size_t group,
                          std::size_t window) {
  const auto log = place.open(1);
  const auto seconds = seconds_of([&] { append_all(*log, 0, records, 300, group, window); });
  const auto what = "append 300 bytes, groups of " + std::to_string(group) + ", " +
                    std::to_string(window) + " under way, 1 partition";
  print(what.c_str(), records, seconds, 300);
  std::filesystem::remove_all(place.path);
}

void append_four_partitions(const Place& place, std::uint64_t records) {
  const auto log = place.open(4);
  const auto seconds = seconds_of([&] {
    std::vector<std::thread> threads;
    for (PartitionId p = 0; p < 4; ++p) {
      threads.emplace_back([&, p] { append_all(*log, p, records / 4, 300, kGroup, 8); });
    }
    for (auto& thread : threads) thread.join();
  });
  print("append 300 bytes, groups of 512, 8 under way, 4 partitions", records, seconds, 300);
  std::filesystem::remove_all(place.path);
}

void read_sequentially(const Place& place, std::uint64_t records) {
  append_all(*place.open(1), 0, records, 113, kGroup, 8);
  const auto log = place.open(1);
  for (const std::size_t batch : {std::size_t{64} << 10, std::size_t{1} << 20}) {
    std::uint64_t count = 0;
    const auto seconds = seconds_of([&] { count = read_all(*log, 0, batch); });
    const auto what = "read 113 bytes, batches of " + std::to_string(batch >> 10) + " KiB";
    print(what.c_str(), count, seconds, 113);
  }
  std::uint64_t found = 0;
  const std::uint64_t probes = 100'000;
  const auto seconds = seconds_of([&] {
    for (std::uint64_t i = 0; i < probes; ++i) {
      auto one = log->read(Topic::kEvents, 0, i * 7'919 % records, 1);
      DW_ASSERT(one.has_value());
      found += one.value().records.size();
    }
  });
  print("read one of 113 bytes, anywhere", found, seconds, 113);
  std::filesystem::remove_all(place.path);
}

}  // namespace
}  // namespace dealwright::embedded_log

int main(int count, char** arguments) {
  using namespace dealwright::embedded_log;
  const std::string base =
      count > 1 ? arguments[1] : std::filesystem::temp_directory_path().string();
  const std::uint64_t records = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 1U << 21;
  Place place;
  place.path = base + "/log_bench." + std::to_string(::getpid());
  std::filesystem::remove_all(place.path);
  control(place, records);
  append_one_partition(place, records / 256, 1, 1);
  append_one_partition(place, records, kGroup, 1);
  append_one_partition(place, records, kGroup, 8);
  append_four_partitions(place, records);
  read_sequentially(place, records);
  return 0;
}
