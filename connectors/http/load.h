// What the server has taken on, counted against its limits. Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "connectors/http/limits.h"

namespace dealwright::http {

// A sum that may not go past its limit; what must be counted all the same (an answer already made)
// may, and then nothing new is taken until it has gone down.
class Budget {
 public:
  explicit Budget(std::size_t limit) : limit_{limit} {}
  bool take(std::size_t amount);
  void force(std::size_t amount) { used_ += amount; }
  void give_back(std::size_t amount) { used_ -= amount; }
  std::size_t used() const { return used_; }

 private:
  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
};

// A part of a budget, given back at the end.
class Share {
 public:
  explicit Share(Budget& budget) : budget_{&budget} {}
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;
  ~Share() { budget_->give_back(held_); }
  bool take(std::size_t amount) {
    if (!budget_->take(amount)) return false;
    held_ += amount;
    return true;
  }
  void force(std::size_t amount) {
    budget_->force(amount);
    held_ += amount;
  }
  void give_back() { budget_->give_back(std::exchange(held_, 0)); }

 private:
  Budget* budget_;
  std::size_t held_ = 0;
};

// Token buckets by name. Remembers at most `entries` of them, in two generations: when the young
// one is full it becomes the old one, and what nobody asked for since is forgotten, as good as
// refilled.
class Buckets {
 public:
  Buckets(Rate rate, std::size_t entries) : rate_{rate}, entries_{entries} {}
  // Takes one token. False: none is left.
  bool take(const std::string& name, std::int64_t now_us);
  // Whether one is left, without taking it.
  bool has(const std::string& name, std::int64_t now_us);
  // Until one token is back, at least 1.
  int wait_s() const;

 private:
  struct Bucket {
    double tokens = 0;
    std::int64_t at_us = 0;
  };
  Bucket& bucket(const std::string& name, std::int64_t now_us);

  const Rate rate_;
  const std::size_t entries_;
  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> young_, old_;
};

// How many connections each address has.
class Addresses {
 public:
  explicit Addresses(std::size_t each_max) : each_max_{each_max} {}
  bool enter(const std::string& address);
  void leave(const std::string& address);

 private:
  const std::size_t each_max_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::size_t> counts_;
};

}  // namespace dealwright::http
