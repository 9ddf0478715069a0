#include "rules/decide/factory.h"

#include <map>

#include "engine/base/hash.h"
#include "rules/compile.h"
#include "rules/decide/rules_decider.h"

namespace dealwright::rules {
namespace {

class RulesDeciderFactory : public DeciderFactory {
 public:
  explicit RulesDeciderFactory(DeciderOptions options) : options_{std::move(options)} {}

  Result<std::shared_ptr<Decider>> make(std::span<const PublishedRule> published) override {
    const auto& workspace = options_.workspace;
    const auto fingerprint = workspace.name + '\n' + workspace.zone + '\n' + workspace.currency +
                             '\n' + options_.zones_version;
    const auto compile = [this](const PublishedRule& rule) { return plan_of(rule); };
    std::erase_if(plans_, [](const auto& plan) { return plan.second.expired(); });
    DW_TRY(auto rules, RuleSet::build(published, compile, fingerprint));
    auto mails =
        std::make_unique<mail::Renderer>(workspace, options_.zones, options_.unsubscribe_url);
    return std::shared_ptr<Decider>{std::make_shared<RulesDecider>(
        std::move(rules), workspace, options_.zones, std::move(mails))};
  }

 private:
  Result<std::shared_ptr<const RulePlan>> plan_of(const PublishedRule& rule) {
    auto& known = plans_[sha256(rule.text)];
    if (auto plan = known.lock()) return plan;
    auto compiled = compile(rule.text, {options_.zones});
    if (compiled.plan == nullptr) {
      return Error{Code::kInvalid,
                   render(compiled.diagnostics, rule.rule + ".rule.yaml", rule.text)};
    }
    known = compiled.plan;
    return compiled.plan;
  }

  const DeciderOptions options_;
  std::map<Sha256, std::weak_ptr<const RulePlan>> plans_;  // by text
};

}  // namespace

std::unique_ptr<DeciderFactory> make_decider_factory(DeciderOptions options) {
  return std::make_unique<RulesDeciderFactory>(std::move(options));
}

}  // namespace dealwright::rules
