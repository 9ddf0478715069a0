#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "connectors/http/awaiting.h"

namespace dealwright::http {

struct WorkerPool::State {
  std::size_t queue_max = 0;
  std::mutex mutex;
  std::condition_variable work;
  std::deque<std::function<void()>> queue;
  bool stopping = false;
  std::vector<std::thread> threads;

  void run() {
    for (;;) {
      std::unique_lock lock{mutex};
      work.wait(lock, [&] { return stopping || !queue.empty(); });
      if (stopping) return;
      const auto job = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      job();
    }
  }
};

WorkerPool::WorkerPool(std::size_t threads, std::size_t queue_max)
    : state_{std::make_unique<State>()} {
  state_->queue_max = queue_max;
  for (std::size_t i = 0; i < threads; ++i)
    state_->threads.emplace_back([state = state_.get()] { state->run(); });
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
    if (state_->stopping || state_->queue.size() >= state_->queue_max) return false;
    state_->queue.push_back(std::move(job));
  }
  state_->work.notify_one();
  return true;
}

}  // namespace dealwright::http
