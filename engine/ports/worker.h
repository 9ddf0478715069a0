// Work off the owner's thread, as a port: tests run it when they like, in the order they like.
#pragma once

#include <functional>

namespace dealwright {

class Worker {
 public:
  virtual ~Worker() = default;
  // Runs `job` once, later or at once, never two of one Worker at the same time.
  virtual void post(std::function<void()> job) = 0;
};

// Runs the job where it is posted.
class InlineWorker : public Worker {
 public:
  void post(std::function<void()> job) override { job(); }
};

}  // namespace dealwright
