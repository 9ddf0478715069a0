// One decision in the making: judges events, asks the decider, folds what follows at once and
// writes it down as turns of the decision record.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "engine/domain/decision.h"
#include "engine/domain/dispatch_guard.h"
#include "engine/ports/decider.h"
#include "engine/runtime/cluster_key.h"
#include "engine/runtime/folder.h"
#include "engine/runtime/homes.h"

namespace dealwright::runtime {

inline constexpr std::uint32_t kDepthMax = 8;    // rules that trigger rules
inline constexpr std::uint32_t kFactsMax = 256;  // facts that one event may lead to
// A decision record never passes what the log takes: it is full at kBatchBytesMax; behind that
// comes at most what the last event leads to, its sends and its decision. What stands in the way of
// the ceiling all the same is refused.
inline constexpr std::size_t kBatchBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kSendsBytesMax = std::size_t{2} << 20;       // of one event
inline constexpr std::size_t kDecisionBytesMax = std::size_t{512} << 10;  // of one, else `budget`
inline constexpr std::size_t kCeilingBytes = (std::size_t{4} << 20) - (std::size_t{256} << 10);
inline constexpr std::size_t kDetailBytesMax = 1024;  // why something was refused
// Facts of deals that came before any pipeline did wait for the first one, set aside with this
// code; past so many bytes set aside they are refused (docs/adr/0007).
inline constexpr std::string_view kWaitsForPipeline = "no_pipeline_yet";
inline constexpr std::uint64_t kWaitingBytesMax = std::uint64_t{64} << 20;
inline constexpr std::size_t kTimersMax = 1024;  // fired by one record

// The owner's thread; lives for one decision record.
class LeaderTurn : public Turn {
 public:
  struct Place {
    std::uint32_t partition = 0;
    std::uint32_t partitions = 1;
    std::uint64_t decision_position = 0;  // that the record will take
    bool hold_timers = false;             // the clock is not believed: nothing fires
    bool others_write = false;            // see PartitionOptions
    bool alone = true;  // no record is in flight: all that was decided can be read back
  };
  LeaderTurn(State& state, Folder& folder, Decider* decider, const ClusterKey& key, Place place,
             Instant now)
      : state_{state}, folder_{folder}, decider_{decider}, key_{key}, where_{place}, now_{now} {}

  // Fires the timers due before it, then judges one event of the log, folds it and decides what
  // follows. False: nothing of the event was done, the record is full, or the event needs the rules
  // that an earlier one of the record changed.
  bool take_event(std::uint64_t position, std::string_view bytes);
  // Fires the timers due by `limit`, with the fold standing at `position`. False: the record is
  // full.
  bool fire_due(Instant limit, std::uint64_t position);
  void ack(SendAck ack);
  // What becomes of effects by themselves, behind all that is taken.
  void move_effect(EffectMoved moved);
  Passage judge_passage(const Effect& effect);
  void hold_back(const EffectId& id, const Passage& passage);  // REQUIRES: it is not to go
  Result<Map> content(const Effect& effect);                   // see Decider
  bool holds(std::string_view by);  // what effects are held_by: the workspace, a rule
  bool full() const { return bytes_ >= kBatchBytesMax; }
  // Writes down what others are to know of the events taken. REQUIRES: nothing is taken behind it
  void finish();

  Batch take_batch() { return std::move(batch_); }
  std::size_t bytes() const { return bytes_; }  // what the batch encodes to at most
  bool empty() const {
    return batch_.turns.empty() && batch_.acks.empty() && batch_.effects.empty();
  }

  Instant now() const override { return now_; }
  std::uint32_t partition() const override { return where_.partition; }
  std::uint32_t partitions() const override { return where_.partitions; }
  const Record* record(const RecordKey& key) override;
  const Enrolment* enrolment(const EnrolmentId& id) override;
  std::optional<Entry> entry(std::string_view rule, std::string_view key) override;
  std::optional<EffectState> effect_state(const EffectId& id) override;
  std::vector<EnrolmentId> watching(const RecordKey& key) override;
  bool change(Change change) override;
  bool budget_spent() const override { return spent_; }

 private:
  enum class Redriven : std::uint8_t { kGone, kStays, kLater };
  struct Judgement {
    Verdict verdict = Verdict::kAccepted;
    std::string code;
    std::string detail;
  };
  bool goes_with_change(const Event& event);
  void start(std::uint64_t position);
  void begin_decision();
  void take_timer(const TimerKey& timer, std::uint64_t position);
  Judgement judge_form(const Event& event, std::string_view bytes);
  static Judgement unreadable(std::string_view bytes, const Error& error);
  bool is_misplaced(const Event& event, std::string_view bytes) const;
  bool is_forged(const Event& event, std::string_view bytes) const;
  Judgement judge(const Event& event, std::uint64_t position);
  Judgement judge_repeats(const Event& event);
  Judgement judge_by_state(const Event& event);
  Judgement judge_fact(const Event& event);  // by state; what has to wait is set aside
  Judgement judge_refold(const Event& event);
  bool must_wait(const Event& event) const;
  void cancel_followers();
  std::optional<Judgement> judge_act_of(const Event& event);
  PassageCase case_of(const Effect& effect);
  void stop_mails(const Event& event);
  void act_on_enrolment(const Event& event);
  void refuse(const Event* event, std::string_view bytes, std::uint64_t position,
              const Judgement& judgement);
  bool for_others(const Event& event) const;
  void send_to_others(const Event& event);
  void send(Event event, std::uint32_t to, std::uint32_t hops = 0);
  void ask(const FoldedFact& fact);
  Homes homes() { return {state_, where_.partition, where_.partitions}; }
  bool leaves(const Event& event, std::string& key);
  void forward(const Event& event, std::string_view key, std::uint32_t to);
  void settle_home(const Event& event);
  Event message(std::string_view what, TypeId type);
  void tell_homes(std::uint32_t to);
  void tell_conflict(const HomeConflict& conflict, std::uint32_t by);
  std::string key_of_cause();
  void give_home(Event& event);
  void run_queue();
  void redrive(const Event& order);
  void redrive_behind(std::string_view key);
  void redrive_waiting();
  Redriven redrive_one(std::uint64_t position);
  void redrive_later(std::uint64_t position);
  void write(Change change, std::size_t bytes);
  bool fits(const Change& change, std::size_t bytes) const;
  bool over_budget(const Change& change);
  void go_on_with(std::string_view traceparent);
  std::string_view trace_kept(const EnrolmentId& id);
  void give_trace(Change& change);
  bool decide_fact(FactDecided fact);
  void fail_rule(const Event& event, std::string_view code, std::string_view detail);
  TurnRecord& turn();
  FactPlace place(std::uint32_t depth) const;

  State& state_;
  Folder& folder_;
  Decider* decider_;
  const ClusterKey& key_;
  const Place where_;
  Batch batch_;
  std::size_t bytes_ = 0;
  Instant now_;
  std::size_t fired_ = 0;
  Frame frame_;                               // of the event; reused
  std::deque<std::unique_ptr<Frame>> queue_;  // facts decided and not yet asked about
  std::optional<FoundFact> retracted_;        // what the event under way takes back
  struct NewHomes {
    Map homes;
    std::size_t bytes = 0;
  };
  std::map<std::uint32_t, NewHomes> homes_;  // by the partition that keeps them
  std::string home_key_;                     // of the event under way, if it does not say it
  std::uint32_t told_ = 0;
  // Of the turn under way:
  bool open_ = false;
  std::uint64_t position_ = 0;
  std::optional<TimerKey> timer_;
  std::string trace_;        // of what it is about
  std::uint32_t depth_ = 0;  // of the fact that is being asked about
  EnrolmentId made_by_;
  std::uint32_t index_ = 0;  // facts decided in the record so far
  bool later_ = false;       // what is left to redrive is ordered for a later record
  // Of the decision under way: what one event, one timer or one event that is redriven leads to.
  std::uint32_t facts_ = 0;
  std::size_t decision_bytes_ = 0;
  bool spent_ = false;
};

// Whether declared data is there and of its type: what decide relies on. Empty: sound, else why
// not.
std::string form_fault(const Event& event);
// Whether it is of a type that only the engine appends.
bool is_own(const Event& event);

}  // namespace dealwright::runtime
