// One partition's loop as a step function: catch up by folding recorded decisions, claim the lead,
// then decide, append, read back, release. No thread and no clock of its own: whoever owns it calls
// step() from one thread, and sleeps when there is nothing to do until wake() or next_due().
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/runtime/dispatch.h"
#include "engine/runtime/leader_turn.h"
#include "engine/runtime/partition_parts.h"
#include "engine/runtime/partition_status.h"
#include "engine/runtime/replay.h"
#include "engine/runtime/state.h"

namespace dealwright::runtime {

class Partition {
 public:
  // kDamaged: the state is ahead of the log, or does not fit it.
  static Result<std::unique_ptr<Partition>> open(const PartitionParts& parts,
                                                 PartitionOptions options,
                                                 std::function<void()> wake);
  ~Partition();  // once it returns, no wake runs any more

  // One step; false: nothing to do until wake() or next_due(). An error stops the partition for
  // good.
  Result<bool> step();
  std::optional<Instant> next_due();  // while the clock is held: when to look at it again
  // Leading (or a replica at the end), nothing in flight, nothing read and not decided, what it
  // sent is durable.
  bool idle() const;
  // Idle, and nothing is left in the log: it does not just wait for the disk.
  bool at_rest() const;

  // Runs `question` on the state; whatever it answers may leave when `released` is called: all that
  // the state held is durable by then. Owner thread.
  void ask(const std::function<void(State&)>& question, std::function<void()> released);
  // Whether what it says of a record may leave at once: nothing that is in flight changed it.
  bool is_settled(const RecordKey& key) {
    return in_flight_.empty() || state_->rests_on(key, confirmed_);
  }
  bool effects_wait() const;  // for a person's word, see PartitionOptions::effects_paused
  // Whether it is to claim the lead once it has folded all there is. One that leads and is not to
  // any more ends what it has begun, and follows.
  void lead(bool on) { options_.lead = on; }
  bool leads() const { return phase_ == Phase::kLeading; }
  // What waits for decisions that will not be read back goes, without being called.
  void forget_in_flight() {
    lost_.clear();
    in_flight_.clear();
  }
  // On the event clock: time goes on to `instant` though no fact says so.
  void advance_to(Instant instant);
  // An operator's word on time, durable as a barrier that every reader meets at the same place.
  // kConflict: it does not lead, or something is in flight: ask again. kInvalid: nothing to switch.
  // Lowers `now` to `to`, and begins a new clock epoch.
  Result<void> reset_clock(Instant to, std::string author);
  // A log on the clock of its events goes on by the wall.
  Result<void> switch_to_wall(std::string author);
  // While on, nothing is put off until there is company for it: somebody waits for idle().
  void hurry(bool on) { hurried_ = on; }
  // While held it decides nothing more, so that what is in flight drains: idle() without new work.
  void hold(bool on) { held_ = on; }
  bool drained() const { return in_flight_.empty() && phase_ != Phase::kClaiming; }
  // Drained, and what it sent is durable: events that wait do so until the next start.
  bool may_settle() const { return drained() && sends_on_way_ == 0; }
  // The log has said of each decision record what became of it, also behind an error. A wake
  // follows each answer.
  bool answered() const;
  // Writes the state down, for a clean stop. False: something is under way, call again after
  // wake() or next_due(). `patience`: attempts of effects that have not ended so long after the
  // first call are waited for no more; the ledger shows that they began. None: however long.
  Result<bool> settle(std::optional<Duration> patience = {});

  PartitionStatus status();
  PartitionGauges gauges();
  State& state() { return *state_; }  // owner thread; readers go through ask()

 private:
  enum class Phase : std::uint8_t { kFolding, kClaiming, kLeading, kStopped };
  struct InFlight {
    Position position = 0;  // that it will take
    Position through = 0;   // events that it covers
    Sha256 hash{};
    bool timers = false;  // it fires some
    std::vector<Send> sends;
    std::vector<std::function<void()>> releases;
  };
  struct Mail;  // from other threads
  Partition(const PartitionParts& parts, PartitionOptions options, std::function<void()> wake);
  Result<void> check_log();
  Result<bool> fold_step();
  Result<void> claim();
  Result<bool> take_mail();
  Result<void> read_back();
  Result<void> watch_for_others();
  bool hands_over() const {  // what is begun is ended, whatever is said meanwhile
    return phase_ == Phase::kLeading && (handing_over_ || !options_.lead);
  }
  bool hand_over();
  bool follow_attempts();
  void make_dispatch();
  Error stepped_down(Position at) const;
  void confirm(InFlight done);
  void tell_progress();
  void send_on(const std::vector<Send>& sends);
  Result<bool> decide();
  bool may_decide() const;
  Duration acks_wait() const;  // for company, from now on
  Result<bool> read_events();
  bool may_dispatch() const;
  bool say_outcomes();
  void take_unsaid();
  void leave_unsaid();
  void await_word();
  const Register* workspace_word() const;
  bool attempts_ended(std::optional<Duration> patience);
  void tell(Notice::What what, std::string detail = {}, std::string trace_id = {}) const;
  void watch_effects();
  void release(std::vector<std::function<void()>> then);
  void take_events(LeaderTurn& turn, DecisionHeader& header);
  Result<void> append(DecisionRecord record);
  std::uint64_t waiting_for_pipeline();
  void believe(Instant wall);
  Result<void> append_barrier(Barrier barrier, Instant now);
  Result<bool> generation_step();
  Result<void> refresh_decider();
  Instant leader_now();
  void point(std::string_view name) const {
    if (options_.at_point) options_.at_point(name);
  }

  PartitionParts parts_;
  PartitionOptions options_;
  std::unique_ptr<State> state_;
  std::unique_ptr<Folder> folder_;
  std::unique_ptr<Replay> replay_;
  std::shared_ptr<Decider> decider_;
  bool decider_known_ = false;
  Phase phase_ = Phase::kFolding;
  bool at_end_ = false;  // a replica that has folded all there is
  std::optional<Error> stopped_;
  std::deque<InFlight> in_flight_;
  std::deque<InFlight> lost_;     // of one that stopped
  std::size_t acknowledged_ = 0;  // of in_flight_: durable, not read back
  Position confirmed_ = 0;        // decisions up to here are read back
  Position confirmed_events_ = 0;
  std::pair<Position, Position> told_;  // by on_progress
  LogBatch events_;
  std::size_t next_event_ = 0;
  std::optional<LookAhead> look_ahead_;
  std::vector<SendAck> acks_;
  std::int64_t acks_since_us_ = 0;  // of the oldest
  std::size_t sends_on_way_ = 0;    // appended to other partitions' logs, not durable there yet
  // Partitions whose log takes nothing more: what is for them waits in the state for the next
  // start.
  std::set<std::uint32_t> out_of_reach_;
  bool held_ = false;
  bool handing_over_ = false;
  bool hurried_ = false;
  std::optional<Instant> advance_to_;
  std::string bytes_;                   // of the record being encoded
  std::unique_ptr<Dispatch> dispatch_;  // none: nothing leaves from here
  std::vector<std::string> unsaid_;     // outcomes that the log did not take
  std::optional<Instant> say_again_;
  // Facts folded when it began to lead: a word that effects wait for is newer.
  std::uint64_t led_at_ = ~std::uint64_t{0};
  std::optional<std::int64_t> settling_since_us_;
  std::optional<Instant> give_up_at_;  // ... what attempts come to
  std::optional<State::Frozen> frozen_;
  bool frozen_posted_ = false;
  // Clock guard: the wall is believed as long as it keeps step with the steady clock.
  std::optional<std::int64_t> steady_base_us_;
  Instant wall_base_;
  bool clock_held_ = false;
  std::shared_ptr<Mail> mail_;
};

}  // namespace dealwright::runtime
