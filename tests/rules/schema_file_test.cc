// Schema files: what is wrong with them, all at once; and what rules may do with what they declare.
#include "rules/file/schema_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "rules/testing/run_tests.h"
#include "tests/rules/rule_bed.h"

namespace dealwright::rules {
namespace {

// "2:4 error 1004 hint"; a line each.
std::string faults(const std::vector<Diagnostic>& all) {
  std::string out;
  for (const auto& d : all) {
    out += std::to_string(d.at.line) + ":" + std::to_string(d.at.column) + " " +
           std::to_string(d.code) + " " + d.message + (d.hint.empty() ? "" : " > " + d.hint) + "\n";
  }
  return out;
}

std::string read(const std::string& source, const Schemas* in_force = nullptr) {
  const auto file = read_schema_file(source, in_force);
  EXPECT_EQ(file.schema == nullptr, !file.diagnostics.empty());
  return faults(file.diagnostics);
}

struct Row {
  const char* source;
  const char* faults;
};

TEST(SchemaFileTest, SaysAllThatIsWrongAndWhere) {
  const std::string types =
      "There are text, int, bool, money, instant, date, zone, enum, texts, decimal(2), ref(user)";
  const Row rows[] = {
      {"custom:\n  deal: { tier: text }\n", ""},
      {"purposes: { news: marketing, bills: service }\n", ""},
      {"custom:\n  deal:\n    e: { type: enum, values: [a, b], required: true, pii: false, "
       "dimension: true }\n    n: decimal(4)\n    r: { type: ref(user) }\n",
       ""},
      {"custom: [deal]\n", "1:9 1005 'custom' is a map of kinds\n"},
      {"kustom: { deal: { a: int } }\n",
       "1:1 1004 unknown key 'kustom' in a schema > Did you mean 'custom'?\n"},
      {"custom:\n  deel: { a: int }\n",
       "2:3 1004 'deel' is no kind of record with fields > Did you mean 'deal'?\n"},
      {"custom:\n  pipeline: { a: int }\n",
       "2:3 1004 'pipeline' is no kind of record with fields > Known are account, contact, lead, "
       "deal, offer, contract, task, ticket, survey, user, team\n"},
      {"custom:\n  deal: { a: int, a: int }\n",
       "2:19 1003 'a' stands twice > The first one is in line 2\n"},
      {"custom:\n  deal:\n    a-b: int\n",
       "3:5 9001 'a-b' cannot be the name of a field > A letter or _, then letters, digits and _, "
       "up to 64; not true, false, null, in\n"},
      {"custom:\n  deal: { a: moeny }\n",
       "2:14 2004 'deal.custom.a': there is no type 'moeny' > Did you mean 'money'?\n"},
      {"custom:\n  deal: { a: decimal(40) }\n",
       "2:14 2004 'deal.custom.a': decimal has 0 to 18 digits behind the point: decimal(2) > Did "
       "you mean 'decimal(2)'?\n"},
      {"custom:\n  deal: { a: ref(usr) }\n",
       "2:14 2004 'deal.custom.a': ref names a kind of record: ref(user) > Did you mean "
       "'ref(user)'?\n"},
      {"custom:\n  deal: { a: { required: true } }\n",
       "2:14 1005 a field needs the key 'type' > Add 'type: ...'\n"},
      {"custom:\n  deal: { a: { type: int, requird: true } }\n",
       "2:27 1004 unknown key 'requird' in a field > Did you mean 'required'?\n"},
      {"custom:\n  deal: { a: { type: int, pii: yes } }\n",
       "2:32 1006 'yes' is no value of 'pii' > Write true or false\n"},
      {"custom:\n  deal: { a: { type: int, values: [x] } }\n",
       "2:35 1004 only an enum has values > Write type: enum\n"},
      {"custom:\n  deal: { a: enum }\n",
       "2:14 1005 an enum needs the list of its values > Write such as values: [small, large]\n"},
      {"custom:\n  deal: { a: { type: enum, values: [x, x] } }\n",
       "2:40 1003 the value 'x' stands there twice\n"},
      {"purposes: { news: spam }\n",
       "1:19 2004 'spam' is no value of 'news' > It is one of marketing, service\n"},
      {"custom:\n  deel: { a: int }\n  deal: { b: strng, c: enum }\n",
       "2:3 1004 'deel' is no kind of record with fields > Did you mean 'deal'?\n"
       "3:14 2004 'deal.custom.b': there is no type 'strng' > TYPES\n"
       "3:24 1005 an enum needs the list of its values > Write such as values: [small, large]\n"},
  };
  for (const auto& row : rows) {
    std::string expected = row.faults;
    if (const auto at = expected.find("TYPES"); at != std::string::npos) {
      expected.replace(at, 5, types);
    }
    EXPECT_EQ(read(row.source), expected) << row.source;
  }
}

Schemas in_force(const std::string& source) {
  Schemas out;
  auto file = read_schema_file(source);
  EXPECT_NE(file.schema, nullptr) << faults(file.diagnostics);
  out.put(file.schema, 1);
  return out;
}

TEST(SchemaFileTest, WhatIsInForceIsNotTakenBack) {
  const auto before = in_force(
      "custom:\n  deal:\n    n: decimal(2)\n    e: { type: enum, values: [a, b] }\n    i: int\n");
  const std::string hint =
      " > Records and rules hold it as it was: keep that and declare a field with another name\n";
  EXPECT_EQ(read("custom:\n  deal:\n    n: decimal(1)\n    e: { type: enum, values: [b, c] }\n"
                 "    i: text\n",
                 &before),
            "3:5 9002 'deal.custom.n' was decimal(2), is decimal(1)" + hint +
                "4:5 9002 'deal.custom.e' the value 'a' is gone" + hint +
                "5:5 9002 'deal.custom.i' was int, is text" + hint);
  EXPECT_EQ(read("custom:\n  deal:\n    n: decimal(3)\n    e: { type: enum, values: [c, b, a] }\n"
                 "  lead: { i: text }\n",
                 &before),
            "");
}

TEST(SchemaFileTest, RendersAsRuleFilesDo) {
  const std::string source = "custom:\n  deal: { a: moeny }\n";
  EXPECT_EQ(render(read_schema_file(source).diagnostics, "custom.schema.yaml", source),
            "custom.schema.yaml:2:14 error DW2004 'deal.custom.a': there is no type 'moeny'. Did "
            "you mean 'money'?\n"
            "    deal: { a: moeny }\n"
            "               ^\n");
}

const char* const kSchema =
    "custom:\n"
    "  deal:\n"
    "    tier: { type: enum, values: [small, large] }\n"
    "    seats: int\n"
    "    ready: bool\n"
    "    fee: money\n"
    "    margin: decimal(2)\n"
    "    renewal: date\n"
    "    tags: texts\n"
    "  lead: { size: int }\n"
    "purposes: { news: marketing, bills: service }\n";

// Errors of a rule that does `body`, by the schema above.
std::string check(const std::string& body) {
  const auto compiled = compile("rule: r\nname: R\nowner: o\ntrigger: deal.won\n" + body,
                                {{}, read_schema_file(kSchema).schema});
  std::string out;
  for (const auto& d : compiled.diagnostics) {
    if (d.severity == Severity::kError) {
      out +=
          std::to_string(d.code) + " " + d.message + (d.hint.empty() ? "" : " > " + d.hint) + "\n";
    }
  }
  return out;
}

TEST(SchemaFileTest, RulesAreCheckedByWhatIsDeclared) {
  const std::string note = "\nsteps: [{ notify: { to: user(\"u1\"), text: x } }]\n";
  const Row whens[] = {
      {"deal.custom.tier == \"large\"", ""},
      {"deal.custom.seats > 5", ""},
      {"deal.custom.ready", ""},
      {"deal.custom.fee >= money(\"5 EUR\")", ""},
      {"deal.custom.renewal > date(\"2026-03-01\")", ""},
      {"double(deal.custom.margin) > 0.5", ""},
      {"\"x\" in deal.custom.tags", ""},
      {"deal.extra.whatever == 5", ""},
      {"before.custom.seats < deal.custom.seats", ""},
      {"deal.custom.tire == \"large\"",
       "2001 unknown field 'deal.custom.tire' > Did you mean 'deal.custom.tier'?\n"},
      {"deal.custom.size == 1",
       "2001 unknown field 'deal.custom.size' > Declare it in the schema file, below custom, "
       "deal\n"},
      {"deal.custom.seats.x == 1", "2001 'deal.custom.seats' has no fields\n"},
  };
  for (const auto& row : whens) {
    EXPECT_EQ(check("when: '" + std::string{row.source} + "'" + note), row.faults) << row.source;
  }
  // Types and values are those of the checker: their words stand in tests/rules/tables.
  EXPECT_TRUE(check("when: deal.custom.seats == \"many\"" + note).starts_with("2003 "));
  EXPECT_TRUE(check("when: deal.custom.tier == \"huge\"" + note).starts_with("2004 "));
  EXPECT_TRUE(check("when: deal.custom.fee > 5" + note).starts_with("2003 "));
  const auto steps = [](const std::string& step) { return check("steps: [" + step + "]\n"); };
  EXPECT_EQ(steps("{ update: { deal.custom.tier: large, deal.custom.margin: 1.5 } }"), "");
  EXPECT_EQ(steps("{ update: { deal.custom.tier: huge } }"),
            "2004 tier: \"huge\" is no value of tier; write one of small, large\n");
  EXPECT_EQ(steps("{ update: { deal.custom.teir: large } }"),
            "2001 unknown field 'deal.custom.teir' > Did you mean 'deal.custom.tier'?\n");
  EXPECT_EQ(steps("{ send_email: { template: a, to: contact, purpose: nws } }"),
            "2004 purpose 'nws' is not declared > Did you mean 'news'?\n");
  EXPECT_EQ(steps("{ send_email: { template: a, to: contact, purpose: news } }"), "");
}

// Nothing declared: every custom field is unknown. No schema at all: they are dynamic.
TEST(SchemaFileTest, WithoutDeclarations) {
  const std::string rule =
      "rule: r\nname: R\nowner: o\ntrigger: deal.won\nwhen: deal.custom.x == 1\nsteps: [{ end: x "
      "}]\n";
  EXPECT_NE(compile(rule).plan, nullptr);
  const auto none = compile(rule, {{}, std::make_shared<Schema>()});
  EXPECT_EQ(none.plan, nullptr);
  EXPECT_NE(faults(none.diagnostics).find("2001 unknown field 'deal.custom.x'"), std::string::npos);
}

TEST(SchemaFileTest, TestsOfRulesReadAndWriteCustomFields) {
  const std::string rule =
      "rule: r\nname: R\nowner: o\ntrigger: deal.updated\n"
      "when: deal.custom.renewal >= date(\"2026-06-01\") && deal.custom.tier == \"large\"\n"
      "entry: once\nsteps:\n  - notify: { to: user(\"u1\"), text: \"{{ deal.custom.margin }}\" }\n"
      "tests:\n"
      "  - name: typed\n"
      "    given:\n      deal/d1: { status: open, custom: { tier: large, margin: 2 } }\n"
      "    events:\n"
      "      - { at: 2026-03-02 09:00, event: deal.updated, subject: deal/d1, data: { set: { "
      "custom: { renewal: 2026-06-01 } } } }\n"
      "    expect:\n      - { at: 2026-03-02 09:00, notify: \"2.00\" }\n"
      "  - name: mistyped, so it never fires\n"
      "    given:\n      deal/d1: { status: open, custom: { tier: large } }\n"
      "    events:\n"
      "      - { at: 2026-03-02 09:00, event: deal.updated, subject: deal/d1, data: { set: { "
      "custom: { renewal: soon } } } }\n"
      "    expect: []\n";
  const auto compiled = compile(rule, {{}, read_schema_file(kSchema).schema});
  ASSERT_NE(compiled.plan, nullptr) << render(compiled.diagnostics, "r", rule);
  for (const auto& result : run_tests(compiled)) EXPECT_TRUE(result.passed) << result.report;
  auto wrong = rule;
  wrong.replace(wrong.find("margin: 2 }"), 11, "marign: 2 }");
  const auto found = compile(wrong, {{}, read_schema_file(kSchema).schema});
  EXPECT_EQ(found.plan, nullptr);
  EXPECT_NE(faults(found.diagnostics)
                .find("2001 unknown field 'deal.custom.marign' > Did you mean 'margin'?"),
            std::string::npos)
      << faults(found.diagnostics);
}

// docs/custom-fields.md: its schema and its rule are sound together.
TEST(SchemaFileTest, TheExampleOfTheGuideIsSound) {
  std::ifstream in{DW_SOURCE_DIR "/docs/custom-fields.md"};
  std::stringstream text;
  text << in.rdbuf();
  const auto page = text.str();
  const auto block = [&](std::size_t from) {
    const auto begin = page.find("```yaml\n", from) + 8;
    return std::make_pair(page.substr(begin, page.find("```", begin) - begin),
                          page.find("```", begin) + 3);
  };
  const auto [source, end] = block(0);
  const auto schema = read_schema_file(source);
  ASSERT_NE(schema.schema, nullptr) << render(schema.diagnostics, "docs", source);
  const auto rule = block(end).first;
  const auto compiled = compile(rule, {{}, schema.schema});
  ASSERT_NE(compiled.plan, nullptr) << render(compiled.diagnostics, "docs", rule);
  EXPECT_FALSE(compiled.plan->tests.empty());
  for (const auto& result : run_tests(compiled)) EXPECT_TRUE(result.passed) << result.report;
}

}  // namespace
}  // namespace dealwright::rules
