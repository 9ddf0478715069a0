#include "rules/decide/factory.h"

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
    DW_TRY(auto rules, RuleSet::build(published, {options_.zones}, fingerprint));
    return std::shared_ptr<Decider>{
        std::make_shared<RulesDecider>(std::move(rules), workspace, options_.zones)};
  }

 private:
  DeciderOptions options_;
};

}  // namespace

std::unique_ptr<DeciderFactory> make_decider_factory(DeciderOptions options) {
  return std::make_unique<RulesDeciderFactory>(std::move(options));
}

}  // namespace dealwright::rules
