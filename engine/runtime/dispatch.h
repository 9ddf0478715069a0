// Effects on their way out of one partition: what is due is judged, attempts are started in
// decision records, outcomes become facts (design.md 1, Effects; 7.13).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/ports/channel.h"
#include "engine/ports/clock.h"
#include "engine/runtime/cluster_key.h"
#include "engine/runtime/leader_turn.h"
#include "engine/runtime/state.h"

namespace dealwright::runtime {

struct DispatchLimits {
  std::size_t under_way = 256;   // attempts at once, of one partition
  std::size_t per_record = 512;  // effects that one decision record moves
};

// When an effect is tried again, and when no more: full jitter (reliability.md 6). `draw`: random.
// None: its time is over. REQUIRES: attempts > 0
std::optional<Instant> retry_time(const Effect& effect, std::uint32_t attempts,
                                  std::optional<Duration> asked, Instant now, std::uint64_t draw);

// The owner's thread, save what channels call back. State, log and channels outlive it.
class Dispatch {
 public:
  struct Place {
    PartitionId id = 0;
    std::span<Channel* const> channels;
    const ClusterKey& key;
    Random& random;
    std::function<void()> wake;  // may be called when whom it wakes is gone
    DispatchLimits limits;
  };
  Dispatch(State& state, Place place);

  // Something to decide on by `now`: effects that are due, attempts at their gates.
  bool wants(Instant now);
  std::optional<Instant> next_due();
  // Moves what is due, in the record under way. What comes back is run once the record was read
  // back, or dropped if it never is.
  std::vector<std::function<void()>> decide(LeaderTurn& turn, Instant now);
  // Facts that say what attempts came to, signed and encoded, for this partition's `events`.
  std::vector<std::string> take_outcomes(Instant now);
  bool idle() const;  // nothing is under way, no outcome is left to say
  // No attempt passes its gate any more; those under way end by themselves.
  void stop();

 private:
  struct UnderWay {
    std::uint32_t attempt = 0;
    bool passed = false;  // its start stands in a record
  };
  struct Mail;
  Channel* channel_of(const Effect& effect) const;
  bool room() const { return under_way_.size() < place_.limits.under_way; }
  void look_at(LeaderTurn& turn, const EffectId& id, std::vector<std::function<void()>>& then);
  void pass(LeaderTurn& turn, const EffectId& id, Channel::Gate gate,
            std::vector<std::function<void()>>& then);
  void send(const Attempt& attempt, Channel& channel);
  std::string fact_of(const EffectId& id, std::uint32_t attempt, const AttemptResult& result,
                      Instant now);

  State& state_;
  const Place place_;
  std::map<EffectId, UnderWay> under_way_;
  std::shared_ptr<Mail> mail_;  // channels may outlive this
  bool stopped_ = false;
};

}  // namespace dealwright::runtime
