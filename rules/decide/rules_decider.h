// Decides by rules what follows from a fact or a due timer: exits of live enrolments, then waits,
// then entries, each by rule id and key, all on the same state.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rules/decide/calendars.h"
#include "rules/decide/rule_set.h"
#include "rules/decide/run.h"
#include "rules/mail/renderer.h"

namespace dealwright::rules {

// One thread: it remembers calendars and reuses its buffers; decisions depend on neither, nor do
// the mails that it renders. Of the
// decision before it remembers what timers ended, see cancel_wins.cc.
class RulesDecider : public Decider {
 public:
  // `mails`: none: mails carry what their payload holds.
  RulesDecider(std::unique_ptr<const RuleSet> rules, Workspace workspace, ZoneProvider zones,
               std::unique_ptr<mail::Renderer> mails = nullptr)
      : rules_{std::move(rules)},
        calendars_{std::move(workspace), std::move(zones)},
        mails_{std::move(mails)} {}

  std::string_view rule_set_id() const override { return rules_->id(); }
  void on_fact(const FoldedFact& fact, Turn& turn) override;
  void on_timer(const TimerKey& timer, Turn& turn) override;
  Result<Map> content(const Effect& effect, Turn& turn, const Schema* schema) override;
  Opening opening(const SendHours& hours, std::span<const std::string> zones, Instant now) override;
  std::string exits_now(const Effect& effect, Turn& turn) override;
  const RuleSet& rules() const { return *rules_; }

 private:
  // What a fact means for one live enrolment.
  struct Verdict {
    enum class What : std::uint8_t { kNothing, kExit, kHold, kRelease, kMatch };
    What what = What::kNothing;
    Enrolment enrolment;
    const RulePlan* plan = nullptr;
    const ExitPlan* exit = nullptr;
    std::string reason;
    Outcome failure;
  };
  struct EntryVerdict {
    std::uint32_t rule = 0;
    RecordKey subject;
    std::vector<UsedValue> used;
    Enrolment enrolment;             // as it would start
    std::optional<Outcome> failure;  // of its key
  };

  // An enrolment that a timer ended, and what it asked for.
  struct Ended {
    Enrolment enrolment;
    const RulePlan* plan = nullptr;
    Instant due;
    Instant now;
  };

  Reader reader(Turn& turn, const FoldedFact* fact);
  std::vector<EnrolmentId> concerned(const FoldedFact& fact, Turn& turn);
  void judge(const FoldedFact& fact, Turn& turn);
  void judge_one(Reader& reader, Verdict& verdict);
  bool judge_always(const FoldedFact& fact, Verdict& verdict);
  void apply(const FoldedFact& fact, Turn& turn);
  void move_on(Run& run, Verdict& verdict, const FoldedFact& fact);

  void remember_ended(const Run& run, Instant due);
  void cancel_wins(const FoldedFact& fact, Turn& turn);

  void take_turn(Run& run, const TimerKey& timer, Turn& turn);
  void enter(const FoldedFact& fact, Turn& turn, EntryVerdict& entry);
  std::string_view refusal(const FoldedFact& fact, Reader& reader, const RuleSet::Rule& rule,
                           const Enrolment& enrolment);
  static std::optional<Entry> entry_of(Turn& turn, const Enrolment& enrolment);
  void prepare(Reader& reader, EntryVerdict& entry);
  std::optional<Outcome> key_of(Reader& reader, const RulePlan& plan, Enrolment& enrolment);

  std::unique_ptr<const RuleSet> rules_;
  Calendars calendars_;
  const std::unique_ptr<mail::Renderer> mails_;
  DecisionSoFar so_far_;
  std::vector<Ended> ended_;  // at one instant, the last at which timers fired
  std::vector<Verdict> verdicts_;
  std::vector<std::uint32_t> fired_;
  std::vector<std::pair<std::uint32_t, Outcome>> failed_;
};

}  // namespace dealwright::rules
