#include "connectors/http/loop.h"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <stdexcept>

#include "connectors/http/awaiting.h"
#include "engine/base/assert.h"

namespace dealwright::http {
namespace {

namespace asio = boost::asio;

thread_local Loop* current_loop = nullptr;

}  // namespace

struct Loop::Parts {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  asio::steady_timer timer{io};
  std::function<void()> tick;

  void arm(std::int64_t period_ms) {
    timer.expires_after(std::chrono::milliseconds{period_ms});
    timer.async_wait([this, period_ms](const boost::system::error_code& failed) {
      if (failed) return;
      tick();
      arm(period_ms);
    });
  }
};

Loop::Loop() : parts_{std::make_unique<Parts>()} {}
Loop::~Loop() = default;

void Loop::run() {
  current_loop = this;
  parts_->io.run();
  current_loop = nullptr;
}
// Behind what waits already, so that handlers of closed sockets run and let go of what they hold.
void Loop::stop() {
  asio::post(parts_->io, [parts = parts_.get()] { parts->io.stop(); });
}
void Loop::post(std::function<void()> job) { asio::post(parts_->io, std::move(job)); }
void Loop::spawn(Awaitable<void> coroutine) {
  asio::co_spawn(parts_->io, std::move(coroutine), [](const std::exception_ptr& failed) {
    DW_ASSERT(failed == nullptr);  // a connection catches what its handler throws
  });
}
void Loop::every(std::int64_t period_ms, std::function<void()> tick) {
  parts_->tick = std::move(tick);
  parts_->arm(period_ms);
}
boost::asio::io_context& Loop::context() { return parts_->io; }
Loop* Loop::current() { return current_loop; }

// It keeps the loop alive: a log's thread may call or drop it after the server is gone, and then
// nothing happens. What is posted must not keep it, or loop and job would keep each other.
template <class Handler>
struct Waiting {
  std::shared_ptr<Loop> loop;
  Handler handler;
  std::atomic<bool> done{false};

  Waiting(std::shared_ptr<Loop> its_loop, Handler its_handler)
      : loop{std::move(its_loop)}, handler{std::move(its_handler)} {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    if (!done) go_on(std::make_exception_ptr(std::runtime_error{"nobody will answer"}));
  }
  void go_on(std::exception_ptr failed) {
    if (done.exchange(true)) return;
    asio::post(loop->context(),
               [waiting = std::move(handler), failed]() mutable { std::move(waiting)(failed); });
  }
};

Awaitable<void> suspend(std::function<void(Resume)> start) {
  DW_ASSERT(Loop::current() != nullptr);
  auto initiate = [&start](auto handler) {
    auto waiting = std::make_shared<Waiting<decltype(handler)>>(Loop::current()->shared_from_this(),
                                                                std::move(handler));
    start([waiting] { waiting->go_on(nullptr); });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr)>(
      initiate, asio::use_awaitable);
}

Awaitable<bool> suspend_for(std::int64_t ms, std::function<void(Resume)> start) {
  struct Race {
    asio::steady_timer timer;
    bool late = false;
  };
  const auto race = std::make_shared<Race>(Race{asio::steady_timer{Loop::current()->context()}});
  std::function<void(Resume)> begin = [race, ms, &start](const Resume& resume) {
    race->timer.expires_after(std::chrono::milliseconds{ms});
    race->timer.async_wait([race, resume](const boost::system::error_code& cancelled) {
      if (cancelled) return;
      race->late = true;
      resume();
    });
    start(resume);
  };
  co_await suspend(std::move(begin));
  race->timer.cancel();
  co_return !race->late;
}

}  // namespace dealwright::http
