#include "connectors/os/system_clock.h"

#include <sys/random.h>

#include <cerrno>
#include <chrono>

#include "engine/base/assert.h"

namespace dealwright::os {
namespace {

class SystemClock final : public Clock {
 public:
  Instant wall() const override {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return Instant{std::chrono::floor<std::chrono::milliseconds>(since).count()};
  }
  std::int64_t steady_us() const override {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
  }
};

class SystemRandom final : public Random {
 public:
  std::uint64_t next() override {
    std::uint64_t bits = 0;
    for (;;) {
      // So few bytes come whole or, before the kernel's pool is ready, after a wait.
      const auto count = ::getrandom(&bits, sizeof bits, 0);
      if (count == static_cast<ssize_t>(sizeof bits)) return bits;
      DW_ASSERT(count >= 0 || errno == EINTR);
    }
  }
};

}  // namespace

std::unique_ptr<Clock> make_system_clock() { return std::make_unique<SystemClock>(); }
std::unique_ptr<Random> make_system_random() { return std::make_unique<SystemRandom>(); }

}  // namespace dealwright::os
