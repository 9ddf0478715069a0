// What one decision has done so far, over all enrolments that it moved: its budget of steps, and
// which rule wrote which field.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "engine/domain/event.h"

namespace dealwright::rules {

inline constexpr std::uint32_t kDecisionStepsMax = 1000;

class DecisionSoFar {
 public:
  void begin();       // an event from outside, or a timer
  bool spend_step();  // false: the budget is spent
  // Notes that `rule` makes that fact. "deal.amount is set by 'a' too" if another rule wrote one of
  // its fields in this decision, else "".
  std::string write(const std::string& rule, const Event& fact);

 private:
  std::uint32_t steps_ = 0;
  std::map<std::string, std::string> writers_;  // "deal/d1 amount" -> the rule
};

}  // namespace dealwright::rules
