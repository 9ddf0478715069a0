#include "connectors/http/load.h"

#include <algorithm>
#include <cmath>

namespace dealwright::http {

bool Budget::take(std::size_t amount) {
  auto used = used_.load();
  do {
    if (used > limit_ || amount > limit_ - used) return false;
  } while (!used_.compare_exchange_weak(used, used + amount));
  return true;
}

Buckets::Bucket& Buckets::bucket(const std::string& name, std::int64_t now_us) {
  auto found = young_.find(name);
  if (found == young_.end()) {
    if (young_.size() >= entries_ / 2 + 1) {
      old_ = std::move(young_);
      young_.clear();
    }
    const auto before = old_.find(name);
    const auto start = before == old_.end() ? Bucket{rate_.burst, now_us} : before->second;
    found = young_.emplace(name, start).first;
  }
  auto& bucket = found->second;
  if (now_us > bucket.at_us) {
    const auto passed_s = static_cast<double>(now_us - bucket.at_us) / 1e6;
    bucket.tokens = std::min(rate_.burst, bucket.tokens + passed_s * rate_.per_s);
    bucket.at_us = now_us;
  }
  return bucket;
}

bool Buckets::take(const std::string& name, std::int64_t now_us) {
  if (rate_.per_s <= 0) return true;
  const std::lock_guard lock{mutex_};
  auto& mine = bucket(name, now_us);
  if (mine.tokens < 1) return false;
  mine.tokens -= 1;
  return true;
}

bool Buckets::has(const std::string& name, std::int64_t now_us) {
  if (rate_.per_s <= 0) return true;
  const std::lock_guard lock{mutex_};
  return bucket(name, now_us).tokens >= 1;
}

int Buckets::wait_s() const {
  if (rate_.per_s <= 0) return 1;
  return static_cast<int>(std::clamp(std::ceil(1 / rate_.per_s), 1.0, 3'600.0));
}

bool Addresses::enter(const std::string& address) {
  const std::lock_guard lock{mutex_};
  auto& count = counts_[address];
  if (count >= each_max_) return false;
  ++count;
  return true;
}

void Addresses::leave(const std::string& address) {
  const std::lock_guard lock{mutex_};
  const auto found = counts_.find(address);
  if (found != counts_.end() && --found->second == 0) counts_.erase(found);
}

}  // namespace dealwright::http
