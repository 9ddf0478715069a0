// The rules that ship in deploy/rules: they compile without errors and their own tests pass.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "rules/file/schema_file.h"
#include "rules/testing/run_tests.h"

namespace dealwright::rules {
namespace {

std::filesystem::path folder() { return std::filesystem::path{DW_SOURCE_DIR} / "deploy" / "rules"; }

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(SamplesTest, CompileAndPassTheirTests) {
  const auto path = folder().parent_path() / "schema" / "custom.schema.yaml";
  const auto schema = read_schema_file(text_of(path));
  ASSERT_NE(schema.schema, nullptr) << render(schema.diagnostics, path.string(), text_of(path));
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{folder()}) {
    if (entry.path().string().ends_with(".rule.yaml")) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  EXPECT_GE(files.size(), 12U);
  for (const auto& file : files) {
    const auto source = text_of(file);
    const auto compiled = compile(source, {{}, schema.schema});
    EXPECT_NE(compiled.plan, nullptr)
        << render(compiled.diagnostics, file.filename().string(), source);
    if (compiled.plan == nullptr) continue;
    for (const auto& d : compiled.diagnostics) {
      EXPECT_NE(d.severity, Severity::kWarning) << render(d, file.filename().string(), source);
    }
    EXPECT_EQ(compiled.rule + ".rule.yaml", file.filename().string());
    EXPECT_FALSE(compiled.plan->tests.empty()) << file;
    for (const auto& result : run_tests(compiled)) {
      EXPECT_TRUE(result.passed) << file.filename().string() << "\n" << result.report;
    }
  }
}

}  // namespace
}  // namespace dealwright::rules
