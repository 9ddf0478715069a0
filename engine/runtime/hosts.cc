#include "engine/runtime/hosts.h"

#include <algorithm>
#include <utility>

namespace dealwright::runtime {
namespace {
constexpr Duration kRetryLater = minutes(1);
constexpr std::size_t kEndedMax = 1000;
}  // namespace

// REQUIRES: mutex held
Hosts::Host& Hosts::at(const std::string& name, Instant now) {
  const auto it = hosts_.find(name);
  if (it != hosts_.end()) {
    it->second.used = now;
    return it->second;
  }
  if (hosts_.size() >= limits_.hosts_max) {  // the one that was asked about longest ago
    auto oldest = hosts_.end();
    for (auto one = hosts_.begin(); one != hosts_.end(); ++one) {
      const bool rests = one->second.under_way == 0 && one->second.waiting.empty();
      if (rests && (oldest == hosts_.end() || one->second.used < oldest->second.used)) oldest = one;
    }
    if (oldest != hosts_.end()) hosts_.erase(oldest);
  }
  auto& host = hosts_[name];
  host.parallel = limits_.parallel_first;
  host.retries = limits_.retries_free;
  host.counted = host.used = now;
  host.pause = limits_.probe_first;
  return host;
}

// REQUIRES: mutex held
bool Hosts::is_full(const Host& host, Instant now) {
  if (host.down) return now >= host.probe_at && host.probing;
  return host.under_way >= static_cast<std::uint32_t>(host.parallel);
}

bool Hosts::full(const std::string& name, Instant now, const std::function<void()>& room) {
  const std::lock_guard lock{mutex_};
  auto& host = at(name, now);
  if (!is_full(host, now)) return false;
  host.waiting.push_back(room);
  return true;
}

Hosts::Answer Hosts::begin(const std::string& name, bool retry, Instant now,
                           const std::function<void()>& room) {
  using Say = Answer::Say;
  const std::lock_guard lock{mutex_};
  auto& host = at(name, now);
  if (host.down && now < host.probe_at) {
    return {Say::kWait, host.probe_at, "host_down: " + name};
  }
  if (is_full(host, now)) {
    host.waiting.push_back(room);
    return {Say::kFull, {}, (host.down ? "host_down: " : "host_full: ") + name};
  }
  if (host.down) {
    host.probing = true;
    ++host.under_way;
    return {};
  }
  if (retry) {
    const auto minutes_gone = static_cast<double>((now - host.counted).ms) / 60'000;
    host.retries = std::min(std::max(host.retries, limits_.retries_free),
                            host.retries + minutes_gone * limits_.retries_free);
    host.counted = now;
    if (host.retries < 1) return {Say::kWait, now + kRetryLater, "host_retries: " + name};
    host.retries -= 1;
  } else {
    host.retries = std::min(10 * limits_.retries_free, host.retries + limits_.retry_share);
  }
  ++host.under_way;
  return {};
}

// REQUIRES: mutex held
void Hosts::judge(Host& host, bool failed, Instant now) {
  host.parallel = failed ? std::max<double>(limits_.parallel_first, host.parallel / 2)
                         : std::min<double>(limits_.parallel_max, host.parallel + 1);
  if (host.down) {
    host.probing = false;
    if (failed) {
      host.pause = std::min(limits_.probe_max, host.pause + host.pause);
      host.probe_at = now + host.pause;
    } else {
      host.down = false;
      host.pause = limits_.probe_first;
      host.ended.clear();
    }
    return;
  }
  std::erase_if(host.ended, [&](const auto& one) { return one.first + limits_.window <= now; });
  if (host.ended.size() >= kEndedMax) host.ended.erase(host.ended.begin());
  host.ended.emplace_back(now, failed);
  const auto bad = static_cast<std::size_t>(std::count_if(
      host.ended.begin(), host.ended.end(), [](const auto& one) { return one.second; }));
  host.down = host.ended.size() >= limits_.judged_from && 2 * bad >= host.ended.size();
  if (!host.down) return;
  host.probe_at = now + host.pause;
  host.stale = host.under_way;
}

void Hosts::end(const std::string& name, How how, Instant now) {
  std::vector<std::function<void()>> waiting;
  {
    const std::lock_guard lock{mutex_};
    auto& host = at(name, now);
    if (host.under_way > 0) --host.under_way;
    if (host.down && host.stale > 0) {
      --host.stale;
    } else if (how == How::kNothing) {
      host.probing = false;
    } else {
      judge(host, how == How::kFailed, now);
    }
    waiting.swap(host.waiting);
  }
  for (const auto& room : waiting) room();
}

}  // namespace dealwright::runtime
