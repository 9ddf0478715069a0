// How one event is decided: the order of timers, exits, waits and entries, and the bounds of what
// one event may lead to.
#include <fmt/core.h>

#include "tests/rules/rule_bed.h"

namespace dealwright::rules {
namespace {

std::string notify(std::string_view whom) {
  return fmt::format("  - notify: {{ to: user(\"{}\"), text: x }}\n", whom);
}
std::string told(std::string_view whom) {
  return fmt::format("effect notify:user(\"{0}\") user/{0}\n", whom);
}

// An outage ends at `now`: what happened while it lasted is decided as if it had been seen at once.
TEST(OrderTest, TimersGoBeforeAnEventOnlyIfTheyWereDueByItsTime) {
  struct Row {
    const char* viewed;
    const char* now;
    std::string expected;
  };
  const auto fired = told("u1") + "ended done\n";
  const Row rows[] = {
      {"2026-03-03 08:59", "2026-03-03 08:59", "ended offer.viewed cancelling\n"},
      {"2026-03-03 08:59", "2026-03-05 12:00", "ended offer.viewed cancelling\n"},
      {"2026-03-03 09:01", "2026-03-03 09:01", fired},
      {"2026-03-03 09:01", "2026-03-05 12:00", fired},
      // At one instant the timer goes first, and cancel wins.
      {"2026-03-03 09:00", "2026-03-03 09:00", fired + "effect is cancelled\n"},
      {"2026-03-03 09:00", "2026-03-05 12:00", fired + "effect is cancelled\n"},
  };
  for (const auto& row : rows) {
    RuleBed bed;
    bed.publish("r",
                "trigger: offer.sent\nexit: { event: offer.viewed }\nmisfire: { messages: 9d }\n"
                "steps:\n  - wait: 1d\n" +
                    notify("u1"));
    bed.happen(bed.event("offer.sent", "offer/o1", "2026-03-02 09:00"));
    bed.decided();
    bed.happen(bed.event("offer.viewed", "offer/o1", row.viewed), RuleBed::at(row.now));
    EXPECT_EQ(bed.decided(), row.expected) << row.viewed << " seen " << row.now;
    bed.world().advance(RuleBed::at("2026-04-01"));
    EXPECT_EQ(bed.decided(), "");
  }
}

TEST(OrderTest, CancelWinsOnlyForWhomTheExitConcerns) {
  RuleBed bed;
  bed.publish("r",
              "trigger: offer.sent\nexit: { event: offer.viewed, when: event.late == false }\n"
              "steps:\n  - wait: 1d\n" +
                  notify("u1"));
  for (const auto* offer : {"offer/o1", "offer/o2"})
    bed.happen(bed.event("offer.sent", offer, "2026-03-02 09:00"));
  bed.happen(bed.event("offer.viewed", "offer/o2", "2026-03-03 09:00"));
  bed.happen(bed.event("offer.declined", "offer/o1", "2026-03-03 09:00"));
  std::string states;
  for (const auto& [id, effect] : bed.world().effects())
    states += to_text(effect.subject) + (effect.state == EffectState::kCancelled ? "- " : "+ ");
  EXPECT_TRUE(states == "offer/o1+ offer/o2- " || states == "offer/o2- offer/o1+ ") << states;
}

TEST(OrderTest, TimersOfOneInstantGoByRuleAndEarlierOnesFirst) {
  RuleBed bed;
  bed.publish("b", "trigger: deal.won\nsteps:\n  - wait: 1d\n" + notify("b"));
  bed.publish("a", "trigger: deal.won\nsteps:\n  - wait: 1d\n" + notify("a"));
  bed.publish("c", "trigger: deal.won\nsteps:\n  - wait: 23h\n" + notify("c"));
  bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 09:00"));
  bed.decided();
  bed.world().advance(RuleBed::at("2026-03-09"));
  const std::string done = "ended done\n";
  EXPECT_EQ(bed.decided(), told("c") + done + told("a") + done + told("b") + done);
}

TEST(OrderTest, ExitsThenWaitsThenEntriesEachByRule) {
  RuleBed bed;
  const auto started = "trigger: offer.sent\n";
  bed.publish(
      "y-exit",
      fmt::format("{}exit: {{ event: offer.viewed, reason: y }}\nsteps:\n  - wait: 9d\n", started));
  bed.publish(
      "z-exit",
      fmt::format("{}exit: {{ event: offer.viewed, reason: z }}\nsteps:\n  - wait: 9d\n", started));
  for (const auto* id : {"m-wait", "n-wait"}) {
    bed.publish(
        id,
        fmt::format(
            "{}steps:\n  - wait_for: offer.viewed\n    within: 9d\n    else: [{{ end: x }}]\n{}",
            started, notify(id)));
  }
  bed.publish("b-entry", "trigger: offer.viewed\nsteps:\n" + notify("b"));
  bed.publish("a-entry", "trigger: offer.viewed\nsteps:\n" + notify("a"));
  bed.happen(bed.event("offer.sent", "offer/o1", "2026-03-02 09:00"));
  bed.decided();
  bed.happen(bed.event("offer.viewed", "offer/o1", "2026-03-03 09:00"));
  const std::string done = "ended done\n";
  EXPECT_EQ(bed.decided(), "ended y cancelling\nended z cancelling\n" + told("m-wait") + done +
                               told("n-wait") + done + "started a-entry v1 offer/o1\n" + told("a") +
                               done + "started b-entry v1 offer/o1\n" + told("b") + done);
}

TEST(OrderTest, AllRulesSeeTheStateBehindTheEventAndNoneTheActsOfOthers) {
  RuleBed bed;
  bed.publish("a", "trigger: deal.won\nsteps:\n  - update: { deal.custom.x: 1 }\n");
  bed.publish("b",
              "trigger: deal.won\nwhen: deal.status == \"won\" && !has(deal.custom.x)\nsteps:\n" +
                  notify("b"));
  bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 09:00"));
  EXPECT_EQ(bed.decided(),
            "started a v1 deal/d1\nfact deal.updated deal/d1\nended done\nstarted b v1 deal/d1\n" +
                told("b") + "ended done\n");
}

TEST(OrderTest, KeysAndKeptValuesAreOfThatStateToo) {
  RuleBed bed;
  bed.publish(
      "a", "trigger: deal.won\nentry: each_time\nsteps:\n  - update: { deal.custom.w: from-a }\n");
  bed.publish("b",
              "trigger: deal.won\nentry: { once_per: \"deal.custom.?w.orValue('none')\" "
              "}\nsteps:\n  - notify: { to: user(\"u1\"), "
              "text: \"{{ start.deal.custom.w | default: 'none' }} {{ deal.custom.w }}\" }\n");
  bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 09:00"));
  bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 10:00"));
  std::string texts;
  for (const auto& change : bed.changes()) {
    const auto* effect = std::get_if<EffectRequested>(&change);
    if (effect != nullptr)
      texts += std::string{find(effect->effect.payload, "text")->text_or_empty()} + "; ";
  }
  EXPECT_EQ(texts, "none from-a; from-a from-a; ");
}

TEST(OrderTest, WhatAnEventStartsItDoesNotEnd) {
  RuleBed bed;
  bed.publish("r",
              "trigger: lead.assigned\nentry: each_time\nexit: { event: lead.assigned, reason: "
              "anew }\nsteps:\n  - wait: 1d\n");
  bed.happen(bed.event("lead.assigned", "lead/l1", "2026-03-02 09:00", {{"owner", Value{"u1"}}}));
  EXPECT_EQ(bed.decided(), "started r v1 lead/l1 until 2026-03-03T09:00:00Z\n");
  bed.happen(bed.event("lead.assigned", "lead/l1", "2026-03-02 10:00", {{"owner", Value{"u2"}}}));
  EXPECT_EQ(bed.decided(),
            "ended anew cancelling\nstarted r v1 lead/l1 until 2026-03-03T10:00:00Z\n");
}

TEST(OrderTest, WhoActedSeesTheChangeAndOthersTakeItInTurn) {
  RuleBed bed;
  bed.publish("a",
              "trigger: deal.won\nsteps:\n  - update: { deal.custom.x: 1 }\n  - if: "
              "deal.custom.?x.orValue(0) == 1\n"
              "    then:\n    " +
                  notify("yes") + "    else:\n    " + notify("no"));
  bed.publish("b", "trigger: deal.updated\nsteps:\n  - update: { deal.custom.y: 1 }\n");
  bed.publish("c", "trigger: deal.updated\nwhen: has(deal.custom.y)\nentry: each_time\nsteps:\n" +
                       notify("c"));
  bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 09:00"));
  EXPECT_EQ(bed.decided(),
            "started a v1 deal/d1\nfact deal.updated deal/d1\n" + told("yes") + "ended done\n" +
                "started b v1 deal/d1\nfact deal.updated deal/d1\nended done\n" +
                "refused b deal/d1 once\nstarted c v1 deal/d1\n" + told("c") + "ended done\n");
}

// ---- bounds

std::map<std::string, int> failures(const RuleBed& bed) {
  std::map<std::string, int> out;
  for (const auto& change : bed.changes()) {
    if (const auto* failed = std::get_if<RuleFailed>(&change)) ++out[failed->code];
  }
  return out;
}
int facts(const RuleBed& bed) {
  int out = 0;
  for (const auto& change : bed.changes())
    out += std::holds_alternative<FactDecided>(change) ? 1 : 0;
  return out;
}

TEST(OrderTest, EightFactsDeep) {
  RuleBed bed;
  bed.publish("r",
              "trigger: deal.updated\nentry: each_time\nloops: 10\nsteps:\n  - update: { "
              "deal.custom.x: 1 }\n");
  bed.happen(bed.event("deal.updated", "deal/d1", "2026-03-02 09:00"));
  EXPECT_EQ(facts(bed), 8);
  EXPECT_EQ(failures(bed), (std::map<std::string, int>{{"loop", 1}, {"refused", 1}}));
  const auto& last = std::get<RuleFailed>(bed.changes()[bed.changes().size() - 2]);
  EXPECT_EQ(last.detail, "deal.updated was refused; rules led here: r, r, r, r, r, r, r, r");
}

TEST(OrderTest, TwoHundredAndFiftySixFactsOfOneEvent) {
  RuleBed bed;
  for (const auto* id : {"a", "b", "c"}) {
    bed.publish(id,
                "trigger: deal.updated\nentry: each_time\nloops: 10\nsteps:\n  - update: { "
                "deal.custom.x: 1 }\n");
  }
  bed.happen(bed.event("deal.updated", "deal/d1", "2026-03-02 09:00"));
  EXPECT_EQ(facts(bed), 256);
  EXPECT_GT(failures(bed)["budget"], 0);
  bed.decided();
  bed.happen(bed.event("deal.won", "deal/d2", "2026-03-02 10:00"));  // the next event starts afresh
  EXPECT_EQ(bed.decided(), "");
}

TEST(OrderTest, AThousandStepsOfOneDecision) {
  RuleBed bed;
  std::string steps = "trigger: deal.won\nsteps:\n";
  for (int i = 0; i < 100; ++i)
    steps += "  - { if: deal.status == \"lost\", then: [{ end: never }] }\n";
  for (const char id : std::string{"abcdefghijkl"}) bed.publish(std::string(1, id), steps);
  for (const auto* deal : {"deal/d1", "deal/d2"}) {  // each event has a budget of its own
    bed.happen(bed.event("deal.won", deal, "2026-03-02 09:00"));
    std::map<std::string, int> ended;
    const auto lines = bed.decided();
    for (const auto* end : {"ended done\n", "ended error\n"}) {
      for (auto at = lines.find(end); at != std::string::npos; at = lines.find(end, at + 1))
        ++ended[end];
    }
    EXPECT_EQ(ended, (std::map<std::string, int>{{"ended done\n", 10}, {"ended error\n", 2}}));
  }
  EXPECT_EQ(failures(bed)["budget"], 4);
}

TEST(OrderTest, OfTwoRulesThatSetAFieldTheLaterStandsAndBothAreNamed) {
  RuleBed bed;
  bed.publish("b", "trigger: deal.won\nsteps:\n  - update: { deal.custom.w: from-b }\n");
  bed.publish(
      "a", "trigger: deal.won\nsteps:\n  - update: { deal.custom.w: from-a, deal.custom.y: 1 }\n");
  bed.publish("c", "trigger: deal.won\nsteps:\n  - update: { deal.custom.z: 1 }\n");
  bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 09:00"));
  EXPECT_EQ(failures(bed), (std::map<std::string, int>{{"write_conflict", 1}}));
  for (const auto& change : bed.changes()) {
    const auto* failed = std::get_if<RuleFailed>(&change);
    if (failed == nullptr) continue;
    EXPECT_EQ(failed->rule, "b");
    EXPECT_EQ(failed->detail, "custom.w of deal/d1 is set by 'a' too; the later one stands");
  }
  const auto& custom = bed.world().record({Kind::kDeal, "d1"})->custom;
  const auto x =
      std::find_if(custom.begin(), custom.end(), [](const auto& c) { return c.name == "w"; });
  ASSERT_NE(x, custom.end());
  EXPECT_EQ(x->value.text_or_empty(), "from-b");
}

// `loops` counts the restarts of a rule by its own acts, a record and 24 hours.
TEST(OrderTest, LoopsAreCountedARecordAndADay) {
  struct Row {
    const char* wait;
    int loops;
    int facts;  // within ten days
  };
  for (const auto& row : {Row{"1h", 0, 1}, Row{"1h", 2, 3}, Row{"12h", 0, 1}, Row{"12h", 1, 20},
                          Row{"24h", 0, 10}, Row{"25h", 0, 9}}) {
    RuleBed bed;
    bed.publish(
        "r",
        fmt::format(
            "trigger: deal.updated\nentry: each_time\nloops: {}\nsteps:\n  - wait: {}\n  - update: "
            "{{ deal.custom.x: 1 }}\n",
            row.loops, row.wait));
    bed.happen(bed.event("deal.updated", "deal/d1", "2026-03-02 09:00"));
    bed.world().advance(RuleBed::at("2026-03-12 09:00"));
    EXPECT_EQ(facts(bed), row.facts) << row.wait << ", loops " << row.loops;
  }
}

// ---- what depends on time alone

TEST(OrderTest, ACooldownGoesByWhenThingsHappened) {
  for (const bool outage : {false, true}) {
    RuleBed bed;
    bed.publish("r", "trigger: offer.sent\nentry: { cooldown: 2d }\nsteps:\n" + notify("u1"));
    for (const auto* time : {"2026-03-02 09:00", "2026-03-03 09:00", "2026-03-04 10:00"}) {
      bed.happen(bed.event("offer.sent", "offer/o1", time),
                 RuleBed::at(outage ? "2026-03-04 10:00" : time));
    }
    const auto started = "started r v1 offer/o1\n" + told("u1") + "ended done\n";
    EXPECT_EQ(bed.decided(), started + "refused r offer/o1 cooldown\n" + started) << outage;
  }
}

TEST(OrderTest, WaitUntil) {
  struct Row {
    const char* until;
    const char* due;  // "": it goes on at once; "error": so
  };
  const Row rows[] = {
      {"timestamp(\"2026-03-03T08:00:00Z\")", "2026-03-03T08:00:00Z"},
      {"timestamp(\"2026-03-02T09:00:00Z\")", ""},
      {"date(\"2026-03-03\")", "2026-03-03T09:00:00Z"},
      {"date(\"2026-03-02\")", ""},
      {"today.plus_days(30)", "2026-04-01T09:00:00Z"},
      {"now + hours(3)", "2026-03-02T12:00:00Z"},
      {"Mon 09:00", "2026-03-09T09:00:00Z"},  // that very instant is past
      {"Mon 09:01", "2026-03-02T09:01:00Z"},
      {"Tue 08:30", "2026-03-03T08:30:00Z"},
      {"Sun 00:00", "2026-03-08T00:00:00Z"},
      {"date(deal.extra.?day.orValue(\"soon\"))", "error"},
  };
  for (const auto& row : rows) {
    RuleBed bed;
    bed.publish("r", fmt::format("trigger: deal.won\nsteps:\n  - wait_until: {}\n{}", row.until,
                                 notify("u1")));
    bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 09:00"));
    const std::string due = row.due;
    const auto expected =
        due.empty() ? "started r v1 deal/d1\n" + told("u1") + "ended done\n"
        : due == "error"
            ? "started r v1 deal/d1\nfailed r wait_until invalid_argument\nended error\n"
            : "started r v1 deal/d1 until " + due + "\n";
    EXPECT_EQ(bed.decided(), expected) << row.until;
  }
}

TEST(OrderTest, LaterWaitsCountFromTheStepHoweverLateItCame) {
  RuleBed bed;
  bed.publish("r", "trigger: deal.won\nmisfire: { messages: 30d }\nsteps:\n  - wait: 1d\n" +
                       notify("u1") + "  - wait: 2d\n" + notify("u2") + "  - wait: 10d\n" +
                       notify("u3"));
  bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 09:00"), RuleBed::at("2026-03-02 18:00"));
  EXPECT_EQ(bed.decided(), "started r v1 deal/d1 until 2026-03-03T09:00:00Z\n");
  // Nobody looks for four days; then an event of another deal comes.
  bed.happen(bed.event("deal.won", "deal/d2", "2026-03-07 09:00"));
  EXPECT_EQ(bed.decided(), told("u1") + "moved to 2 until 2026-03-05T09:00:00Z\n" + told("u2") +
                               "moved to 4 until 2026-03-15T09:00:00Z\nstarted r v1 deal/d2 until "
                               "2026-03-08T09:00:00Z\n");
}

// ---- an error is not false

TEST(OrderTest, AnErrorIsNotFalse) {
  struct Row {
    const char* when;
    const char* expected;
  };
  const auto* started = "started";
  const auto* failed = "failed r when";
  const Row rows[] = {
      {"deal.extra.s > 5", failed},  // a text against a number
      {"!(deal.extra.s > 5)", failed},
      {"deal.extra.s > 5 || deal.status == \"won\"", started},  // the other side decides
      {"deal.status == \"won\" || deal.extra.s > 5", started},
      {"deal.status == \"lost\" && deal.extra.s > 5", ""},
      {"deal.extra.s > 5 && deal.status == \"lost\"", ""},
      {"deal.extra.n / 0 > 1", failed},
      {"deal.extra.n + 9223372036854775807 > 1", failed},
      {"deal.extra.gone == 1", ""},  // absent: no match and no fault, either way round
      {"deal.extra.gone != 1", ""},
      {"!(deal.extra.gone == 1)", ""},
      {"deal.extra.?gone.orValue(1) == 1", started},
      {"has(deal.extra.gone) || deal.extra.n == 2", started},
      {"money(\"5 EUR\") > money(\"5 USD\") || deal.extra.n == 3", failed},
  };
  for (const auto& row : rows) {
    RuleBed bed;
    bed.publish("r",
                fmt::format("trigger: deal.won\nwhen: '{}'\nsteps:\n{}", row.when, notify("u1")));
    bed.happen(bed.event("deal.updated", "deal/d1", "2026-03-01 09:00",
                         {{"set", Value{Map{{"s", Value{"x"}}, {"n", Value{2}}}}}}));
    bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 09:00"));
    const auto got = bed.decided();
    const std::string expected = row.expected;
    EXPECT_TRUE(expected.empty() ? got.empty() : got.starts_with(expected))
        << row.when << ": " << got;
  }
}

}  // namespace
}  // namespace dealwright::rules
