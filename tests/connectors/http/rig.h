// A server on a loopback port with routes that tests need, its clock in the test's hands.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connectors/http/awaiting.h"
#include "connectors/http/repeats.h"
#include "connectors/http/server.h"
#include "engine/ports/fake/fake_clock.h"
#include "tests/connectors/http/client.h"

namespace dealwright::http {

// Values that other threads put in and the test waits for.
template <class T>
class Mailbox {
 public:
  void put(T value) {
    const std::lock_guard lock{mutex_};
    list_.push_back(std::move(value));
    came_.notify_all();
  }
  T take() {
    std::unique_lock lock{mutex_};
    came_.wait(lock, [&] { return !list_.empty(); });
    T out = std::move(list_.front());
    list_.erase(list_.begin());
    return out;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<T> list_;
};

class Rig {
 public:
  Rig();
  ~Rig();
  void start();
  Client connect() { return Client{server->port()}; }
  // A request of a client with a key of all roles; `more`: further fields, each with its CRLF.
  std::string get(const std::string& path, const std::string& more = {}) const;
  std::string post(const std::string& path, const std::string& body,
                   const std::string& more = {}) const;
  std::string key_of(RoleSet roles, std::vector<std::string> scopes = {});

  FakeClock clock;
  FakeRandom random{7};
  KeyBook keys;
  std::string key;
  Options options;
  Repeats repeats{clock, {3, 1'000, hours(24), minutes(10)}};
  Mailbox<std::function<void(std::string)>> waiting;  // POST /v1/wait: what lets it go on
  Mailbox<std::shared_ptr<EventStream>> streams;      // GET /v1/stream, once its past is sent
  Mailbox<std::string> lines;                         // access lines
  Mailbox<std::function<void()>> block;               // POST /v1/blocking: runs these
  std::unique_ptr<WorkerPool> pool;
  std::unique_ptr<Server> server;
};

// The routes, their handlers bound to `rig`.
std::vector<Route> routes_of(Rig& rig);

}  // namespace dealwright::http
