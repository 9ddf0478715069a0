#include "connectors/os/system_clock.h"

#include <sys/random.h>
#include <time.h>

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
    // It counts on while the machine sleeps, so that waking up does not look like a set wall clock.
    struct timespec since {};
    DW_ASSERT(::clock_gettime(CLOCK_BOOTTIME, &since) == 0);
    return std::int64_t{since.tv_sec} * 1'000'000 + since.tv_nsec / 1000;
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
