// What the engine tells people who run it: few things, each worth a line of a log. No personal
// data: places, hashes, what a disk or a clock said.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "engine/ports/log.h"

namespace dealwright {

struct Notice {
  enum class What : std::uint8_t {
    kLeads,          // a partition is caught up and decides
    kStopped,        // it does not go on: detail says why
    kBack,           // it was opened again after it stopped
    kClockHeld,      // the clock jumped: nothing fires until it is vouched for
    kClockBelieved,  // ... and now it goes on
    kEffectUnknown,  // nobody knows whether an effect went out: detail has its id
  };
  What what = What::kLeads;
  PartitionId partition = 0;
  Position position = 0;  // events folded up to here
  std::string trace_id{};
  std::string detail{};
};
// Any thread. Must not block.
using Notify = std::function<void(const Notice&)>;

}  // namespace dealwright
