#include "engine/runtime/budget.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

namespace dealwright::runtime {
namespace {

constexpr double kHourMs = 3'600'000;
constexpr Duration kBurst = minutes(1);  // what was not used in it may leave at once
constexpr std::size_t kDomainsMax = 10'000;
constexpr std::size_t kPlacesMax = 1'000'000;
constexpr Duration kNoPlaceFor = minutes(10);

std::string domain_of(std::string_view address) {
  const auto at = address.rfind('@');
  std::string out{at == std::string_view::npos ? address : address.substr(at + 1)};
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

Duration each_of(double rate) {
  return milliseconds(rate > 0 ? static_cast<std::int64_t>(std::ceil(kHourMs / rate)) : 0);
}

}  // namespace

// What was walked over once is skipped next time.
Instant Budget::Calendar::room_from(Instant at) {
  std::vector<std::int64_t*> passed;
  const auto first = number(at);
  auto free = first;
  for (auto it = taken_.find(free); it != taken_.end(); it = taken_.find(free)) {
    passed.push_back(&it->second);
    free = std::max(free + 1, it->second);
  }
  for (auto* one : passed) *one = free;
  return free == first ? at : Instant{base_ms_ + free * each_.ms};
}

void Budget::Calendar::forget_before(Instant now) {
  taken_.erase(taken_.begin(), taken_.lower_bound(number(now)));
  if (taken_.empty()) base_ms_ = now.ms;
}

struct Budget::Tier {
  Duration each;
  double rate;  // of the workspace
  Buckets& buckets;
  std::string_view code, whom;
  Bucket* bucket = nullptr;
};

Budget::Budget(Rates rates, std::uint32_t shares)
    : rates_{std::move(rates)},
      all_each_{each_of(rates_.all / shares)},
      provider_each_{each_of(rates_.provider / shares)},
      domain_each_{each_of(rates_.domain / shares)},
      sweep_at_{kDomainsMax} {}

Budget::Answer Budget::ask(const EffectId& id, std::string_view address, Instant now, Instant end) {
  if (all_each_ == Duration{} && provider_each_ == Duration{} && domain_each_ == Duration{})
    return {};
  const auto domain = domain_of(address);
  const auto known = rates_.providers.find(domain);
  const bool provided = known != rates_.providers.end();
  Tier tiers[] = {
      {all_each_, rates_.all, all_, "budget_workspace", {}},
      {provided ? provider_each_ : Duration{}, rates_.provider, providers_, "budget_provider",
       provided ? std::string_view{known->second} : std::string_view{}},
      {domain_each_, rates_.domain, domains_, "budget_domain", domain},
  };
  const auto each = [&](auto&& act) {
    for (auto& tier : tiers) {
      if (tier.each.ms > 0) act(tier);
    }
  };
  bool waited = false;
  if (const auto it = places_.find(id); it != places_.end()) {
    if (it->second > now) return {it->second, "budget"};
    waited = true;
    places_.erase(it);
  }
  forget_old(now);
  auto at = now;
  const Tier* last = nullptr;  // that it waits for
  const auto later = [&](Instant than, const Tier& tier) {
    if (than <= at) return false;
    at = than;
    last = &tier;
    return true;
  };
  each([&](Tier& tier) {
    const auto found = tier.buckets.find(tier.whom);
    tier.bucket = found != tier.buckets.end()
                      ? &found->second
                      : &tier.buckets.try_emplace(std::string{tier.whom}, tier.each).first->second;
    tier.bucket->calendar.forget_before(now);
    later(tier.bucket->next, tier);
  });
  if (last == nullptr && !waited) {
    // Not in front of those that were told this instant; if they do not come, some is left over.
    each([&](const Tier& tier) {
      const bool over = tier.bucket->next + tier.each <= now;
      if (!over) later(tier.bucket->calendar.room_from(now), tier);
    });
  }
  if (last == nullptr) {
    each([&](const Tier& tier) {
      tier.bucket->next = std::max(tier.bucket->next, now - kBurst) + tier.each;
      if (!waited) tier.bucket->calendar.take(now);
    });
    return {};
  }
  for (bool moved = true; moved;) {
    moved = false;
    each([&](const Tier& tier) {
      moved = later(tier.bucket->calendar.room_from(at), tier) || moved;
    });
  }
  auto reason =
      std::string{last->code} + ": " + std::to_string(static_cast<std::int64_t>(last->rate)) + "/h";
  if (!last->whom.empty()) reason += " to " + std::string{last->whom};
  if (at >= end) return {std::max(end, now + milliseconds(1)), std::move(reason)};
  if (places_.size() >= kPlacesMax) return {std::max(at, now + kNoPlaceFor), std::move(reason)};
  each([&](const Tier& tier) { tier.bucket->calendar.take(at); });
  places_.emplace(id, at);
  return {at, std::move(reason)};
}

// Domains that nobody writes to, places of mails that ended elsewhere. Seldom.
void Budget::forget_old(Instant now) {
  if (domains_.size() >= sweep_at_) {
    for (auto it = domains_.begin(); it != domains_.end();) {
      it->second.calendar.forget_before(now);
      const bool idle = it->second.calendar.empty() && it->second.next <= now - kBurst;
      it = idle ? domains_.erase(it) : std::next(it);
    }
    sweep_at_ = std::max(kDomainsMax, 2 * domains_.size());
  }
  if (places_.size() >= kPlacesMax)
    std::erase_if(places_, [&](const auto& one) { return one.second + kNoPlaceFor < now; });
}

}  // namespace dealwright::runtime
