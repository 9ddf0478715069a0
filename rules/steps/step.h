// A step of a plan. One file and one row of registry.cc per kind.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/instant.h"

namespace dealwright::rules {

class StepRun;
struct MatchPlan;

// What running a step came to.
struct StepResult {
  enum class Then : std::uint8_t { kGo, kWait, kEnd, kFailed };
  Then then = Then::kGo;
  std::optional<std::uint32_t> to;  // of kGo: none: the step behind it
  std::optional<Instant> due;       // of kWait
  std::string reason;               // of kEnd; of kFailed its code
  std::string detail;

  static StepResult go() { return {}; }
  static StepResult go_to(std::uint32_t step) { return {Then::kGo, step, {}, {}, {}}; }
  static StepResult wait(std::optional<Instant> due) { return {Then::kWait, {}, due, {}, {}}; }
  static StepResult end(std::string reason) { return {Then::kEnd, {}, {}, std::move(reason), {}}; }
  static StepResult failed(std::string code, std::string detail) {
    return {Then::kFailed, {}, {}, std::move(code), std::move(detail)};
  }
};

// Immutable; the same run, the same result.
class Step {
 public:
  virtual ~Step() = default;
  virtual StepResult run(StepRun& run) const = 0;
  virtual bool waits() const { return false; }  // it may stand there for a while
  // Of steps that wait. When its timer is due: the step to go on with; none: the one behind it.
  virtual std::optional<std::uint32_t> timed_out() const { return std::nullopt; }
  // What it waits for beside time; null: nothing.
  virtual const MatchPlan* waits_for() const { return nullptr; }
  virtual std::optional<std::uint32_t> matched() const { return std::nullopt; }
  virtual bool since_start() const { return false; }  // else events count from the step on
  // When its timer is due, counted from `from`; none: never.
  virtual std::optional<Instant> due(StepRun& run, Instant from) const;
};

}  // namespace dealwright::rules
