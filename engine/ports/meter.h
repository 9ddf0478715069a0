// What the engine tells of its work while it does it: times and counts, for whoever watches. Told
// once a decision record, a sync or a change of an effect, never once an event. Fake:
// fake/fake_meter.h.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/domain/enrolment.h"
#include "engine/ports/log.h"

namespace dealwright {

// Thread-safe. Must not block.
class Meter {
 public:
  virtual ~Meter() = default;
  // A leader judged events and due timers and handed the decision record to the log.
  virtual void decided(PartitionId partition, std::int64_t us) = 0;
  // A recorded decision was folded: at a start, or by a replica.
  virtual void folded(PartitionId partition, std::int64_t us) = 0;
  // The log made a group of records durable; its events now end here.
  virtual void synced(PartitionId partition, std::int64_t us, Position events_end) = 0;
  // The leader of its partition moved an effect to that state, or requested it in that state.
  virtual void effect_moved(std::string_view channel, EffectState to) = 0;
  // A mail could not be made as records and templates are now.
  virtual void mail_incomplete() = 0;
};

// Nobody watches.
inline Meter& null_meter() {
  class NullMeter final : public Meter {
    void decided(PartitionId, std::int64_t) override {}
    void folded(PartitionId, std::int64_t) override {}
    void synced(PartitionId, std::int64_t, Position) override {}
    void effect_moved(std::string_view, EffectState) override {}
    void mail_incomplete() override {}
  };
  static NullMeter meter;
  return meter;
}

}  // namespace dealwright
