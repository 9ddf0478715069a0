// Names to addresses on threads of its own: the system's resolver blocks.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "connectors/webhook/webhook_channel.h"

namespace dealwright::webhook {

class Resolver {
 public:
  using Found = std::function<void(Result<std::vector<IpAddress>>)>;

  Resolver(Resolve resolve, std::size_t threads);
  // Waits for look-ups under way; those that wait are not made, and not told.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // `found` on a thread of the resolver, unless it goes away first.
  void find(std::string host, Found found);

 private:
  struct Job {
    std::string host;
    Found found;
  };
  void run();

  const Resolve resolve_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace dealwright::webhook
