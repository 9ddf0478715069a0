#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

#include "connectors/http/awaiting.h"

namespace dealwright::http {

struct WorkerPool::State {
  std::size_t threads_max = 0;
  std::size_t queue_max = 0;
  std::mutex mutex;
  std::condition_variable work;
  std::deque<std::function<void()>> queue;
  bool stopping = false;
  std::size_t idle = 0;  // threads that wait for a job
  std::vector<std::thread> threads;

  // Without one more those there are do what waits. REQUIRES: mutex held
  void start_thread() {
    try {
      threads.emplace_back([this] { run(); });
      ++idle;
    } catch (const std::system_error&) {
    }
  }
  void run() {
    std::unique_lock lock{mutex};
    for (;;) {
      work.wait(lock, [&] { return stopping || !queue.empty(); });
      if (stopping) return;
      --idle;
      auto job = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      job();
      job = {};  // what it holds goes while nothing is locked
      lock.lock();
      ++idle;
    }
  }
};

WorkerPool::WorkerPool(std::size_t threads, std::size_t queue_max)
    : state_{std::make_unique<State>()} {
  state_->threads_max = threads;
  state_->queue_max = queue_max;
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock{state_->mutex};
    state_->stopping = true;
  }
  state_->work.notify_all();
  for (auto& thread : state_->threads) thread.join();
}

bool WorkerPool::submit(std::function<void()> job) {
  {
    const std::lock_guard lock{state_->mutex};
    auto& s = *state_;
    if (s.stopping || s.queue.size() >= s.queue_max + s.idle) return false;
    s.queue.push_back(std::move(job));
    if (s.queue.size() > s.idle && s.threads.size() < s.threads_max) {
      s.start_thread();
      if (s.threads.empty()) {
        s.queue.pop_back();
        return false;
      }
    }
  }
  state_->work.notify_one();
  return true;
}

}  // namespace dealwright::http
