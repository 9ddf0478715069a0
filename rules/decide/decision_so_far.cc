#include "rules/decide/decision_so_far.h"

#include <vector>

namespace dealwright::rules {
namespace {

// Fields that a fact of an `update` or an `assign` sets; a field with an event of its own goes by
// the event's name. Facts about tasks set nothing that two rules could quarrel about.
std::vector<std::string> fields_of(const Event& fact) {
  std::vector<std::string> out;
  if (fact.subject.kind == Kind::kTask) return out;
  for (const auto& [field, value] : fact.data) {
    const auto* set = field == Field::kSet ? value.as_map() : nullptr;
    if (set == nullptr) {
      out.push_back(std::string{fact.type_name()} + "." + std::string{field_name(field)});
      continue;
    }
    for (const auto& entry : *set) {
      const auto* custom = entry.first == "custom" ? entry.second.as_map() : nullptr;
      if (custom == nullptr) {
        out.push_back(entry.first);
        continue;
      }
      for (const auto& one : *custom) out.push_back("custom." + one.first);
    }
  }
  return out;
}

}  // namespace

void DecisionSoFar::begin() {
  steps_ = 0;
  writers_.clear();
}

bool DecisionSoFar::spend_step() { return ++steps_ <= kDecisionStepsMax; }

std::string DecisionSoFar::write(const std::string& rule, const Event& fact) {
  std::string out;
  for (const auto& field : fields_of(fact)) {
    auto& writer = writers_[to_text(fact.subject) + " " + field];
    if (!writer.empty() && writer != rule && out.empty()) {
      out = field + " of " + to_text(fact.subject) + " is set by '" + writer + "' too";
    }
    writer = rule;
  }
  return out;
}

}  // namespace dealwright::rules
