// Names to addresses on threads of its own: the system's resolver blocks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "connectors/webhook/webhook_channel.h"

namespace dealwright::webhook {

class Resolver {
 public:
  using Found = std::function<void(Result<std::vector<IpAddress>>)>;

  Resolver(Resolve resolve, std::size_t threads);
  // give_up(); a thread that is in a look-up then, which nothing can break off, ends behind it by
  // itself, without a word.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Calls `found` once: on a thread of the resolver, or of who gives up.
  void find(std::string host, Found found);
  // Whoever waits is told kClosed, now.
  void give_up();

 private:
  struct Job {
    std::string host;
    Found found;
  };
  struct State;
  static void run(const std::shared_ptr<State>& state, std::size_t thread);

  const std::shared_ptr<State> state_;
  std::vector<std::thread> threads_;
};

}  // namespace dealwright::webhook
