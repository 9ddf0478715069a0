// Compiles the steps of a rule: reads the keys of each, checks what it names, lays them in a row.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rules/liquid/template.h"
#include "rules/plan/plan.h"

namespace dealwright::rules {

// A text with Liquid: its paths are expressions.
struct TextPlan {
  liquid::Template text;
  std::vector<Expression> paths;
};
std::string render(const TextPlan& text, StepRun& run);

// As written, `= expr`, or a text with {{.
using ValuePlan = std::variant<Value, Expression, TextPlan>;
Outcome evaluate(const ValuePlan& value, StepRun& run);

// Whom a `who` expression names; none: nobody, or it failed.
struct Who {
  std::optional<RecordKey> key;
  std::optional<StepResult> failure;
};
Who evaluate_who(const Expression& who, StepRun& run);

// A nested list of steps: where it begins, and the steps whose `next` is still open.
struct Branch {
  std::uint32_t first = kNoStep;
  std::vector<std::uint32_t> open;
  const EventSet* events_after = nullptr;  // at hand at its end
};

struct Built {
  std::unique_ptr<const Step> step;
  std::string main;                 // main argument, for the default id
  bool falls = true;                // the step behind it may be reached from it directly
  std::vector<std::uint32_t> open;  // and from the ends of its branches
};

class StepCompiler {
 public:
  StepCompiler(std::string_view source, RulePlan& plan, ScopeSpec scope, Diagnostics& out)
      : source_{source}, plan_{plan}, scope_{scope}, out_{out} {}

  // The steps of a rule, or of an exit's `do` (no waits there).
  std::uint32_t compile(const yaml::Node& list, bool waits_allowed);

  // ---- what the kinds of steps use
  Diagnostics& out() { return out_; }
  RulePlan& plan() { return plan_; }
  const ScopeSpec& scope() const { return scope_; }
  std::string_view source() const { return source_; }
  std::optional<Expression> expression(const yaml::Node& node, Expression::Want want);
  std::optional<Expression> who(const yaml::Node& node);
  std::optional<TextPlan> text(const yaml::Node& node);
  std::optional<ValuePlan> value(const yaml::Node& node, const FieldSpec* spec);  // null: free text
  std::optional<MatchPlan> match(const MatchFile& match);
  // Steps under a key: with those events at hand, or with what is at hand already (`inherit`).
  Branch branch(const yaml::Node& list, const EventSet* events, bool inherit);
  // What is at hand behind a step that waits, or that branches.
  void lose_event() { scope_.events = nullptr; }
  void set_event(const EventSet* events) { scope_.events = events; }
  const EventSet* keep(EventSet events);
  bool waits_allowed() const { return waits_allowed_; }

 private:
  Branch list(const yaml::Node& list);
  void one(const yaml::Node& node, Branch& so_far);
  std::string unique_id(const yaml::Node& node, std::string_view kind, std::string_view main);

  std::string_view source_;
  RulePlan& plan_;
  ScopeSpec scope_;
  Diagnostics& out_;
  int depth_ = 0;
  bool waits_allowed_ = true;
  bool too_many_ = false;  // said once
  std::deque<EventSet> sets_;
};

// Compiles a match of an exit or a wait. `absent_is_error`: DW2005 is an error there.
std::optional<MatchPlan> compile_match(const MatchFile& file, std::string_view source,
                                       const ScopeSpec& scope, Diagnostics& out);

// One row of the registry.
struct StepKind {
  std::string_view key;
  std::vector<KeySpec> beside;  // keys beside it, but id and if_error
  bool waits;
  // None: reported.
  std::optional<Built> (*compile)(StepCompiler& compiler, const yaml::Node& step,
                                  const yaml::Node& value);
};
std::span<const StepKind> step_kinds();
std::span<const std::string_view> later_steps();

}  // namespace dealwright::rules
