// Runs the inline tests of a rule on a virtual clock.
#pragma once

#include <string>
#include <vector>

#include "rules/compile.h"
#include "rules/plan/reader.h"

namespace dealwright::rules {

// A line of a test: when, what, and with which value.
struct TestLine {
  Instant at;
  std::string what;   // send_email
  std::string value;  // offer-nudge
  friend bool operator==(const TestLine&, const TestLine&) = default;
};

struct TestResult {
  std::string name;
  Place at;
  bool passed = false;
  std::vector<TestLine> expected;
  std::vector<TestLine> got;
  // For people: the name, then each line with '  ' as expected, '- ' missing, '+ ' not expected.
  std::string report;
};

struct TestOptions {
  Workspace workspace;
  ZoneProvider zones;
};

// REQUIRES: compiled.plan
std::vector<TestResult> run_tests(const CompiledRule& compiled, const TestOptions& options = {});
// 8002 for each that failed, with its report in the hint.
std::vector<Diagnostic> diagnostics_of(const std::vector<TestResult>& results);

}  // namespace dealwright::rules
