// What is printed about faulty rule files, word for word: tests/rules/tables/diagnostics.txt has a
// row for every code that the core of the language can reach. And no input brings the reader down.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "rules/testing/run_tests.h"

namespace dealwright::rules {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
  std::ifstream in{path};
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// What `dealwright rule check` and `rule test` print of a file.
std::string printed(const std::string& source) {
  const auto compiled = compile(source);
  auto found = compiled.diagnostics;
  if (compiled.plan != nullptr) {
    for (auto& failed : diagnostics_of(run_tests(compiled))) found.push_back(std::move(failed));
  }
  std::erase_if(found, [](const Diagnostic& d) { return d.code == 8001; });  // has its own test
  return render(found, "r.rule.yaml", source);
}

struct Row {
  std::string title;
  std::string body;
  std::string expected;
};

// The comment at the top, then "=== title", the file, ">>>", what is printed.
std::vector<Row> read_rows(const std::string& text, std::string& head) {
  std::vector<Row> rows;
  std::istringstream in{text};
  std::string* into = &head;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("=== ")) {
      rows.push_back({line.substr(4), {}, {}});
      into = &rows.back().body;
    } else if (line == ">>>" && !rows.empty()) {
      into = &rows.back().expected;
    } else {
      *into += line + "\n";
    }
  }
  return rows;
}

TEST(DiagnosticsTableTest, EveryCodeWordForWord) {
  const auto path = fs::path{DW_SOURCE_DIR} / "tests/rules/tables/diagnostics.txt";
  std::string head;
  const auto rows = read_rows(slurp(path), head);
  std::string anew = head;
  std::set<std::string> codes;
  for (const auto& row : rows) {
    const auto got = printed("rule: r\nname: R\nowner: o\n" + row.body);
    EXPECT_EQ(got, row.expected) << row.title;
    const auto code = row.title.substr(0, row.title.find(' '));
    if (got.find(" DW" + code + " ") != std::string::npos) codes.insert(code);
    anew += "=== " + row.title + "\n" + row.body + ">>>\n" + got;
  }
  for (const auto* code :
       {"1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008", "1009", "1010",
        "2001", "2002", "2003", "2004", "2005", "2006", "2007", "2008", "3001", "3002",
        "3004", "3005", "3006", "5001", "5003", "6001", "6002", "7001", "7002", "8002"}) {
    EXPECT_TRUE(codes.contains(code)) << "no row prints " << code;
  }
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream{path} << anew;
}

// docs/rules.md lists each code that can be printed, and its example is sound.
TEST(DiagnosticsTableTest, TheReferenceKnowsEveryCode) {
  const auto page = slurp(fs::path{DW_SOURCE_DIR} / "docs/rules.md");
  const auto table = slurp(fs::path{DW_SOURCE_DIR} / "tests/rules/tables/diagnostics.txt");
  std::set<std::string> printed_codes{"DW8001"};
  for (auto at = table.find(" DW"); at != std::string::npos; at = table.find(" DW", at + 1))
    printed_codes.insert(table.substr(at + 1, 6));
  for (const auto& code : printed_codes) {
    EXPECT_NE(page.find("| " + code + " |"), std::string::npos) << code;
  }
  const auto begin = page.find("```yaml\n") + 8;
  const auto source = page.substr(begin, page.find("```", begin) - begin);
  const auto compiled = compile(source);
  EXPECT_EQ(render(compiled.diagnostics, "docs/rules.md", source), "");
  ASSERT_NE(compiled.plan, nullptr);
  for (const auto& result : run_tests(compiled)) EXPECT_TRUE(result.passed) << result.report;
}

// Every beginning of each sample, and each sample with each of its bytes replaced by ones that
// mean something to YAML, CEL or Liquid, gets an answer.
TEST(DiagnosticsTableTest, NoInputBringsItDown) {
  std::size_t compiled_well = 0;
  std::size_t tried = 0;
  const auto attempt = [&](const std::string& source) {
    ++tried;
    const auto compiled = compile(source);
    compiled_well += compiled.plan != nullptr ? 1 : 0;
    EXPECT_TRUE(compiled.plan != nullptr || !compiled.diagnostics.empty()) << source;
    static_cast<void>(render(compiled.diagnostics, "r", source));
  };
  constexpr std::string_view kBytes = ":{['\"-=\xff";
  for (const auto& entry : fs::directory_iterator{fs::path{DW_SOURCE_DIR} / "deploy/rules"}) {
    const auto source = slurp(entry.path());
    for (std::size_t i = 0; i < source.size(); i += 3) {
      attempt(source.substr(0, i));
      auto changed = source;
      changed[i] = kBytes[i / 3 % kBytes.size()];
      attempt(changed);
    }
  }
  EXPECT_GT(compiled_well, tried / 20);
  EXPECT_LT(compiled_well, tried);
}

}  // namespace
}  // namespace dealwright::rules
