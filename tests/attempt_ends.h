// What attempts of a channel came to, waited for by name.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "engine/ports/channel.h"

namespace dealwright {

// Thread-safe; outlives the channel.
class AttemptEnds {
 public:
  std::function<void(AttemptResult)> done(std::string name) {
    return [this, name = std::move(name)](AttemptResult result) {
      const std::scoped_lock lock{mutex_};
      EXPECT_FALSE(results_.contains(name)) << name << " ended twice";
      results_[name] = std::move(result);
      changed_.notify_all();
    };
  }
  AttemptResult of(const std::string& name) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return results_.contains(name); });
    return results_[name];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, AttemptResult> results_;
};

}  // namespace dealwright
