// Attempts under way, and what they came to until the log has it. Outlives the partition that began
// them: one that is closed for a full disk, say, leaves it to its successor.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/ports/channel.h"

namespace dealwright::runtime {

struct Attempts {
  struct UnderWay {
    std::uint32_t attempt = 0;
    bool passed = false;  // its start stands in a record that was read back
    bool sent = false;    // its channel has it, and says how it ends
    std::string host;     // "": of none
  };
  struct AtGate {
    EffectId id{};
    std::uint32_t attempt = 0;
    Channel::Gate gate;
  };
  struct Done {
    EffectId id{};
    std::uint32_t attempt = 0;
    AttemptResult result;
  };

  std::map<EffectId, UnderWay> under_way;  // the thread of the partition that has it

  // The rest: any thread, under the mutex.
  std::mutex mutex;
  std::vector<AtGate> at_gate;
  std::vector<Done> done;
  std::vector<std::string> unsaid;  // facts that the log did not take
  std::size_t saying = 0;           // facts on their way into the log
  std::set<std::string> rooms;      // hosts that were full, and are not now
  std::function<void()> wake;  // of the partition that has it now; may be called when it is gone

  // Changes it from another thread, and wakes whoever has it.
  template <class Put>
  void tell(Put put) {
    std::function<void()> call;
    {
      const std::lock_guard lock{mutex};
      put(*this);
      call = wake;
    }
    if (call) call();
  }
};

}  // namespace dealwright::runtime
