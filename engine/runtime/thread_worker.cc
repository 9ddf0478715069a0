#include "engine/runtime/engine.h"

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

}  // namespace dealwright::runtime
