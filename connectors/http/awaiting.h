// Waiting in a handler without holding its thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "connectors/http/awaitable.h"
#include "engine/base/result.h"

namespace dealwright::http {

// Call it from any thread: the handler goes on, on its own thread; a second call does nothing. When
// the last copy goes without a call, what waits throws, and the caller hears a 500.
using Resume = std::function<void()>;

// Hands `start` a Resume and waits for its call. REQUIRES: a thread of the server.
Awaitable<void> suspend(std::function<void(Resume)> start);

// The same, for at most `ms`. False: the time was over first; a call that comes later does nothing.
Awaitable<bool> suspend_for(std::int64_t ms, std::function<void(Resume)> start);

// Waits for the value that `start`'s callback gets: `start` is called with a function that may be
// called once from any thread (an append's Done, say).
template <class T>
Awaitable<T> await_call(std::function<void(std::function<void(T)>)> start) {
  const auto slot = std::make_shared<std::optional<T>>();
  std::function<void(Resume)> begin = [slot, &start](Resume resume) {
    start([slot, resume = std::move(resume)](T value) {
      slot->emplace(std::move(value));
      resume();
    });
  };
  co_await suspend(std::move(begin));
  co_return std::move(**slot);
}

// Threads for work that blocks: reads of a disk, an answer that waits until it may leave. Each is
// started when a job finds no other free, up to `threads`; a bounded queue.
class WorkerPool {
 public:
  WorkerPool(std::size_t threads, std::size_t queue_max);
  ~WorkerPool();  // finishes what runs, drops what waits
  // False: the queue is full, or the pool is stopping.
  bool submit(std::function<void()> job);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Runs `work` on the pool and waits for it. kOverload: its queue is full.
template <class T>
Awaitable<Result<T>> run_blocking(WorkerPool& pool, std::function<Result<T>()> work) {
  const auto slot = std::make_shared<std::optional<Result<T>>>();
  std::function<void(Resume)> begin = [slot, &pool, &work](const Resume& resume) {
    const bool taken = pool.submit([slot, work, resume] {
      slot->emplace(work());
      resume();
    });
    if (!taken) resume();
  };
  co_await suspend(std::move(begin));
  if (!*slot) co_return Result<T>{Error{Code::kOverload, "too much work waits already", true}};
  co_return std::move(**slot);
}

}  // namespace dealwright::http
