// Clients of a benchmark: many connections on one thread, as fast as answers come or at a pace.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/assert.h"

namespace dealwright {

using Steady = std::chrono::steady_clock;

inline int connect_to(std::uint16_t port) {
  const int out = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int one = 1;
  ::setsockopt(out, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  DW_ASSERT(::connect(out, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  return out;
}

struct Measured {
  double per_s = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  double max_ms = 0;
  std::uint64_t refused = 0;
};

// Makes the bytes of the next request.
using NextRequest = std::function<std::string()>;

class Callers {
 public:
  Callers(std::uint16_t port, std::size_t connections, NextRequest next)
      : next_{std::move(next)}, poll_{::epoll_create1(0)} {
    ::prctl(PR_SET_TIMERSLACK, 1);  // of this thread, in ns: a pace is kept to the microsecond
    for (std::size_t i = 0; i < connections; ++i) {
      list_.push_back({connect_to(port), {}, {}});
      epoll_event event{EPOLLIN, {.u64 = i}};
      ::epoll_ctl(poll_, EPOLL_CTL_ADD, list_.back().socket, &event);
    }
  }
  ~Callers() {
    for (const auto& one : list_) ::close(one.socket);
    ::close(poll_);
  }
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  // `per_s` 0: as fast as answers come. Else at that pace; a request that had to wait for a free
  // connection counts from when it was due.
  Measured run(double seconds, double per_s) {
    const auto start = Steady::now();
    const auto end = start + std::chrono::duration_cast<Steady::duration>(
                                 std::chrono::duration<double>(seconds));
    std::vector<std::size_t> idle;
    for (std::size_t i = 0; i < list_.size(); ++i) idle.push_back(i);
    std::vector<double> ms;
    Measured out;
    std::uint64_t sent = 0;
    for (auto now = start; now < end || idle.size() < list_.size(); now = Steady::now()) {
      auto wait = end - now;
      while (now < end && !idle.empty()) {
        auto due = now;
        if (per_s > 0) {
          due = start + std::chrono::duration_cast<Steady::duration>(
                            std::chrono::duration<double>(static_cast<double>(sent) / per_s));
          wait = due - now;
          if (due > now) break;
        }
        ++sent;
        send(list_[idle.back()], due);
        idle.pop_back();
      }
      epoll_event events[64];
      const auto ns = std::clamp<std::int64_t>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(wait).count(), 0, 100'000'000);
      const timespec most{0, ns};
      const int count = ::epoll_pwait2(poll_, events, 64, &most, nullptr);
      for (int i = 0; i < count; ++i) {
        const std::size_t which = events[i].data.u64;
        auto& one = list_[which];
        if (!read(one, out)) continue;
        ms.push_back(std::chrono::duration<double, std::milli>(Steady::now() - one.due).count());
        idle.push_back(which);
      }
    }
    const std::chrono::duration<double> took = Steady::now() - start;
    out.per_s = static_cast<double>(ms.size()) / took.count();
    std::sort(ms.begin(), ms.end());
    if (ms.empty()) return out;
    out.p50_ms = ms[ms.size() / 2];
    out.p99_ms = ms[ms.size() * 99 / 100];
    out.max_ms = ms.back();
    return out;
  }

 private:
  struct One {
    int socket;
    std::string in;
    Steady::time_point due;
  };
  void send(One& one, Steady::time_point due) {
    one.due = due;
    const auto request = next_();
    std::string_view rest = request;
    while (!rest.empty()) {
      const auto count = ::send(one.socket, rest.data(), rest.size(), MSG_NOSIGNAL);
      DW_ASSERT(count > 0);
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  // True: the answer is whole.
  static bool read(One& one, Measured& out) {
    char buffer[65'536];
    const auto count = ::recv(one.socket, buffer, sizeof buffer, 0);
    DW_ASSERT(count > 0);
    one.in.append(buffer, static_cast<std::size_t>(count));
    const auto end = one.in.find("\r\n\r\n");
    const auto field = one.in.find("Content-Length: ");
    if (end == std::string::npos || field == std::string::npos) return false;
    const auto length = std::strtoul(one.in.c_str() + field + 16, nullptr, 10);
    if (one.in.size() < end + 4 + length) return false;
    if (one.in.compare(9, 1, "2") != 0) ++out.refused;
    one.in.clear();
    return true;
  }

  NextRequest next_;
  int poll_;
  std::vector<One> list_;
};

inline void print(const char* what, const Measured& m, double events) {
  std::printf(
      "%-52s %9.0f requests/s %10.0f events/s  p50 %6.2f  p99 %6.2f  max %6.2f ms  refused %llu\n",
      what, m.per_s, m.per_s * events, m.p50_ms, m.p99_ms, m.max_ms,
      static_cast<unsigned long long>(m.refused));
  std::fflush(stdout);
}

inline std::string post_events(const std::string& key, std::string_view type,
                               const std::string& body) {
  return "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + key +
         "\r\nContent-Type: " + std::string{type} +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace dealwright
