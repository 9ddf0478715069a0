// A channel that goes away while attempts are under way: it tells each how it ended and does not
// wait for who says nothing, be it a receiver or the resolver.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "connectors/os/system_clock.h"
#include "connectors/webhook/webhook_channel.h"
#include "engine/base/base64.h"
#include "engine/base/hash.h"
#include "tests/attempt_ends.h"

namespace dealwright::webhook {
namespace {

using What = AttemptResult::What;

// Takes connections and bytes, and says nothing.
class Silence {
 public:
  Silence() : listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    socklen_t size = sizeof at;
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size), 0);
    port_ = ntohs(at.sin_port);
  }
  ~Silence() {
    ::close(connection_);
    ::close(listener_);
  }
  // Waits for the first bytes of a request.
  void hear() {
    connection_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    char bytes[16];
    EXPECT_GT(::recv(connection_, bytes, sizeof bytes, 0), 0);
  }
  std::string url(const std::string& host) const {
    return "http://" + host + ":" + std::to_string(port_) + "/";
  }

 private:
  int listener_;
  int connection_ = -1;
  int port_ = 0;
};

WebhookSettings settings_to(const std::string& url) {
  WebhookSettings out;
  out.endpoints["it"] = {url, {"whsec_" + base64(std::string(32, 's'))}};
  out.loopback_http = true;
  out.drain_time = milliseconds(0);
  return out;
}

Attempt attempt() {
  Attempt out;
  out.effect.id = sha256("it");
  out.effect.requested = Instant{1'772'442'000'000};
  out.effect.payload = {{"endpoint", Value{"it"}}};
  return out;
}

TEST(WebhookClosingTest, WhatHadBegunIsUnknown) {
  Silence silence;
  const auto clock = os::make_system_clock();
  auto channel = make_webhook_channel(settings_to(silence.url("127.0.0.1")), *clock);
  ASSERT_TRUE(channel) << channel.error().detail;
  AttemptEnds ends;
  channel.value()->send(attempt(), {}, ends.done("it"));
  silence.hear();
  const auto begun_us = clock->steady_us();
  channel.value().reset();
  EXPECT_LT(clock->steady_us() - begun_us, 10'000'000) << "the answer may take 15 s";
  EXPECT_EQ(ends.of("it").what, What::kUnknown);
}

// What a look-up that hangs shares with the test: it ends behind the channel.
struct Hang {
  std::mutex mutex;
  std::condition_variable changed;
  bool begun = false;
  bool over = false;
  bool ended = false;
};

TEST(WebhookClosingTest, WhatWaitsForANameIsAborted) {
  const auto hang = std::make_shared<Hang>();
  const auto clock = os::make_system_clock();
  auto channel = make_webhook_channel(settings_to("http://localhost:9/"), *clock,
                                      [hang](const std::string&) -> Result<std::vector<IpAddress>> {
                                        std::unique_lock lock{hang->mutex};
                                        hang->begun = true;
                                        hang->changed.notify_all();
                                        hang->changed.wait(lock, [&] { return hang->over; });
                                        hang->ended = true;
                                        hang->changed.notify_all();
                                        return std::vector<IpAddress>{*parse_address("127.0.0.1")};
                                      });
  ASSERT_TRUE(channel) << channel.error().detail;
  AttemptEnds ends;
  channel.value()->send(attempt(), {}, ends.done("it"));
  std::unique_lock lock{hang->mutex};
  hang->changed.wait(lock, [&] { return hang->begun; });
  lock.unlock();
  channel.value().reset();  // the look-up still hangs
  EXPECT_EQ(ends.of("it").what, What::kAborted);
  lock.lock();
  hang->over = true;
  hang->changed.notify_all();
  hang->changed.wait(lock, [&] { return hang->ended; });
}

}  // namespace
}  // namespace dealwright::webhook
