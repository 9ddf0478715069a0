#include "engine/runtime/budget.h"

#include <algorithm>

namespace dealwright::runtime {
namespace {

constexpr double kHourMs = 3'600'000;
constexpr Duration kBurst = minutes(1);  // what was not used in it may go at once
constexpr std::size_t kDomainsMax = 10'000;
constexpr std::size_t kPlacesMax = 100'000;

std::string domain_of(std::string_view address) {
  const auto at = address.rfind('@');
  std::string out{at == std::string_view::npos ? address : address.substr(at + 1)};
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

Duration apart(double rate) { return milliseconds(static_cast<std::int64_t>(kHourMs / rate) + 1); }

}  // namespace

Instant Budget::slot(const Bucket& bucket, double rate, Instant now) const {
  return rate > 0 ? std::max(now, bucket.next) : now;
}

void Budget::take(Bucket& bucket, double rate, Instant at) const {
  if (rate > 0) bucket.next = std::max(bucket.next, at - kBurst) + apart(rate);
}

Budget::Answer Budget::ask(const EffectId& id, std::string_view address, Instant now) {
  if (rates_.all <= 0 && rates_.domain <= 0) return {};
  if (const auto it = places_.find(id); it != places_.end()) {
    if (it->second > now) return {it->second, "budget"};
    places_.erase(it);
    return {};
  }
  auto domain = domain_of(address);
  if (domains_.size() >= kDomainsMax) {
    std::erase_if(domains_, [&](const auto& one) { return one.second.next <= now; });
  }
  auto& bucket = domains_[domain];
  const auto by_all = slot(all_, rates_.all, now);
  const auto by_domain = slot(bucket, rates_.domain, now);
  const auto at = std::max(by_all, by_domain);
  take(all_, rates_.all, at);
  take(bucket, rates_.domain, at);
  if (at <= now) return {};
  if (places_.size() < kPlacesMax) places_.emplace(id, at);
  const bool domains = by_domain >= by_all;
  return {at, domains
                  ? "budget_domain: " + std::to_string(static_cast<std::int64_t>(rates_.domain)) +
                        "/h to " + domain
                  : "budget_workspace: " + std::to_string(static_cast<std::int64_t>(rates_.all)) +
                        "/h"};
}

}  // namespace dealwright::runtime
