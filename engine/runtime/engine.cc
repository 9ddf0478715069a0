#include "engine/runtime/engine.h"

#include <algorithm>
#include <chrono>

namespace dealwright::runtime {

ThreadWorker::ThreadWorker() : thread_{[this] { run(); }} {}

ThreadWorker::~ThreadWorker() {
  {
    const std::lock_guard lock{mutex_};
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void ThreadWorker::post(std::function<void()> job) {
  {
    const std::lock_guard lock{mutex_};
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void ThreadWorker::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    auto jobs = std::exchange(jobs_, {});
    lock.unlock();
    for (auto& job : jobs) job();
    lock.lock();
  }
}

// Partitions make their deciders on their own threads; the factory takes one at a time.
class Engine::Deciders : public DeciderFactory {
 public:
  explicit Deciders(DeciderFactory& factory) : factory_{factory} {}
  Result<std::shared_ptr<Decider>> make(std::span<const PublishedRule> rules) override {
    const std::lock_guard lock{mutex_};
    return factory_.make(rules);
  }

 private:
  std::mutex mutex_;
  DeciderFactory& factory_;
};

// What a thread and those who talk to it share.
struct Engine::Seat {
  std::unique_ptr<Store> store;
  std::unique_ptr<ThreadWorker> flusher;
  std::unique_ptr<Partition> partition;
  std::mutex mutex;
  std::condition_variable wake;    // the thread waits
  std::condition_variable rested;  // others wait
  std::vector<std::function<void(Partition&)>> jobs;
  bool woken = true;
  bool idle = false;
  bool stop = false;
  bool settled = false;
  std::optional<Error> error;
  std::thread thread;

  void nudge() {
    {
      const std::lock_guard lock{mutex};
      woken = true;
      idle = false;
    }
    wake.notify_one();
  }
};

Engine::Engine(EngineParts parts)
    : parts_{std::move(parts)}, deciders_{std::make_unique<Deciders>(parts_.deciders)} {}

Result<std::unique_ptr<Engine>> Engine::open(EngineParts parts, PartitionOptions options) {
  auto out = std::unique_ptr<Engine>{new Engine{std::move(parts)}};
  const auto& p = out->parts_;
  for (PartitionId id = 0; id < p.log.partitions(); ++id) {
    auto seat = std::make_unique<Seat>();
    const auto folder = p.state_directory + "/" + std::to_string(id);
    DW_TRY(p.files.create_directories(folder));
    auto mine = options;
    mine.id = id;
    mine.dedup_directory = folder + "/ids";
    const auto open_seat = [&]() -> Result<void> {
      DW_TRY(auto store, p.open_store(folder + "/db"));
      seat->store = std::move(store);
      seat->flusher = std::make_unique<ThreadWorker>();
      const PartitionParts partition_parts{p.log,           *seat->store, p.files,
                                           p.clock,         p.random,     *seat->flusher,
                                           *out->deciders_, p.key,        p.views};
      DW_TRY(auto partition, Partition::open(partition_parts, std::move(mine),
                                             [raw = seat.get()] { raw->nudge(); }));
      seat->partition = std::move(partition);
      return ok();
    };
    if (auto opened = open_seat(); !opened) {  // it stops, the others go on
      seat->error = opened.error();
      seat->settled = true;
    }
    out->seats_.push_back(std::move(seat));
  }
  for (auto& seat : out->seats_) {
    if (seat->partition == nullptr) continue;
    seat->thread = std::thread{[engine = out.get(), raw = seat.get()] { engine->run(*raw); }};
  }
  return out;
}

Engine::~Engine() {
  static_cast<void>(stop());
  for (auto& seat : seats_) seat->partition.reset();  // before its store and flusher
}

bool Engine::run_jobs(Seat& seat, std::unique_lock<std::mutex>& lock) {
  if (seat.jobs.empty()) return false;
  auto jobs = std::exchange(seat.jobs, {});
  lock.unlock();
  for (auto& job : jobs) job(*seat.partition);
  lock.lock();
  return true;
}

void Engine::run(Seat& seat) {
  std::unique_lock lock{seat.mutex};
  for (;;) {
    seat.woken = false;
    run_jobs(seat, lock);
    const bool stopping = seat.stop;
    lock.unlock();
    bool worked = false;
    bool settled = false;
    std::optional<Error> error;
    if (stopping && seat.partition->idle()) {
      auto result = seat.partition->settle();
      if (result) {
        settled = result.value();
      } else {
        error = result.error();
      }
    } else {
      auto result = seat.partition->step();
      if (result) {
        worked = result.value();
      } else {
        error = result.error();
      }
    }
    const bool idle = error || (!worked && seat.partition->at_rest());
    const auto due = error || worked ? std::nullopt : seat.partition->next_due();
    lock.lock();
    if (error) seat.error = error;
    seat.settled = settled || (stopping && error.has_value());
    if (seat.settled) {
      seat.idle = true;
      seat.rested.notify_all();
      return;
    }
    if (worked || seat.woken || !seat.jobs.empty()) continue;
    seat.idle = idle;
    seat.rested.notify_all();
    const auto ready = [&] { return seat.woken || seat.stop != stopping || !seat.jobs.empty(); };
    if (due) {
      const auto left = std::max<std::int64_t>(0, (*due - parts_.clock.wall()).ms);
      seat.wake.wait_for(lock, std::chrono::milliseconds{std::min<std::int64_t>(left, 1000)},
                         ready);
    } else {
      seat.wake.wait(lock, ready);
    }
  }
}

Result<void> Engine::ask(PartitionId id, const std::function<void(Partition&)>& question) {
  auto& seat = *seats_.at(id);
  bool released = false;
  {
    std::unique_lock lock{seat.mutex};
    if (seat.settled) {
      if (seat.error) return *seat.error;
      return Error{Code::kClosed, "partition " + std::to_string(id) + " is shut down"};
    }
    seat.jobs.emplace_back([&](Partition& partition) {
      question(partition);
      partition.ask([](State&) {},
                    [&] {
                      const std::lock_guard guard{seat.mutex};
                      released = true;
                      seat.rested.notify_all();
                    });
    });
    seat.wake.notify_one();
    seat.rested.wait(lock, [&] { return released || (seat.error && seat.jobs.empty()); });
    if (!released) return *seat.error;
  }
  return ok();
}

std::vector<std::uint64_t> Engine::progress() {
  std::vector<std::uint64_t> out;
  for (auto& seat : seats_) {
    seat->nudge();
    std::unique_lock lock{seat->mutex};
    seat->rested.wait(lock, [&] { return seat->idle || seat->settled; });
  }
  for (PartitionId id = 0; id < seats_.size(); ++id) {
    static_cast<void>(ask(id, [&](Partition& partition) {
      const auto& meta = partition.state().meta;
      out.push_back(meta.events);
      out.push_back(meta.decisions);
    }));
  }
  return out;
}

Result<void> Engine::wait_idle() {
  for (auto before = progress();;) {
    for (auto& seat : seats_) {
      const std::lock_guard lock{seat->mutex};
      if (seat->error) return *seat->error;
    }
    auto now = progress();
    if (now == before) return ok();
    before = std::move(now);
  }
}

Result<void> Engine::advance_together() {
  DW_TRY(wait_idle());
  Instant newest = kBeforeAll;
  for (PartitionId id = 0; id < seats_.size(); ++id) {
    DW_TRY(ask(id, [&](Partition& p) { newest = std::max(newest, p.state().meta.now); }));
  }
  for (PartitionId id = 0; id < seats_.size(); ++id) {
    DW_TRY(ask(id, [&](Partition& p) { p.advance_to(newest); }));
  }
  return wait_idle();
}

Result<void> Engine::stop() {
  if (stopped_) return ok();
  stopped_ = true;
  std::optional<Error> error;
  for (auto& seat : seats_) {
    {
      const std::lock_guard lock{seat->mutex};
      seat->stop = true;
      seat->woken = true;
    }
    seat->wake.notify_one();
  }
  for (auto& seat : seats_) {
    if (seat->thread.joinable()) seat->thread.join();
    if (seat->error && !error) error = seat->error;
  }
  if (error) return *error;
  return ok();
}

}  // namespace dealwright::runtime
