// The service as its users meet it: events in, actions out, views read, over HTTP on loopback;
// client, receiver and service share the machine and this process.
//
//   service_bench events [seconds]     batches of 100 on 8 connections, singles on 64
//   service_bench actions [seconds]    each event leads to one POST at a receiver
//   service_bench timers [count]       timers due at one instant, each a POST
//   service_bench views [deals]        board and records at 1,000 a second beside 20,000 events/s
#include <sys/resource.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "connectors/daemon/rule_book.h"
#include "connectors/daemon/service.h"
#include "connectors/os/system_clock.h"
#include "engine/base/base64.h"
#include "tests/bench/callers.h"

namespace dealwright::daemon {
namespace {

// Answers 204 to each POST and tells of it.
class Receiver {
 public:
  explicit Receiver(std::function<void(std::string_view request)> on_request)
      : on_request_{std::move(on_request)}, listener_{::socket(AF_INET, SOCK_STREAM, 0)} {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    DW_ASSERT(::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    DW_ASSERT(::listen(listener_, 256) == 0);
    socklen_t size = sizeof at;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread{[this] { run(); }};
  }
  ~Receiver() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
  }
  std::uint16_t port() const { return port_; }
  std::uint64_t count() const { return count_; }
  pthread_t thread() { return thread_.native_handle(); }
  void wait_for(std::uint64_t count) {
    std::unique_lock lock{mutex_};
    came_.wait(lock, [&] { return count_ >= count; });
  }

 private:
  void run() {
    const int poll = ::epoll_create1(0);
    epoll_event event{EPOLLIN, {.fd = listener_}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, listener_, &event);
    std::map<int, std::string> in;
    while (!stop_) {
      epoll_event events[64];
      const int count = ::epoll_wait(poll, events, 64, 50);
      for (int i = 0; i < count; ++i) {
        const int fd = events[i].data.fd;
        if (fd == listener_) {
          epoll_event more{EPOLLIN, {.fd = ::accept(listener_, nullptr, nullptr)}};
          ::epoll_ctl(poll, EPOLL_CTL_ADD, more.data.fd, &more);
        } else if (!read(fd, in[fd])) {
          ::close(fd);
          in.erase(fd);
        }
      }
    }
    for (const auto& [fd, text] : in) ::close(fd);
    ::close(poll);
  }
  bool read(int fd, std::string& in) {
    char buffer[65'536];
    const auto count = ::recv(fd, buffer, sizeof buffer, 0);
    if (count <= 0) return false;
    in.append(buffer, static_cast<std::size_t>(count));
    for (;;) {
      const auto end = in.find("\r\n\r\n");
      if (end == std::string::npos) return true;
      const auto field = in.find("Content-Length: ");
      const auto length = field < end ? std::strtoul(in.c_str() + field + 16, nullptr, 10) : 0;
      const auto whole = end + 4 + length;
      if (in.size() < whole) return true;
      on_request_(std::string_view{in}.substr(0, whole));
      in.erase(0, whole);
      static constexpr std::string_view kAnswer = "HTTP/1.1 204 No Content\r\n\r\n";
      if (::send(fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) < 0) return false;
      const std::lock_guard lock{mutex_};
      ++count_;
      came_.notify_all();
    }
  }

  std::function<void(std::string_view)> on_request_;
  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> count_{0};
  std::mutex mutex_;
  std::condition_variable came_;
  std::thread thread_;
};

double cpu_s() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

double cpu_s(pthread_t thread) {
  clockid_t clock{};
  timespec t{};
  DW_ASSERT(::pthread_getcpuclockid(thread, &clock) == 0 && ::clock_gettime(clock, &t) == 0);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

struct Bed {
  explicit Bed(std::uint16_t receiver = 0) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder + "/ops");
    std::ofstream{folder + "/secret"} << "whsec_" << base64(std::string(32, 's'));
    if (receiver > 0)
      std::ofstream{folder + "/ops/endpoints.yaml"}
          << "endpoints:\n  sink:\n    url: http://127.0.0.1:" << receiver
          << "/in\n    secret_file: " << folder << "/secret\n";
    ServiceOptions options;
    options.config = ConfigReader{}.config();
    options.config.data = folder + "/data";
    options.config.ops = folder + "/ops";
    options.config.http.port = 0;
    options.config.http.rate = 1'000'000;
    options.config.webhook_loopback = true;
    options.config.trust_clock = true;
    WorkspaceOptions make;
    make.path = options.config.data;
    make.create = true;
    make.config = options.config;
    {
      const auto made = Workspace::open(std::move(make));
      DW_ASSERT(made.has_value() && made.value()->engine().wait_idle() && made.value()->stop());
    }
    auto started = Service::start(std::move(options));
    DW_ASSERT(started.has_value());
    service = std::move(started.value());
    const auto url = service->url();
    port = static_cast<std::uint16_t>(std::atoi(url.c_str() + url.rfind(':') + 1));
  }
  ~Bed() {
    DW_ASSERT(service->stop().has_value());
    service.reset();
    std::filesystem::remove_all(folder);
  }

  // Puts a rule in force and waits until every partition has it.
  void publish(const std::string& id, const std::string& text) {
    Event event;
    event.source = "bench";
    event.id = id;
    event.type = TypeId::kRulePublished;
    event.subject = {Kind::kRule, id};
    event.data.set(Field::kVersion, Value{1});
    event.data.set(Field::kText, Value{text});
    const auto placed = service->workspace().append({event});
    DW_ASSERT(placed.has_value());
    const auto idle = service->workspace().engine().wait_idle();
    if (!idle) std::fprintf(stderr, "%s\n", idle.error().detail.c_str());
    DW_ASSERT(idle.has_value());
    const auto known = published_rules(service->workspace());
    DW_ASSERT(known.has_value() && newest_rule(known.value(), id).has_value());
  }
  void append(TypeId type, RecordKey subject, const std::string& id, Fields data) {
    Event event;
    event.source = "bench";
    event.id = id;
    event.type = type;
    event.subject = std::move(subject);
    event.data = std::move(data);
    DW_ASSERT(service->workspace().append({event}).has_value());
  }

  std::string folder = "/tmp/dealwright-service-bench-" + std::to_string(::getpid());
  std::unique_ptr<Service> service;
  std::uint16_t port = 0;
};

// Events of one kind, each new.
class Feed {
 public:
  explicit Feed(std::string key, std::string name = "o")
      : key_{std::move(key)}, name_{std::move(name)} {}
  std::string event() {
    const auto n = std::to_string(++number_);
    const auto* type = name_ == "o" ? "offer.sent" : "offer.viewed";
    return R"({"specversion":"1.0","id":")" + name_ + n + R"(","source":"crm/eu","type":")" + type +
           R"(","subject":"offer/)" + name_ + n + R"(","partitionkey":"account/a)" +
           std::to_string(number_ % 5'000) + R"(","data":{"deal":"d)" +
           std::to_string(number_ % 20'000) +
           R"(","total":{"minor":250000,"currency":"EUR"},"note":")" + std::string(80, 'x') +
           "\"}}";
  }
  std::string single() { return post_events(key_, "application/cloudevents+json", event()); }
  std::string hundred() {
    std::string batch = "[";
    for (int i = 0; i < 100; ++i) batch += (i == 0 ? "" : ",") + event();
    return post_events(key_, "application/cloudevents-batch+json", batch + "]");
  }
  std::uint64_t sent() const { return number_; }

 private:
  const std::string key_;
  const std::string name_;
  std::uint64_t number_ = 0;
};

void events(double seconds) {
  Bed bed;
  Feed feed{bed.service->first_key()};
  {
    Callers load{bed.port, 8, [&] { return feed.hundred(); }};
    print("batches of 100 on 8 connections", load.run(seconds, 0), 100);
  }
  Callers load{bed.port, 64, [&] { return feed.single(); }};
  const auto full = load.run(seconds, 0);
  print("singles on 64 connections", full, 1);
  print("singles, at half of that", load.run(seconds, full.per_s / 2), 1);
  print("singles, at 5,000 a second", load.run(seconds, 5'000), 1);
}

constexpr const char* kRule =
    "rule: post\nname: Post it\nowner: ops\ntrigger: offer.sent\nwhen: offer.total > money(\"100 "
    "EUR\")\n"
    "entry: each_time\nsteps:\n  - send_webhook: { endpoint: sink, data: { offer: \"{{ offer.id "
    "}}\" } }\n";

// Events a second that the receiver keeps up with: sent in steps, so that little waits.
void actions(double seconds) {
  std::mutex mutex;
  std::map<std::string, Steady::time_point> sent_at;
  std::vector<double> ms;
  std::atomic<bool> timed{false};
  Receiver receiver{[&](std::string_view request) {
    if (!timed) return;
    const auto now = Steady::now();
    constexpr std::string_view kMember = "\"offer\":\"";
    const auto at = request.find(kMember);
    DW_ASSERT(at != std::string_view::npos);
    const auto from = at + kMember.size();
    const std::string offer{request.substr(from, request.find('"', from) - from)};
    const std::lock_guard lock{mutex};
    const auto it = sent_at.find(offer);
    if (it == sent_at.end()) return;
    ms.push_back(std::chrono::duration<double, std::milli>(now - it->second).count());
  }};
  Bed bed{receiver.port()};
  bed.publish("post", kRule);
  Feed feed{bed.service->first_key()};
  const auto others_cpu = [&] { return cpu_s(receiver.thread()) + cpu_s(::pthread_self()); };
  const auto cpu = cpu_s() - others_cpu();
  const auto start = Steady::now();
  constexpr std::uint64_t kAhead = 2'000;  // on their way at once
  {
    Callers load{bed.port, 4, [&] { return feed.hundred(); }};
    const auto end = start + std::chrono::duration<double>(seconds);
    while (Steady::now() < end) {
      load.run(0.005, 0);
      if (feed.sent() > kAhead) receiver.wait_for(feed.sent() - kAhead);
    }
  }
  receiver.wait_for(feed.sent());
  const std::chrono::duration<double> took = Steady::now() - start;
  const auto done = static_cast<double>(receiver.count());
  std::printf("%-52s %9.0f actions/s, %.0f us CPU each\n", "an event to an action, sustained",
              done / took.count(), (cpu_s() - others_cpu() - cpu) / done * 1e6);
  timed = true;
  Callers load{bed.port, 1, [&] {
                 auto request = feed.single();
                 const std::lock_guard lock{mutex};
                 sent_at["o" + std::to_string(feed.sent())] = Steady::now();
                 return request;
               }};
  print("at 20 a second: the event's answer", load.run(20, 20), 1);
  receiver.wait_for(feed.sent());
  const std::lock_guard lock{mutex};
  std::sort(ms.begin(), ms.end());
  std::printf("%-52s p50 %6.2f  p99 %6.2f  max %6.2f ms, of %zu\n",
              "at 20 a second: event to action", ms[ms.size() / 2], ms[ms.size() * 99 / 100],
              ms.back(), ms.size());
}

void timers(std::uint64_t count) {
  Receiver receiver{[](std::string_view) {}};
  Bed bed{receiver.port()};
  const auto due =
      os::make_system_clock()->wall() + seconds(static_cast<std::int64_t>(20 + count / 10'000));
  bed.publish(
      "later",
      "rule: later\nname: Later\nowner: ops\ntrigger: offer.sent\nentry: each_time\nsteps:\n"
      "  - wait_until: timestamp(\"" +
          to_text(due) +
          "\")\n"
          "  - send_webhook: { endpoint: sink, data: { offer: \"{{ offer.id }}\" } }\n");
  Feed feed{bed.service->first_key()};
  {
    Callers load{bed.port, 8, [&] { return feed.hundred(); }};
    while (feed.sent() < count) load.run(0.05, 0);
  }
  std::printf("%-52s %llu\n", "timers that wait", static_cast<unsigned long long>(feed.sent()));
  const auto set = feed.sent();
  const auto clock = os::make_system_clock();
  const auto left = clock->wall().ms < due.ms ? due.ms - clock->wall().ms : 0;
  std::printf("%-52s %.1f s\n", "they were set before they are due by",
              static_cast<double>(left) / 1e3);
  DW_ASSERT(left > 6'000);
  // Live events that no rule asks for.
  Feed live_feed{bed.service->first_key(), "live"};
  const auto live = [&](double seconds) {  // idle connections are closed, so each time anew
    Callers callers{bed.port, 8, [&] { return live_feed.single(); }};
    return callers.run(seconds, 200);
  };
  print("live events, 200 a second, before", live(5), 1);
  receiver.wait_for(1);
  const auto start = Steady::now();
  std::atomic<bool> drained{false};
  std::vector<Measured> meanwhile;
  std::thread beside{[&] {
    while (!drained) meanwhile.push_back(live(2));
  }};
  receiver.wait_for(set);
  const std::chrono::duration<double> took = Steady::now() - start;
  drained = true;
  beside.join();
  std::printf("%-52s %9.0f actions/s\n", "timers due at one instant, each a POST",
              static_cast<double>(set) / took.count());
  for (const auto& one : meanwhile) print("live events, 200 a second, meanwhile", one, 1);
}

void views(std::uint64_t deals) {
  Bed bed;
  Feed feed{bed.service->first_key()};
  Fields pipeline;
  pipeline.set(Field::kStages, Value{List{Value{Map{{"id", "demo"}}},
                                          Value{Map{{"id", "won"}, {"category", "won"}}},
                                          Value{Map{{"id", "lost"}, {"category", "lost"}}}}});
  bed.append(TypeId::kPipelineUpdated, {Kind::kPipeline, "sales"}, "p", pipeline);
  DW_ASSERT(bed.service->workspace().engine().wait_idle().has_value());
  std::vector<Event> batch;
  for (std::uint64_t i = 0; i < deals; ++i) {
    Event event;
    event.source = "bench";
    event.id = "d" + std::to_string(i);
    event.type = TypeId::kDealOpened;
    event.subject = {Kind::kDeal, "v" + std::to_string(i)};
    event.data.set(Field::kPipeline, Value{"sales"});
    event.data.set(Field::kAmount, Value{Money{static_cast<std::int64_t>(100 + i), Currency{}}});
    batch.push_back(std::move(event));
    if (batch.size() < 1'000 && i + 1 < deals) continue;
    DW_ASSERT(bed.service->workspace().append(batch).has_value());
    batch.clear();
  }
  DW_ASSERT(bed.service->workspace().engine().wait_idle().has_value());
  const auto get = [&](const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
           bed.service->first_key() + "\r\n\r\n";
  };
  std::uint64_t n = 0;
  const auto board = [&] { return get("/v1/views/board"); };
  const auto record = [&] {
    return get("/v1/records/deal/v" + std::to_string(n++ * 7919 % deals));
  };
  const auto measure = [&](const char* beside) {
    Measured of_boards;
    const auto begun = Steady::now();
    const auto cpu = cpu_s();
    std::thread other{[&] {
      Callers boards{bed.port, 16, board};
      of_boards = boards.run(5, 500);
    }};
    Callers records{bed.port, 16, record};
    const auto of_records = records.run(5, 500);
    other.join();
    print((std::string{"board, 500 a second, "} + beside).c_str(), of_boards, 1);
    print((std::string{"record, 500 a second, "} + beside).c_str(), of_records, 1);
    const std::chrono::duration<double> took = Steady::now() - begun;
    std::printf("%-52s %9.2f processors\n", "all of this", (cpu_s() - cpu) / took.count());
  };
  measure("warming up");
  measure("nothing beside it");
  std::atomic<bool> stop{false};
  Measured written;
  std::thread writer{[&] {
    Callers load{bed.port, 4, [&] { return feed.hundred(); }};
    while (!stop) written = load.run(1, 200);
  }};
  measure("20,000 events/s beside it");
  stop = true;
  writer.join();
  print("those events, in batches of 100", written, 100);
}

}  // namespace

int run(int count, char** arguments) {
  const std::string what = count > 1 ? arguments[1] : "";
  const auto number = static_cast<std::uint64_t>(count > 2 ? std::atoll(arguments[2]) : 0);
  if (what == "events") {
    events(number > 0 ? static_cast<double>(number) : 5);
  } else if (what == "actions") {
    actions(number > 0 ? static_cast<double>(number) : 5);
  } else if (what == "timers") {
    timers(number > 0 ? number : 100'000);
  } else if (what == "views") {
    views(number > 0 ? number : 100'000);
  } else {
    std::fprintf(stderr, "service_bench events|actions|timers|views [number]\n");
    return 2;
  }
  return 0;
}

}  // namespace dealwright::daemon

int main(int count, char** arguments) { return dealwright::daemon::run(count, arguments); }
