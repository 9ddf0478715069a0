// A second, slow fold of the two logs: full lists of facts, no cache, no short cuts. What it says
// is compared with the engine, key by key.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/domain/decision.h"
#include "engine/domain/set_aside.h"
#include "tests/oracle/canon.h"

namespace dealwright::oracle {

// When an effect is looked at again: a table.
std::optional<Instant> looked_at(const Effect& effect, std::optional<Instant> retry_at);

class Oracle {
 public:
  // Of how many partitions this is one: they share what a rule may let out.
  std::size_t partitions = 1;
  // An event as it stands in the log. Call for every position before a decision that covers it.
  void add_event(std::uint64_t position, const std::string& bytes) { log_[position] = bytes; }
  // Folds a decision record; one that is not accepted changes nothing. An error: what is wrong with
  // it, "" if nothing.
  std::string add_decision(std::uint64_t position, const std::string& bytes);

  Dump dump() const;
  std::string ask(const Question& question) const;
  Instant now() const { return now_; }
  std::uint64_t events() const { return events_; }
  std::uint64_t decisions() const { return decisions_; }
  // Facts, for figures that no view shows yet.
  const std::map<RecordKey, Facts>& facts() const { return facts_; }
  const std::map<EffectId, Effect>& effects() const { return effects_; }
  const std::map<EnrolmentId, Enrolment>& enrolments() const { return enrolments_; }
  const PipelineBook& pipelines() const { return pipelines_; }
  std::size_t times_taken_back() const { return former_.size(); }

 private:
  struct Place {
    std::uint64_t position = 0;
    std::uint64_t decision = 0;
    std::uint32_t index = 0;
    bool decided = false;  // the fact stands in the decision record, not in `events`
  };
  // A fact as it came in; `out`: taken back since.
  struct Told {
    Event event;
    Place place;
    Instant ingested;
    std::uint64_t order = 0;
    bool out = false;
    RecordKey holder;
    std::optional<std::size_t> took;  // of a retraction: which fact
  };
  void fold_batch(const DecisionRecord& record, std::uint64_t position);
  void fold_event(std::uint64_t position, const TurnRecord* turn, std::uint64_t decision);
  std::optional<bool> is_new(const Event& event, bool counts);
  void fold_turn(const TurnRecord& turn, std::uint64_t decision);
  void apply(const Change& change, const TurnRecord& turn, std::uint64_t decision);
  void fold_fact(const Event& event, const Place& place);
  void fold_reference(const Event& event, Stamp stamp);
  void tell(Told& told, bool first);
  void tell_anew();
  void retract(Told& told);
  void unmerge(const RecordKey& loser);
  void add_implied(const RecordKey& other, const Fact& fact, const Place& place, bool first);
  Instant newest_of(const RecordKey& key) const;
  const std::map<RecordKey, Facts>& facts_known_by(Instant known_by) const;
  void set_aside(std::uint64_t position, const TurnRecord& turn, const Event* event);
  void note(const RecordKey& subject, std::uint64_t decision);
  void give_turn(const Enrolment& enrolment);
  void end(const EnrolmentEnded& change, std::uint64_t decision);
  void move_effect(const EffectMoved& moved);
  Effect* effect_named(const Event& event);
  void take_outcome(const Event& event);
  void take_act(const Event& event);
  void take_word(const Event& event);
  void take_of_effects(const Event& event);
  void settle(const Effect& effect, EffectState before);
  bool is_marketing(const std::string& purpose) const;
  void dump_effects(Dump& out) const;
  void count(const std::string& rule, const std::string& counter, std::int64_t by);
  std::string rule_of(const EnrolmentId& id) const;
  RecordKey winner_of(RecordKey key) const;
  Values values(const RecordKey& key) const;
  std::map<RecordKey, std::vector<EnrolmentId>> watchers() const;
  std::vector<TimerKey> timers() const;

  std::string ask_board(const ViewQuery& query) const;
  std::string ask_deals(const ViewQuery& query) const;
  std::string ask_cycle() const;
  std::string ask_tasks(const ViewQuery& query) const;
  std::string ask_automation() const;
  std::string ask_notices() const;

  std::map<std::uint64_t, std::string> log_;
  std::vector<Told> told_;
  std::map<RecordKey, Facts> facts_;
  // What was known before facts were taken back, and until when.
  std::vector<std::pair<Instant, std::map<RecordKey, Facts>>> former_;
  std::map<RecordKey, std::vector<HistoryEntry>> history_;
  std::map<RecordKey, std::string> merged_into_;
  PipelineBook pipelines_;
  std::vector<std::pair<std::uint64_t, Value>> declared_;  // by the order of schema.updated
  std::map<EnrolmentId, Enrolment> enrolments_;
  std::map<std::pair<std::string, std::string>, Entry> entries_;
  std::map<EffectId, Effect> effects_;
  // Mails that started, in order, with how long each counts.
  struct Mailed {
    Instant at;
    EffectId effect{};
    Duration kept;
    bool marketing = false;
  };
  std::map<std::string, std::vector<Mailed>> mailed_;  // by whom they went to
  struct Left {
    Instant at;
    std::uint32_t version = 0;
  };
  std::map<std::string, std::vector<Left>> left_;      // by rule: effects, when first
  std::map<std::string, std::size_t> vouched_behind_;  // by rule: resumed behind how many that left
  std::vector<std::pair<std::uint64_t, Value>> purposes_;  // as declared, by order
  std::map<std::uint64_t, SetAside> aside_;
  std::map<std::pair<std::string, std::uint32_t>, PublishedRule> rules_;
  std::map<std::string, runtime::ImportBatch> batches_;
  std::map<std::pair<std::string, std::string>, Instant> seen_;  // and when it counted last
  std::map<std::pair<std::string, std::string>, std::int64_t> counters_;
  std::map<std::string, std::uint64_t> meta_;
  Instant now_ = kBeforeAll;
  std::uint64_t events_ = 0, decisions_ = 0, term_ = 0, sequence_ = 0, order_ = 0,
                decisions_fold_ = 0;
  ClaimId claim_{};
  Sha256 chain_{};  // of the last record that counts
  bool event_clock_ = false;
  std::uint32_t index_ = 0;
  std::string wrong_;
};

}  // namespace dealwright::oracle
