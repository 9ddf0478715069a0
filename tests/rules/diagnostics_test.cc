// Every code that the core of the language reports, each with a file that must fail and where.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <set>

#include "rules/testing/run_tests.h"

namespace dealwright::rules {
namespace {

constexpr std::string_view kHead = "rule: r\nname: R\nowner: o\n";  // lines 1 to 3
constexpr std::string_view kSteps = "steps:\n  - wait: 1d\n";

std::string where(const Diagnostic& d) {
  return fmt::format("{}:{} {} {}", d.at.line, d.at.column, severity_name(d.severity), d.code);
}

std::string all_of(const CompiledRule& compiled) {
  std::string out;
  for (const auto& d : compiled.diagnostics) {
    if (d.code == 8001) continue;  // these files have no tests
    out += (out.empty() ? "" : ", ") + where(d);
  }
  return out;
}

struct Row {
  std::string body;      // behind the head
  const char* expected;  // all diagnostics but 8001
};

std::string trigger(std::string_view rest) { return "trigger: deal.won\n" + std::string{rest}; }
std::string when(std::string_view condition) {  // line 5, column 7
  return "trigger: offer.sent\nwhen: " + std::string{condition} + "\n" + std::string{kSteps};
}
std::string steps(std::string_view lines) {  // from line 6 on
  return "trigger: deal.won\nsteps:\n" + std::string{lines};
}

void expect_rows(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    const auto source = std::string{kHead} + row.body;
    const auto compiled = compile(source);
    EXPECT_EQ(all_of(compiled), row.expected)
        << source << render(compiled.diagnostics, "r.rule.yaml", source);
    const bool errors = std::any_of(compiled.diagnostics.begin(), compiled.diagnostics.end(),
                                    [](const auto& d) { return d.severity == Severity::kError; });
    EXPECT_EQ(compiled.plan == nullptr, errors) << source;
  }
}

TEST(DiagnosticsTest, Form) {
  expect_rows({
      {trigger("steps: [\n"), "6:1 error 1001"},
      {trigger("steps:\n\t- wait: 1d\n"), "6:1 error 1001"},
      {trigger("steps: &a\n  - wait: 1d\n"), "5:8 error 1002"},
      {trigger("steps: *a\n"), "5:8 error 1002"},
      {trigger("description: !!str x\n"), "5:14 error 1002"},
      {trigger("<<: {}\n"), "5:1 error 1002"},
      {trigger("steps:\n  - wait: 1d\n---\nrule: s\n"), "7:1 error 1002"},
      {trigger("name: S\n" + std::string{kSteps}), "5:1 error 1003"},
      {steps("  - { wait: 1d, id: a }\n  - { wait: 1d, id: a }\n"), "7:21 error 1003"},
      {trigger("stepps:\n  - wait: 1d\n"), "1:1 error 1005, 5:1 error 1004"},
      {trigger("steps:\n"), "5:7 error 1005"},
      {trigger("steps: []\n"), "5:8 error 1005"},
      {trigger("steps:\n  - waitt: 1d\n"), "6:5 error 1004"},
      {trigger("steps:\n  - { wait: 1d, idd: a }\n"), "6:17 error 1004"},
      {trigger("when: event.late == yes\n" + std::string{kSteps}), "5:21 error 2001"},
      {steps("  - send_webhook: { endpoint: e, data: { a: yes } }\n"), "6:45 error 1006"},
      {trigger("when: deal.stage == \"a\" ? b : c\n" + std::string{kSteps}), "5:29 error 1007"},
      {trigger("when: deal.stage == #x\n" + std::string{kSteps}), "5:20 error 1007"},
      {trigger("exit: { when: a && b, c && d }\n" + std::string{kSteps}), "5:23 error 1007"},
      {steps("  - wait: 3 days\n"), "6:11 error 1008"},
      {steps("  - wait: 731d\n"), "6:11 error 1008"},
      {trigger("limits: { quiet_hours: { send: mornings } }\n" + std::string{kSteps}),
       "5:32 error 1008"},
      {trigger("limits: { quiet_hours: none }\nsteps:\n  - send_email: { template: t, to: contact, "
               "purpose: news }\n"),
       "7:54 warning 5011"},
      {trigger("limits: { quiet_hours: none }\nsteps:\n  - send_email: { template: t, to: contact, "
               "purpose: service }\n"),
       ""},
      {trigger("import: { drip: fast }\n" + std::string{kSteps}), "5:17 error 1008"},
      {trigger("import: { drip: 0/h }\n" + std::string{kSteps}), "5:17 error 1008"},
      {trigger("import: { drip: 5 }\n" + std::string{kSteps}), "5:17 error 1008"},
      {trigger("import: { trickle: 5/h }\n" + std::string{kSteps}),
       "5:9 error 1005, 5:11 error 1004"},
  });
}

TEST(DiagnosticsTest, SizeAndDepth) {
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "[";
  expect_rows({
      {"# " + std::string(300 * 1024, 'x') + "\n", "1:1 error 1009"},
      {trigger("tags: " + deep), "5:38 error 1009"},
  });
  std::string many = "trigger: deal.won\nsteps:\n";
  for (int i = 0; i < 201; ++i) many += "  - wait: 1d\n";
  expect_rows({{many, "206:5 error 1009"}});
  std::string nested = "trigger: deal.won\nsteps:\n";
  std::string indent = "  ";
  for (int i = 0; i < 9; ++i, indent += "    ") {
    nested += indent + "- if: deal.no_decision\n" + indent + "  then:\n";
  }
  nested += indent + "- wait: 1d\n";
  EXPECT_NE(all_of(compile(std::string{kHead} + nested)).find("error 1009"), std::string::npos);
}

// Whatever comes with a later version is refused, not passed over.
TEST(DiagnosticsTest, LaterVersions) {
  expect_rows({
      {"trigger: { becomes: deal.stage == \"x\" }\n" + std::string{kSteps}, "4:12 error 1010"},
      {"trigger: { date: contract.ends, before: 30d }\n" + std::string{kSteps}, "4:12 error 1010"},
      {"trigger: { idle: deal, for: 30d }\n" + std::string{kSteps}, "4:12 error 1010"},
      {"trigger: { every: Mon 08:00, of: deal }\n" + std::string{kSteps}, "4:12 error 1010"},
      {"trigger: manual\n" + std::string{kSteps}, "4:10 error 1010"},
      {"trigger: { changed: deal.custom.x }\n" + std::string{kSteps}, "4:21 error 1010"},
      {trigger("language: 2\n" + std::string{kSteps}), "5:11 error 1010"},
      {trigger("limits: { rate: 5/h }\n" + std::string{kSteps}), "5:11 error 1010"},
      {trigger("on_publish: exit\n" + std::string{kSteps}), "5:13 error 1010"},
      {trigger("misfire: { on_resume: skip }\n" + std::string{kSteps}), "5:23 error 1010"},
      {steps("  - switch: deal.stage\n"), "6:5 error 1010"},
      {steps("  - split: {}\n"), "6:5 error 1010"},
      {steps("  - repeat: { times: 2 }\n"), "6:5 error 1010"},
      {steps("  - goto: x\n"), "6:5 error 1010"},
      {steps("  - call: { rule: x }\n"), "6:5 error 1010"},
      {steps("  - approval: { kind: x }\n"), "6:5 error 1010"},
      {steps("  - create_task: { template: x }\n"), "6:20 error 1010"},
      {steps("  - assign: { to: least_loaded }\n"), "6:19 error 1010"},
      {steps("  - assign: { to: owner, except: owner }\n"), "6:26 error 1010"},
      {steps("  - close_tasks: { made_by: any }\n"), "6:29 error 1010"},
      {steps("  - if: count_events(\"email.clicked\", days(30)) >= 2\n    then: [{ wait: 1d }]\n"),
       "6:9 error 1010"},
  });
}

TEST(DiagnosticsTest, NamesAndTypes) {
  expect_rows({
      {when("deal.amout > money(\"5 EUR\")"), "5:7 error 2001"},
      {when("deals.amount > money(\"5 EUR\")"), "5:7 error 2001"},
      {when("event.totl > money(\"5 EUR\")"), "5:7 error 2001"},
      {when("deal.stage.name == \"x\""), "5:7 error 2001"},
      {"trigger: { changed: deal.stagee }\n" + std::string{kSteps}, "4:21 error 2001"},
      {steps("  - update: { deal.status: won }\n"), "6:15 error 2001"},
      {steps("  - create_task: { kind: call, title: \"{{ deal.nam }}\", due: 1d }\n"),
       "6:43 error 2001"},
      {"trigger: offer.snet\n" + std::string{kSteps}, "4:10 error 2002"},
      {"trigger: [deal.won, com.example.cart_left, wat]\n" + std::string{kSteps},
       "4:44 error 2002"},
      {when("offer.total > 1000"), "5:7 error 2003, 5:7 note 2005"},
      {when("offer.state"), "5:7 error 2003"},
      {trigger("subject: deal.name\n" + std::string{kSteps}), "5:10 error 2003"},
      {when("offer.state == \"snt\""), "5:22 error 2004"},
      {trigger("status: on-air\n" + std::string{kSteps}), "5:9 error 2004"},
      {trigger("loops: 11\n" + std::string{kSteps}), "5:8 error 2004"},
      {trigger("control: 110%\n" + std::string{kSteps}), "5:10 error 2004"},
      {when("offer.total == money(\"5 EUR\")"), "5:7 note 2005"},
      {when("has(offer.total) && offer.total == money(\"5 EUR\")"), ""},
      {trigger("exit: { when: deal.amount == money(\"5 EUR\") }\n" + std::string{kSteps}),
       "5:15 error 2005"},
      {trigger("exit: { when: \"has(deal.name) && deal.name == 'x'\" }\n" + std::string{kSteps}),
       ""},
      {steps("  - if: deal.name == \"x\"\n    then: [{ wait: 1d }]\n"), "6:9 error 2005"},
      {when("shout(deal.name)"), "5:7 error 2006, 5:13 note 2005"},
      {when("event.time - now > duration(\"3d\")"), "5:26 error 2006"},
      {steps("  - wait: 1d\n  - if: event.late\n    then: [{ wait: 1d }]\n"), "7:9 error 2007"},
      {"trigger: lead.captured\nwhen: offer.state == \"sent\"\n" + std::string{kSteps},
       "5:7 error 2007"},
      {trigger("exit: { when: before.stage == \"x\" }\n" + std::string{kSteps}), "5:15 error 2007"},
      {when("offer.state =="), "5:21 error 2008"},
      {when("(offer.state"), "5:19 error 2008"},
  });
}

TEST(DiagnosticsTest, Steps) {
  expect_rows({
      {steps("  - end: enough\n  - wait: 1d\n"), "7:5 error 3001"},
      {steps("  - if: deal.no_decision\n    then: [{ end: a }]\n    else: [{ end: b }]\n  - wait: "
             "1d\n"),
       "9:5 error 3001"},
      {steps("  - wait_for: deal.lost\n    within: 2d\n"), "6:5 error 3002"},
      {steps("  - wait_for: deal.lost\n    else: [{ end: x }]\n"), "6:5 error 3002"},
      {trigger("exit: { event: deal.lost, do: [{ wait: 1d }] }\n" + std::string{kSteps}),
       "5:32 error 3004"},
      {steps("  - wait: 3d\n  - send_email: { template: t, to: contact, purpose: p }\n"),
       "6:3 warning 3005"},
      {trigger(
           "exit: { event: email.replied }\nsteps:\n  - wait: 3d\n  - send_email: { template: t, "
           "to: contact, purpose: p }\n"),
       ""},
      {"trigger: user.updated\nexit: { event: survey.sent }\n" + std::string{kSteps}, ""},
      {"trigger: product.updated\nexit: { event: deal.won }\n" + std::string{kSteps},
       "5:7 warning 3006"},
      {steps("  - send_email: { template: t, to: contact }\n"), "6:17 error 5001"},
      {steps("  - notify: { to: owner, text: \"{{ deal.name | shout }}\" }\n"), "6:48 error 5003"},
      {when("true"), "5:7 warning 7001"},
      {when("false"), "5:7 warning 7002"},
      {when("offer.state == \"sent\" && offer.state == \"viewed\""), "5:7 warning 7002"},
      {when("offer.version > 5 && offer.version <= 5"),
       "5:7 note 2005, 5:7 warning 7002, 5:28 note 2005"},
      {when("offer.version > 5 && offer.version <= 6"), "5:7 note 2005, 5:28 note 2005"},
      {when("offer.state in [\"sent\", \"viewed\"] && offer.state == \"draft\""),
       "5:7 warning 7002"},
  });
}

TEST(DiagnosticsTest, WarnsOfAFileWithoutTests) {
  const auto compiled = compile(std::string{kHead} + trigger(kSteps));
  ASSERT_EQ(compiled.diagnostics.size(), 1U);
  EXPECT_EQ(where(compiled.diagnostics[0]), "1:1 warning 8001");
}

TEST(DiagnosticsTest, AFailedTestIsAnError) {
  const auto compiled = compile(std::string{kHead} + trigger(std::string{kSteps} +
                                                             R"(tests:
  - name: wrong
    events: [{ at: 2026-01-01, event: deal.won, subject: deal/d1 }]
    expect: [{ at: 2026-01-02, exit: never }]
)"));
  ASSERT_NE(compiled.plan, nullptr);
  const auto results = run_tests(compiled);
  const auto found = diagnostics_of(results);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(where(found[0]), "8:5 error 8002");
  EXPECT_EQ(results[0].report, "wrong: failed\n  - 2026-01-02T00:00:00Z exit: never\n");
}

TEST(DiagnosticsTest, IsShownWithLineAndCaret) {
  const auto source = std::string{kHead} + when("deal.amout > money(\"5 EUR\")");
  const auto compiled = compile(source);
  EXPECT_EQ(render({compiled.diagnostics[1]}, "offer.rule.yaml", source),
            "offer.rule.yaml:5:7 error DW2001 unknown field 'deal.amout'. Did you mean "
            "'deal.amount'?\n"
            "  when: deal.amout > money(\"5 EUR\")\n"
            "        ^\n");
}

TEST(DiagnosticsTest, PlacesInFoldedAndQuotedText) {
  expect_rows({
      {"trigger: deal.won\nwhen: >-\n  deal.status == \"won\" &&\n  deal.nam == \"x\"\n" +
           std::string{kSteps},
       "7:3 error 2001"},
      {"trigger: deal.won\nwhen: 'deal.stage == \"it''s\" && deal.nam == \"x\"'\n" +
           std::string{kSteps},
       "5:33 error 2001"},
      {"trigger: deal.won\nwhen: \"deal.stage == \\\"ü\\\" && deal.nam == 'x'\"\n" +
           std::string{kSteps},
       "5:31 error 2001"},
  });
}

// The other two rules of the language page: what is not built yet is said so.
TEST(DiagnosticsTest, ThePagesOwnExamples) {
  expect_rows({
      {R"(trigger: lead.assigned
entry: { once_per: event.id }
loops: 3
exit:
  - { event: [contact.attempted, contact.reached], when: event.auto == false }
  - event: lead.assigned
steps:
  - wait: 5bmin
  - notify: { to: lead.owner, text: "New lead {{ lead.company }} is waiting" }
  - wait: 10bmin
  - assign: { to: least_loaded, team: lead.team, except: lead.owner }
)",
       "14:19 error 1010, 14:50 error 1010"},
      {R"(trigger: lead.disqualified
when: event.reason == "not_now" && lead.consented("nurture", "email")
entry: { cooldown: 180d }
control: 10%
exit:
  - event: [meeting.scheduled, lead.qualified, deal.opened, consent.withdrawn]
  - { event: email.replied, when: event.auto == false }
steps:
  - wait_until: event.?not_now_until.orValue(today.plus_days(30))
  - if: count_events("email.clicked", days(30)) >= 2
    then: [{ create_task: { kind: call, title: "Warm lead {{ lead.company }}", due: 1bd } }]
    else: [{ send_email: { template: whats-new, to: lead, purpose: nurture } }]
)",
       "13:9 error 1010"},
  });
}

}  // namespace
}  // namespace dealwright::rules
