#include "engine/runtime/engine.h"

#include <algorithm>
#include <atomic>
#include <chrono>

namespace dealwright::runtime {

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

namespace {
constexpr std::chrono::milliseconds kPauseMin{100};  // before a partition is opened again
constexpr std::chrono::milliseconds kPauseMax{5000};

bool may_pass(const Error& error) { return error.retriable || error.code == Code::kNoSpace; }
}  // namespace

// What a thread and those who talk to it share.
struct Engine::Seat {
  PartitionId id = 0;
  PartitionOptions options;
  std::unique_ptr<Store> store;
  std::unique_ptr<ThreadWorker> flusher;
  std::unique_ptr<Partition> partition;
  // What its attempts come to while there is no partition is said by the next one.
  std::shared_ptr<Attempts> attempts = std::make_shared<Attempts>();
  std::mutex mutex;
  std::condition_variable wake;    // the thread waits
  std::condition_variable rested;  // others wait
  std::vector<std::function<void(Partition&)>> jobs;
  bool down = true;  // there is no partition: not opened yet, or `error` says why
  std::chrono::milliseconds pause = kPauseMin;
  bool woken = true;
  bool waiting = false;  // the thread waits: nobody uses the partition but whom it is lent to
  bool lent = false;
  bool idle = false;
  bool stop = false;
  bool settled = false;
  bool told = false;  // that it stopped
  std::atomic<bool> leads{false};
  int hurried = 0;  // so many wait until it is idle
  std::optional<Duration> patience;
  std::optional<Error> error;
  std::thread thread;

  // REQUIRES: mutex held
  bool may_lend() const { return waiting && !lent && !woken && !stop && jobs.empty(); }
  bool is_free() {
    const std::lock_guard lock{mutex};
    return may_lend();
  }
  void nudge() {
    {
      const std::lock_guard lock{mutex};
      woken = true;
      if (!down) idle = false;
    }
    wake.notify_one();
  }
  // Why a question that was put has no answer.
  Error unanswered() {
    const std::lock_guard lock{mutex};
    if (error) return *error;
    return Error{Code::kClosed,
                 "partition " + std::to_string(id) +
                     (settled ? " was shut down meanwhile" : " was opened again meanwhile"),
                 !settled};
  }
  // The thread ends: what came in while it wrote its last is not run. REQUIRES: mutex held
  void end() {
    settled = true;
    leads = false;
    idle = true;
    rested.notify_all();
  }
};

Engine::Engine(EngineParts parts)
    : parts_{std::move(parts)},
      deciders_{std::make_unique<Deciders>(parts_.deciders)},
      hosts_{std::make_unique<Hosts>(parts_.hosts)} {}

Result<std::unique_ptr<Engine>> Engine::open(EngineParts parts, PartitionOptions options) {
  auto out = std::unique_ptr<Engine>{new Engine{std::move(parts)}};
  for (PartitionId id = 0; id < out->parts_.log.partitions(); ++id) {
    auto seat = std::make_unique<Seat>();
    seat->id = id;
    seat->options = options;
    seat->options.id = id;
    auto seated = out->seat_partition(*seat);
    if (seated) {
      seat->down = false;
    } else {
      seat->error = seated.error();
      seat->idle = true;
      tell_stopped(*seat, seated.error());
    }
    out->seats_.push_back(std::move(seat));
  }
  for (auto& seat : out->seats_) {
    seat->thread = std::thread{[engine = out.get(), raw = seat.get()] { engine->run(*raw); }};
  }
  return out;
}

// Opens store and partition of a seat that has none.
Result<void> Engine::seat_partition(Seat& seat) {
  const auto& p = parts_;
  const auto folder = p.state_directory + "/" + std::to_string(seat.id);
  DW_TRY(create_durable(p.files, folder));
  DW_TRY(auto store, p.open_store(folder + "/db"));
  seat.store = std::move(store);
  seat.flusher = std::make_unique<ThreadWorker>();
  auto options = seat.options;
  options.dedup_directory = folder + "/ids";
  const PartitionParts parts{p.log,         *seat.store,  p.files, p.clock, p.random,
                             *seat.flusher, *deciders_,   p.key,   p.views, p.channels,
                             seat.attempts, hosts_.get(), p.meter};
  auto partition = Partition::open(parts, std::move(options), [raw = &seat] { raw->nudge(); });
  if (!partition) {
    unseat(seat);
    return partition.error();
  }
  seat.partition = std::move(partition).value();
  return ok();
}

void Engine::unseat(Seat& seat) {
  seat.flusher.reset();  // waits for its job, which uses the other two
  seat.partition.reset();
  seat.store.reset();
}

// Once for each time that it stops.
void Engine::tell_stopped(Seat& seat, const Error& why) {
  if (!seat.options.notify || std::exchange(seat.told, true)) return;
  const auto at = seat.partition ? seat.partition->state().meta.events : 0;
  seat.options.notify({Notice::What::kStopped, seat.id, at, {}, why.detail});
}

// A partition that failed for a reason that may pass, a full disk say, is closed with its store:
// what it decided and could not write never left it, and a store is not to be trusted behind a hard
// error.
void Engine::fall(Seat& seat, std::unique_lock<std::mutex>& lock) {
  seat.down = true;
  auto dropped = std::exchange(seat.jobs, {});
  seat.idle = true;
  seat.rested.notify_all();
  // What it appended may still turn up: its successor must not claim before.
  seat.wake.wait(lock, [&] { return seat.partition->answered(); });
  lock.unlock();
  dropped.clear();  // tells who asked
  // The word that effects waited for is not waited for again.
  seat.options.effects_paused = seat.partition->effects_wait();
  unseat(seat);
  lock.lock();
}

// Opens it again, later and later. False: it is not to be, the thread ends.
bool Engine::rise(Seat& seat, std::unique_lock<std::mutex>& lock) {
  while (seat.error && may_pass(*seat.error)) {
    if (seat.wake.wait_for(lock, seat.pause, [&] { return seat.stop; })) break;
    seat.pause = std::min(2 * seat.pause, kPauseMax);
    lock.unlock();
    auto seated = seat_partition(seat);
    lock.lock();
    if (seated) {
      seat.down = false;
      seat.error.reset();
      seat.idle = false;
      const auto at = seat.partition->state().meta.events;
      const bool told = std::exchange(seat.told, false);
      if (told) {
        lock.unlock();
        seat.options.notify({Notice::What::kBack, seat.id, at, {}, {}});
        lock.lock();
      }
      return true;
    }
    seat.error = seated.error();
  }
  seat.end();
  return false;
}

Engine::~Engine() {
  static_cast<void>(stop());
  for (auto& seat : seats_) unseat(*seat);
}

bool Engine::run_jobs(Seat& seat, std::unique_lock<std::mutex>& lock) {
  if (seat.jobs.empty()) return false;
  auto jobs = std::exchange(seat.jobs, {});
  lock.unlock();
  for (auto& job : jobs) job(*seat.partition);
  jobs.clear();  // while nothing is held: who asked may be told
  lock.lock();
  return true;
}

void Engine::run(Seat& seat) {
  turn(seat);
  if (seat.partition) seat.partition->forget_in_flight();
  std::vector<std::function<void(Partition&)>> dropped;
  const std::lock_guard lock{seat.mutex};
  dropped.swap(seat.jobs);
}

void Engine::turn(Seat& seat) {
  std::unique_lock lock{seat.mutex};
  for (;;) {
    if (seat.down && !rise(seat, lock)) return;
    seat.woken = false;
    run_jobs(seat, lock);
    seat.partition->hurry(seat.hurried > 0);
    seat.partition->lead(seat.options.lead);
    const bool stopping = seat.stop;
    const auto patience = seat.patience;
    lock.unlock();
    bool worked = false;
    bool settled = false;
    std::optional<Error> error;
    // In a hurry what waits in the log is left there; else all of it is decided first.
    if (stopping && patience) seat.partition->hold(true);
    if (stopping && (patience ? seat.partition->may_settle() : seat.partition->idle())) {
      auto result = seat.partition->settle(patience);
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
    seat.leads = !error && !settled && seat.partition->leads();
    const auto due = error || worked ? std::nullopt : seat.partition->next_due();
    lock.lock();
    if (error) {
      seat.error = error;
      lock.unlock();
      tell_stopped(seat, *error);
      seat.partition->forget_in_flight();
      lock.lock();
    }
    if (error && may_pass(*error) && !stopping) {
      fall(seat, lock);
      continue;
    }
    if (idle && !error) seat.pause = kPauseMin;
    if (settled || (stopping && error)) return seat.end();
    if (worked || seat.woken || !seat.jobs.empty()) continue;
    seat.idle = idle;
    seat.rested.notify_all();
    seat.waiting = true;
    const auto ready = [&] {
      return !seat.lent && (seat.woken || seat.stop != stopping || !seat.jobs.empty());
    };
    if (due) {
      const auto left = std::max<std::int64_t>(0, (*due - parts_.clock.wall()).ms);
      seat.wake.wait_for(lock, std::chrono::milliseconds{std::min<std::int64_t>(left, 1000)},
                         ready);
    } else {
      seat.wake.wait(lock, ready);
    }
    seat.waiting = false;  // whoever has it gives it back, and nobody gets it then
    seat.wake.wait(lock, [&] { return !seat.lent; });
  }
}

// Tells who asked, once: that the answer may leave or, when nobody holds it any more, why there is
// none. REQUIRES: the seat's mutex is not held when the last of its owners goes
class Engine::Answer {
 public:
  Answer(Seat& seat, std::function<void(Result<void>)> done)
      : seat_{seat}, done_{std::move(done)} {}
  ~Answer() {
    if (done_) done_(seat_.unanswered());
  }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  void leave() { std::exchange(done_, {})(ok()); }

 private:
  Seat& seat_;
  std::function<void(Result<void>)> done_;
};

void Engine::ask_async(PartitionId id, std::function<bool(Partition&)> question,
                       std::function<void(Result<void>)> done) {
  auto& seat = *seats_.at(id);
  std::optional<Error> none;
  {
    const std::lock_guard lock{seat.mutex};
    if ((seat.down || seat.settled) && seat.error) {
      none = *seat.error;
    } else if (seat.settled) {
      none = Error{Code::kClosed, "partition " + std::to_string(id) + " is shut down"};
    } else {
      auto answer = std::make_shared<Answer>(seat, std::move(done));
      seat.jobs.emplace_back(
          [question = std::move(question), answer = std::move(answer)](Partition& partition) {
            if (!question(partition)) return answer->leave();
            partition.ask([](State&) {}, [answer] { answer->leave(); });
          });
    }
  }
  if (none) return done(*none);
  seat.wake.notify_one();
}

// A thread that waits lends its partition to who only looks: two changes of thread less.
bool Engine::look_here(Seat& seat, const std::function<bool(Partition&)>& question,
                       const std::function<void(Result<void>)>& done) {
  {
    const std::lock_guard lock{seat.mutex};
    if (!seat.may_lend()) return false;
    seat.lent = true;
  }
  auto& partition = *seat.partition;
  const auto& failure = partition.state().failure();
  const bool had_failed = failure.has_value();
  const bool waits = question(partition);
  if (waits) {
    const auto answer = std::make_shared<Answer>(seat, done);
    partition.ask([](State&) {}, [answer] { answer->leave(); });
  }
  // What could not be read is no answer, and stops the partition.
  Result<void> read = ok();
  if (!had_failed && failure) read = *failure;
  bool wanted = false;
  {
    const std::lock_guard lock{seat.mutex};
    seat.lent = false;
    seat.woken = seat.woken || !read;
    wanted = !seat.waiting || seat.woken || seat.stop || !seat.jobs.empty();
  }
  if (wanted) seat.wake.notify_one();
  if (!waits) done(std::move(read));
  return true;
}

Result<void> Engine::ask(PartitionId id, const std::function<void(Partition&)>& question) {
  return ask_each({&id, 1}, [&](PartitionId, Partition& partition) { question(partition); });
}

Result<void> Engine::ask_each(std::span<const PartitionId> partitions, const Each& question) {
  return ask_all_of(
      partitions,
      [&](PartitionId id, Partition& partition) {
        question(id, partition);
        return true;
      },
      false);
}

Result<void> Engine::look_in_each(std::span<const PartitionId> partitions, const Look& question) {
  return ask_all_of(partitions, question, true);
}

Result<void> Engine::ask_all_of(std::span<const PartitionId> partitions, const Look& question,
                                bool looks_only) {
  std::mutex mutex;
  std::condition_variable all;
  std::vector<std::optional<Result<void>>> told(partitions.size());
  std::size_t left = partitions.size();
  const auto asks = [&](std::size_t i, bool here) {
    const auto id = partitions[i];
    std::function<bool(Partition&)> one = [&, id](Partition& p) { return question(id, p); };
    std::function<void(Result<void>)> done = [&, i](Result<void> result) {
      const std::lock_guard lock{mutex};
      told[i] = std::move(result);
      if (--left == 0) all.notify_one();
    };
    if (here && look_here(*seats_.at(id), one, done)) return;
    ask_async(id, std::move(one), std::move(done));
  };
  // Those at work are asked first: they answer while the others are looked into here.
  std::vector<std::size_t> here;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    if (looks_only && seats_.at(partitions[i])->is_free()) {
      here.push_back(i);
    } else {
      asks(i, false);
    }
  }
  for (const auto i : here) asks(i, true);
  std::unique_lock lock{mutex};
  all.wait(lock, [&] { return left == 0; });
  for (const auto& result : told) {
    if (!*result) return result->error();
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

// Meanwhile nothing is put off.
struct Engine::Hurry {
  explicit Hurry(Engine& of) : engine{of} { add(1); }
  ~Hurry() { add(-1); }
  Hurry(const Hurry&) = delete;
  Hurry& operator=(const Hurry&) = delete;
  void add(int by) const {
    for (auto& seat : engine.seats_) {
      const std::lock_guard lock{seat->mutex};
      seat->hurried += by;
    }
  }
  Engine& engine;
};

Result<void> Engine::wait_idle(bool stopped_too) {
  const Hurry hurry{*this};
  for (auto before = progress();;) {
    for (auto& seat : seats_) {
      const std::lock_guard lock{seat->mutex};
      if (seat->error && !stopped_too) return *seat->error;
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

bool Engine::leads(PartitionId partition) const { return seats_.at(partition)->leads; }
void Engine::lead(PartitionId partition, bool on) {
  auto& seat = *seats_.at(partition);
  std::unique_lock lock{seat.mutex};
  seat.options.lead = on;
  lock.unlock();
  seat.nudge();
}

Result<void> Engine::stop(std::optional<Duration> patience) {
  if (stopped_) return ok();
  stopped_ = true;
  std::optional<Error> error;
  for (auto& seat : seats_) {
    {
      const std::lock_guard lock{seat->mutex};
      seat->stop = true;
      seat->patience = patience;
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
