#include "connectors/webhook/resolver.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace dealwright::webhook {
namespace {

Result<std::vector<IpAddress>> look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  // With a dot at its end no search domain of this machine is tried.
  const auto name = host.find('.') == std::string::npos ? host : host + ".";
  const int code = ::getaddrinfo(name.c_str(), nullptr, &hints, &list);
  if (code != 0)
    return Error{Code::kNotFound, fmt::format("{} has no address: {}", host, ::gai_strerror(code)),
                 true};
  std::vector<IpAddress> out;
  for (const auto* one = list; one != nullptr; one = one->ai_next) {
    IpAddress address;
    address.v6 = one->ai_family == AF_INET6;
    if (address.v6) {
      sockaddr_in6 in{};
      std::memcpy(&in, one->ai_addr, sizeof in);
      std::memcpy(address.bytes.data(), &in.sin6_addr, 16);
    } else if (one->ai_family == AF_INET) {
      sockaddr_in in{};
      std::memcpy(&in, one->ai_addr, sizeof in);
      std::memcpy(address.bytes.data(), &in.sin_addr, 4);
    } else {
      continue;
    }
    out.push_back(address);
  }
  ::freeaddrinfo(list);
  return out;
}

}  // namespace

Resolve system_resolve() { return look_up; }

struct Resolver::State {
  Resolve resolve;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> jobs;
  std::vector<std::optional<Found>> under_way;  // by thread: who hears of its look-up
  std::vector<bool> looking;                    // by thread: it is in a look-up
  bool closing = false;
};

Resolver::Resolver(Resolve resolve, std::size_t threads) : state_{std::make_shared<State>()} {
  state_->resolve = std::move(resolve);
  state_->under_way.resize(threads);
  state_->looking.resize(threads);
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([state = state_, i] { run(state, i); });
  }
}

Resolver::~Resolver() {
  give_up();
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    bool looking = false;
    {
      const std::scoped_lock lock{state_->mutex};
      looking = state_->looking[i];
    }
    if (looking) {
      threads_[i].detach();  // it holds the state, and nobody hears of it
    } else {
      threads_[i].join();
    }
  }
}

void Resolver::find(std::string host, Found found) {
  {
    const std::scoped_lock lock{state_->mutex};
    if (!state_->closing) {
      state_->jobs.push_back({std::move(host), std::move(found)});
      state_->changed.notify_one();
      return;
    }
  }
  found(Error{Code::kClosed, "we shut down"});
}

void Resolver::give_up() {
  std::vector<Found> left;
  {
    const std::scoped_lock lock{state_->mutex};
    state_->closing = true;
    for (auto& job : state_->jobs) left.push_back(std::move(job.found));
    state_->jobs.clear();
    for (auto& found : state_->under_way) {
      if (found) left.push_back(std::move(*found));
      found.reset();
    }
    state_->changed.notify_all();
  }
  for (auto& found : left) found(Error{Code::kClosed, "we shut down"});
}

void Resolver::run(const std::shared_ptr<State>& state, std::size_t thread) {
  for (;;) {
    std::string host;
    {
      std::unique_lock lock{state->mutex};
      state->changed.wait(lock, [&] { return state->closing || !state->jobs.empty(); });
      if (state->closing) return;
      host = std::move(state->jobs.front().host);
      state->under_way[thread] = std::move(state->jobs.front().found);
      state->jobs.pop_front();
      state->looking[thread] = true;
    }
    auto addresses = state->resolve(host);
    std::optional<Found> found;
    {
      const std::scoped_lock lock{state->mutex};
      found.swap(state->under_way[thread]);
      state->looking[thread] = false;
    }
    if (found) (*found)(std::move(addresses));
  }
}

}  // namespace dealwright::webhook
