// Effects on their way out of one partition: what is due is judged, attempts are started in
// decision records, outcomes become facts (design.md 1, Effects; 7.13).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/ports/channel.h"
#include "engine/ports/clock.h"
#include "engine/runtime/attempts.h"
#include "engine/runtime/budget.h"
#include "engine/runtime/cluster_key.h"
#include "engine/runtime/hosts.h"
#include "engine/runtime/leader_turn.h"
#include "engine/runtime/retry_time.h"
#include "engine/runtime/state.h"

namespace dealwright::runtime {

struct DispatchLimits {
  std::size_t under_way = 256;   // attempts at once, of one partition
  std::size_t per_record = 512;  // effects that one decision record moves
  std::size_t parked = 65'536;   // due, and their host has no room: more come again in 30 s
  Budget::Rates mails;           // of the workspace, a share for each partition
};

// The owner's thread, save what channels call back. State, log and channels outlive it.
class Dispatch {
 public:
  struct Place {
    PartitionId id = 0;
    std::uint32_t partitions = 1;
    std::span<Channel* const> channels;
    const ClusterKey& key;
    Random& random;
    DispatchLimits limits;
    std::shared_ptr<Attempts> attempts;  // with a `wake`; those of one before are gone on with
    Hosts* hosts = nullptr;              // none: no limits by host
  };
  Dispatch(State& state, Place place);

  // Something to decide on by `now`: effects that are due, attempts at their gates.
  bool wants(Instant now);
  std::optional<Instant> next_due();
  // Moves what is due, in the record under way. What comes back is run once the record was read
  // back, or dropped if it never is.
  std::vector<std::function<void()>> decide(LeaderTurn& turn, Instant now);
  // Facts that say what attempts came to, and which rules' fuses blew: signed and encoded, for this
  // partition's `events`.
  std::vector<std::string> take_facts(Instant now);
  bool idle() const;  // nothing is under way, no outcome is left to say
  // Ends what is over, and what was never sent, at its hosts.
  void give_up_hosts();
  // Those that wait at their gate do not pass it.
  void turn_away();
  // No attempt passes its gate any more; those under way end by themselves.
  void stop();

 private:
  using Then = std::vector<std::function<void()>>;
  Channel* channel_of(const Effect& effect) const;
  bool room() const { return attempts().under_way.size() < place_.limits.under_way; }
  Attempts& attempts() const { return *place_.attempts; }
  void wake_held(LeaderTurn& turn);
  static EffectId behind(EffectId id);
  void try_incomplete(LeaderTurn& turn, Then& then);
  enum class Why : std::uint8_t { kDue, kRoom, kTexts };
  void look_at(LeaderTurn& turn, const EffectId& id, Then& then, Why why = Why::kDue);
  void unpark(LeaderTurn& turn, Then& then);
  bool park(const std::string& host, const EffectId& id, bool first);
  std::function<void()> room_at(const std::string& host) const;
  bool interrupted(LeaderTurn& turn, const Effect& effect);
  bool let_go(LeaderTurn& turn, const Effect& effect, const std::string& host);
  void hold_back(LeaderTurn& turn, const Effect& effect, const Passage& passage);
  void pass(LeaderTurn& turn, const EffectId& id, Channel::Gate gate, Then& then);
  void send(const Attempt& attempt, Channel& channel);
  std::string fact_of(const EffectId& id, std::uint32_t attempt, bool passed,
                      const AttemptResult& result, Instant now);
  std::string encoded(Event event) const;
  void announce(LeaderTurn& turn, const Effect& effect);

  State& state_;
  const Place place_;
  Budget budget_;
  std::optional<std::uint64_t> seen_texts_;  // of Reference::mail_texts
  std::optional<EffectId> texts_from_;       // what could not be made is tried from here on
  std::map<std::string, std::deque<EffectId>> parked_;  // by host: due, it had no room
  std::size_t parked_count_ = 0;
  std::optional<std::uint64_t> seen_;         // reference facts up to here are reckoned with
  std::optional<State::Held> held_from_;      // held effects are looked through from here on
  std::set<std::string, std::less<>> blown_;  // rules whose fuse was announced
  std::vector<std::string> facts_;
  bool stopped_ = false;
};

}  // namespace dealwright::runtime
