#include "rules/decide/rule_set.h"

#include <algorithm>

#include "engine/base/bytes.h"

namespace dealwright::rules {
namespace {

// Raised whenever the same texts would decide otherwise.
constexpr std::string_view kCompiler = "dealwright rules 1";

RuleStatus status_of(std::string_view published, const RulePlan& plan) {
  if (published == "retired") return RuleStatus::kRetired;
  if (plan.status == "draft") return RuleStatus::kDraft;
  if (published == "paused" || plan.status == "paused") return RuleStatus::kPaused;
  if (published == "shadow" || plan.status == "shadow") return RuleStatus::kShadow;
  return RuleStatus::kLive;
}

bool within(TypeId type, TypeId first, TypeId last) { return type >= first && type <= last; }

}  // namespace

void RuleSet::add(std::shared_ptr<const RulePlan> plan, std::uint32_t version,
                  std::string_view status) {
  const auto kept = status_of(status, *plan);
  auto& newest = newest_[plan->id];
  if (version >= newest.first) newest = {version, kept};
  auto id = plan->id;
  versions_[{std::move(id), version}] = std::move(plan);
}

void RuleSet::note(const MatchPlan& match) {
  if (!match.events) {  // a state: any event may change it
    concerning_.assign(concerning_.size(), true);
    foreign_concern_ = true;
    return;
  }
  for (const auto type : match.events->types()) concerning_[static_cast<std::size_t>(type)] = true;
  foreign_concern_ = foreign_concern_ || !match.events->foreign().empty();
}

void RuleSet::finish() {
  concerning_.assign(all_event_specs().size() + 1, false);
  for (const auto& spec : all_event_specs()) {
    const bool ends = within(spec.type, TypeId::kAccountMerged, TypeId::kSurveyMerged) ||
                      within(spec.type, TypeId::kAccountDeleted, TypeId::kSurveyDeleted) ||
                      spec.type == TypeId::kPersonErased;
    if (ends && !versions_.empty()) concerning_[static_cast<std::size_t>(spec.type)] = true;
  }
  for (const auto& [key, plan] : versions_) {
    for (const auto& exit : plan->exits) note(exit.match);
    for (const auto& step : plan->steps) {
      const auto* match = step.step == nullptr ? nullptr : step.step->waits_for();
      if (match != nullptr) note(*match);
    }
  }
  for (const auto& [id, newest] : newest_) {  // by id
    if (newest.second == RuleStatus::kRetired || newest.second == RuleStatus::kDraft) continue;
    rules_.push_back({versions_.at({id, newest.first}).get(), newest.first, newest.second});
    indexed_.push_back(rules_.back().plan);
  }
  index_ = std::make_unique<Index>(indexed_);
}

Result<std::unique_ptr<RuleSet>> RuleSet::build(std::span<const PublishedRule> published,
                                                const Compile& compile,
                                                std::string_view fingerprint) {
  auto set = std::make_unique<RuleSet>();
  Sha256Stream hash;
  hash.update(kCompiler);
  hash.update(fingerprint);
  std::string head;
  for (const auto& rule : published) {
    DW_TRY(auto plan, compile(rule));
    if (plan->id != rule.rule) {
      return Error{Code::kInvalid,
                   "the rule published as '" + rule.rule + "' calls itself '" + plan->id + "'"};
    }
    head.clear();
    put_text(head, rule.rule);
    put_varint(head, rule.version);
    put_text(head, rule.status);
    put_text(head, rule.text);
    hash.update(head);
    set->add(std::move(plan), rule.version, rule.status);
  }
  set->id_ = hex(hash.finish());
  set->finish();
  return set;
}

std::unique_ptr<RuleSet> RuleSet::of(std::vector<std::shared_ptr<const RulePlan>> plans) {
  auto set = std::make_unique<RuleSet>();
  for (auto& plan : plans) set->add(std::move(plan), 1, "live");
  set->id_ = "test";
  set->finish();
  return set;
}

const RulePlan* RuleSet::plan(std::string_view rule, std::uint32_t version) const {
  const auto it = versions_.find({std::string{rule}, version});
  return it == versions_.end() ? nullptr : it->second.get();
}

RuleStatus RuleSet::status(std::string_view rule) const {
  const auto it = newest_.find(rule);
  return it == newest_.end() ? RuleStatus::kRetired : it->second.second;
}

bool RuleSet::concerns(const Event& event) const {
  return event.type == TypeId::kForeignType ? foreign_concern_
                                            : concerning_[static_cast<std::size_t>(event.type)];
}

}  // namespace dealwright::rules
