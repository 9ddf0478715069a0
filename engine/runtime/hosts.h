// Where attempts go, over all partitions of a process: how many at once, whether a host is down,
// how much of what goes there are repeats (reliability.md 6). In memory only: it delays, and a
// start forgets it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "engine/base/instant.h"

namespace dealwright::runtime {

// Thread-safe.
class Hosts {
 public:
  struct Limits {
    std::uint32_t parallel_first = 5;  // at once; one more with each that is served, half with each
    std::uint32_t parallel_max = 64;   // that fails
    std::uint32_t judged_from = 20;    // attempts in `window`: if half of them failed, it is down
    Duration window = seconds(60);
    Duration probe_first = seconds(30);  // until one attempt is let through; doubled if that fails
    Duration probe_max = minutes(10);
    double retry_share = 0.1;  // of first tries; and
    double retries_free = 10;  // so many a minute
    std::size_t hosts_max = 10'000;
  };
  Hosts() : Hosts{Limits{}} {}
  explicit Hosts(Limits limits) : limits_{limits} {}

  struct Answer {
    enum class Say : std::uint8_t {
      kGo,    // and counted: end() has to follow
      kFull,  // `room` is called once when it is worth asking again
      kWait,  // until `until`
    };
    Say say = Say::kGo;
    Instant until;
    std::string reason;
  };
  Answer begin(const std::string& host, bool retry, Instant now, const std::function<void()>& room);
  // Whether begin() would say kFull now; then `room` is called as it says.
  bool full(const std::string& host, Instant now, const std::function<void()>& room);
  enum class How : std::uint8_t { kServed, kFailed, kNothing };  // kNothing: it says nothing of it
  void end(const std::string& host, How how, Instant now);

 private:
  struct Host {
    std::uint32_t under_way = 0;
    double parallel = 0;
    std::vector<std::pair<Instant, bool>> ended;  // within the window: when, failed
    bool down = false;
    std::uint32_t stale = 0;  // begun before it went down: their ends say nothing new
    bool probing = false;
    Duration pause;
    Instant probe_at;
    double retries = 0;
    Instant counted;  // retries_free up to here
    Instant used;
    std::vector<std::function<void()>> waiting;
  };
  Host& at(const std::string& host, Instant now);
  static bool is_full(const Host& host, Instant now);
  void judge(Host& host, bool failed, Instant now);

  const Limits limits_;
  std::mutex mutex_;
  std::map<std::string, Host> hosts_;
};

}  // namespace dealwright::runtime
