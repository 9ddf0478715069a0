// The processes on one log tell each other that they are there, in the topic `<prefix>.members`: a
// heartbeat each some times a second, which nobody needs a minute later. What they hear suggests
// who claims which partition; the log decides.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "connectors/kafka_log/kafka_log.h"

namespace dealwright::kafka_log {

// What a process tells of itself.
struct Heartbeat {
  std::string node;
  std::vector<PartitionId> leads;  // rising
  bool leaving = false;
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};
std::string to_text(const Heartbeat& heartbeat);  // JSON
// kInvalid.
Result<Heartbeat> parse_heartbeat(std::string_view text);

struct MembersSettings {
  std::string node;
  Duration every = milliseconds(100);    // between two heartbeats
  Duration silence = milliseconds(600);  // who is not heard for so long is gone
  // What this process leads now; called on the thread of the members.
  std::function<std::vector<PartitionId>()> leads;
  // Who is there, this process among them, in the order of their names; called when that changed,
  // on the thread of the members. Not called as long as it does not hear itself: then it knows
  // nothing of the others either.
  std::function<void(const std::vector<Heartbeat>&)> on_members;
};

class Members {
 public:
  virtual ~Members() = default;  // says that it leaves; on_members is not called any more
  // Hands over: it is told that this process leaves, and its on_members still called.
  virtual void leave() = 0;
};

// The topic is made if it is not there. kRefused, kIo: Kafka's.
Result<std::unique_ptr<Members>> join(const Clock& clock, const Options& options,
                                      MembersSettings settings);

}  // namespace dealwright::kafka_log
