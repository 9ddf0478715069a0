#include "connectors/webhook/resolver.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cstring>

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

Resolver::Resolver(Resolve resolve, std::size_t threads) : resolve_{std::move(resolve)} {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

Resolver::~Resolver() {
  {
    const std::scoped_lock lock{mutex_};
    closing_ = true;
    changed_.notify_all();
  }
  for (auto& thread : threads_) thread.join();
}

void Resolver::find(std::string host, Found found) {
  const std::scoped_lock lock{mutex_};
  jobs_.push_back({std::move(host), std::move(found)});
  changed_.notify_one();
}

void Resolver::run() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, [&] { return closing_ || !jobs_.empty(); });
      if (closing_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job.found(resolve_(job.host));
  }
}

}  // namespace dealwright::webhook
