#include "rules/testing/run_tests.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/overloaded.h"
#include "rules/decide/rules_decider.h"
#include "rules/testing/test_world.h"

namespace dealwright::rules {
namespace {

// How long after the last event timers are let run.
constexpr Duration kHorizon = days(3 * kLengthDaysMax);

std::string payload_text(const Effect& effect, std::string_view key) {
  const auto* value = find(effect.payload, key);
  return value == nullptr ? "" : std::string{value->text_or_empty()};
}

// Changes as lines of `expect`.
class Recorder {
 public:
  Recorder(std::vector<TestLine>& lines, const std::vector<TestExpectation>& expected)
      : lines_{lines}, expected_{expected} {}

  void operator()(Instant now, const Change& change) {
    std::visit(overloaded{
                   [&](const EffectRequested& c) { effect(now, c.effect); },
                   [&](const FactDecided& c) { fact(now, c.event); },
                   [&](const EnrolmentEnded& c) {
                     if (c.reason != "done") lines_.push_back({now, "exit", c.reason});
                   },
                   [&](const RuleFailed& c) {
                     lines_.push_back({now, "error", c.where});
                   },
                   [](const auto&) {},
               },
               change);
  }

 private:
  void effect(Instant now, const Effect& e) {
    if (e.state == EffectState::kExpired || e.state == EffectState::kSuppressed) {
      lines_.push_back({now, std::string{effect_state_name(e.state)}, e.step});
    } else if (e.channel == "email") {
      lines_.push_back({now, "send_email", payload_text(e, "template")});
    } else if (e.channel == "webhook") {
      lines_.push_back({now, "send_webhook", payload_text(e, "endpoint")});
    } else if (e.channel == "task") {
      lines_.push_back({now, "create_task", payload_text(e, "kind")});
    } else {
      lines_.push_back({now, "notify", notice(now, e)});
    }
  }

  // A notice may be expected by whom it goes to or by its text.
  std::string notice(Instant now, const Effect& e) const {
    const auto text = payload_text(e, "text");
    for (const auto& expected : expected_) {
      if (expected.at == now && expected.what == "notify" && expected.value == text) return text;
    }
    return e.recipient;
  }

  void fact(Instant now, const Event& event) {
    const auto name = event.type_name();
    if (event.type == TypeId::kTaskCreated) return;
    if (name.ends_with(".assigned")) {
      const auto owner = event.data.text(Field::kOwner);
      lines_.push_back(
          {now, "assign", std::string{owner.empty() ? event.data.text(Field::kTeam) : owner}});
    } else if (event.type == TypeId::kTaskCancelled || event.type == TypeId::kTaskCompleted) {
      lines_.push_back(
          {now, "close_tasks", event.type == TypeId::kTaskCancelled ? "cancelled" : "done"});
    } else {
      lines_.push_back({now, "update", std::string{name}});
    }
  }

  std::vector<TestLine>& lines_;
  const std::vector<TestExpectation>& expected_;
};

std::string line_text(const TestLine& line) {
  return fmt::format("{} {}: {}", to_short_text(line.at), line.what, line.value);
}

bool before(const TestLine& a, const TestLine& b) {
  return std::tie(a.at, a.what, a.value) < std::tie(b.at, b.what, b.value);
}

TestResult run_one(const std::shared_ptr<const RulePlan>& plan, const TestCase& test,
                   const TestOptions& options) {
  TestResult result;
  result.name = test.name;
  result.at = test.at;
  for (const auto& line : test.expect) result.expected.push_back({line.at, line.what, line.value});
  RulesDecider decider{RuleSet::of({plan}), options.workspace, options.zones};
  TestWorld world{decider, Recorder{result.got, test.expect}};
  if (plan->schema != nullptr) world.give_schema(plan->schema);
  world.give(test.given);
  std::string notes;
  Instant last = kInstantMin;
  for (const auto& event : test.events) {
    last = std::max(last, event.at);
    const auto refusal = world.deliver(event.event, event.at);
    if (!refusal.empty()) {
      notes += fmt::format("  ! {} {} was refused: {}\n", to_short_text(event.at),
                           event.event.type_name(), refusal);
    }
  }
  for (const auto& line : test.expect) last = std::max(last, line.at);
  if (!test.events.empty()) world.advance(last + kHorizon);
  // Within one instant the order is not part of a test.
  std::stable_sort(result.expected.begin(), result.expected.end(), before);
  std::stable_sort(result.got.begin(), result.got.end(), before);
  result.passed = result.expected == result.got && notes.empty();
  result.report = fmt::format("{}: {}\n{}", test.name, result.passed ? "passed" : "failed", notes);
  auto e = result.expected.begin();
  auto g = result.got.begin();
  while (e != result.expected.end() || g != result.got.end()) {
    if (e != result.expected.end() && g != result.got.end() && *e == *g) {
      result.report += "    " + line_text(*e++) + "\n";
      ++g;
    } else if (g == result.got.end() || (e != result.expected.end() && before(*e, *g))) {
      result.report += "  - " + line_text(*e++) + "\n";
    } else {
      result.report += "  + " + line_text(*g++) + "\n";
    }
  }
  return result;
}

}  // namespace

std::vector<TestResult> run_tests(const CompiledRule& compiled, const TestOptions& options) {
  std::vector<TestResult> out;
  for (const auto& test : compiled.plan->tests)
    out.push_back(run_one(compiled.plan, test, options));
  return out;
}

std::vector<Diagnostic> diagnostics_of(const std::vector<TestResult>& results) {
  std::vector<Diagnostic> out;
  for (const auto& result : results) {
    if (result.passed) continue;
    auto lines = result.report;  // the first one says again that it failed
    lines.erase(0, std::min(lines.find('\n'), lines.size()));
    if (lines.ends_with('\n')) lines.pop_back();
    out.push_back({Severity::kError, 8002, result.at, "the test '" + result.name + "' failed",
                   "Marked - is missing, + is not expected:" + lines});
  }
  return out;
}

}  // namespace dealwright::rules
