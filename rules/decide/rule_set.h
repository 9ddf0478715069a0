// The rules in force: every version that an enrolment may stand on, the newest ones in an index.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ports/decider.h"
#include "rules/match/index.h"

namespace dealwright::rules {

enum class RuleStatus : std::uint8_t { kLive, kPaused, kShadow, kDraft, kRetired };

// Immutable once built.
class RuleSet {
 public:
  struct Rule {
    const RulePlan* plan = nullptr;
    std::uint32_t version = 0;
    RuleStatus status = RuleStatus::kLive;
  };

  // Gives the plan of a version, or kInvalid with its diagnostics.
  using Compile = std::function<Result<std::shared_ptr<const RulePlan>>(const PublishedRule&)>;
  // `fingerprint`: what plans depend on beside their texts. The first error of `compile` is passed
  // on.
  static Result<std::unique_ptr<RuleSet>> build(std::span<const PublishedRule> published,
                                                const Compile& compile,
                                                std::string_view fingerprint);
  // Of plans compiled already, all version 1: for tests of rules.
  static std::unique_ptr<RuleSet> of(std::vector<std::shared_ptr<const RulePlan>> plans);

  const std::string& id() const { return id_; }
  const Index& index() const { return *index_; }
  const Rule& rule(std::uint32_t number) const { return rules_[number]; }  // as the index counts
  const RulePlan* plan(std::string_view rule, std::uint32_t version) const;
  RuleStatus status(std::string_view rule) const;
  // Whether an event may end an enrolment or wake it: no rule asks for it else.
  bool concerns(const Event& event) const;

 private:
  void add(std::shared_ptr<const RulePlan> plan, std::uint32_t version, std::string_view status);
  void finish();
  void note(const MatchPlan& match);

  std::string id_;
  std::map<std::pair<std::string, std::uint32_t>, std::shared_ptr<const RulePlan>> versions_;
  std::map<std::string, std::pair<std::uint32_t, RuleStatus>, std::less<>> newest_;
  std::vector<Rule> rules_;               // those that may start, by id
  std::vector<const RulePlan*> indexed_;  // parallel to rules_
  std::unique_ptr<Index> index_;
  std::vector<bool> concerning_;  // by TypeId
  bool foreign_concern_ = false;
};

}  // namespace dealwright::rules
