// What rules decide: entries, exits, waits, errors, versions, pauses.
#include <fmt/core.h>

#include "rules/decide/run.h"
#include "rules/steps/task_id.h"
#include "tests/rules/rule_bed.h"

namespace dealwright::rules {
namespace {

constexpr const char* kNotify = "steps:\n  - notify: { to: user(\"u1\"), text: hello }\n";
constexpr const char* kWaits =
    "steps:\n  - wait: 1d\n  - notify: { to: user(\"u1\"), text: hello }\n";
const std::string kDone = "effect notify:user(\"u1\") user/u1\nended done\n";

std::string won(std::string_view rest) { return "trigger: deal.won\n" + std::string{rest}; }

TEST(DeciderTest, AFireOfOneEffectTakesThreeChanges) {
  RuleBed bed;
  bed.publish("r", won(kNotify));
  bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 09:00"));
  EXPECT_EQ(bed.decided(), "started r v1 deal/d1\n" + kDone);
  EXPECT_TRUE(bed.world().enrolments().empty());
  const auto& effect = bed.world().effects().begin()->second;
  EXPECT_EQ(effect.id, effect_id("default", "r", enrolment_key({"deal/d1"}), "notify:user(\"u1\")",
                                 "", "notify", ""));
  EXPECT_EQ(*effect.expires, RuleBed::at("2026-03-03 09:00"));
  EXPECT_EQ(to_json(Value{effect.payload}), R"({"text":"hello","to":"user/u1"})");
}

// Rule entries of a record count for what it is merged into, and are its own again behind an
// unmerge.
TEST(DeciderTest, EntriesOfAMergedLoserCountForTheWinner) {
  struct Row {
    const char* entry;
    const char* day;     // of the winner's mail
    const char* reason;  // in it
    const char* expected;
  };
  const Row rows[] = {
      {"once", "2026-03-20", "a", "once"},
      {"{ once_per: event.reason }", "2026-03-20", "a", "once"},
      {"{ once_per: event.reason }", "2026-03-20", "b", ""},
      {"{ cooldown: 3d }", "2026-03-04", "a", "cooldown"},
      {"{ cooldown: 3d }", "2026-03-20", "a", ""},
      {"each_time", "2026-03-04", "a", ""},
  };
  for (const auto& row : rows) {
    RuleBed bed;
    bed.publish("r", fmt::format("trigger: offer.sent\nentry: {}\n{}", row.entry, kNotify));
    const auto send = [&](const char* offer, const std::string& time, const char* reason) {
      bed.happen(bed.event("offer.sent", offer, time, {{"reason", Value{reason}}}));
      return bed.decided();
    };
    EXPECT_TRUE(send("offer/o1", "2026-03-02 09:00", "a").starts_with("started r v1 offer/o1"));
    bed.happen(bed.event("offer.merged", "offer/o1", "2026-03-02 10:00", {{"into", Value{"o2"}}}));
    bed.happen(bed.event("offer.merged", "offer/o2", "2026-03-02 11:00", {{"into", Value{"o3"}}}));
    bed.decided();
    const auto got = send("offer/o3", std::string{row.day} + " 12:00", row.reason);
    if (*row.expected == '\0') {
      EXPECT_TRUE(got.starts_with("started r v1 offer/o3")) << row.entry << ": " << got;
    } else {
      EXPECT_EQ(got, "refused r offer/o3 " + std::string{row.expected} + "\n") << row.entry;
    }
  }
}

TEST(DeciderTest, EntryPolicies) {
  struct Row {
    const char* entry;
    std::vector<const char*> expected;  // per event: 03-02 o1, 03-02 o1, 03-04 o2, 03-20 o1
  };
  const Row rows[] = {
      {"once", {"ok", "once", "once", "once"}},
      {"{ once_per: event.reason }", {"ok", "once", "ok", "once"}},
      {"{ once_per: [event.reason, event.subject] }", {"ok", "once", "ok", "once"}},
      {"{ cooldown: 2d }", {"ok", "cooldown", "ok", "ok"}},
      {"{ cooldown: 3d }", {"ok", "cooldown", "cooldown", "ok"}},
      {"while_not_active", {"ok", "active", "ok", "ok"}},
      {"each_time", {"ok", "ok", "ok", "ok"}},
  };
  const std::pair<const char*, const char*> events[] = {{"2026-03-02 09:00", "a"},
                                                        {"2026-03-02 10:00", "a"},
                                                        {"2026-03-04 09:00", "b"},
                                                        {"2026-03-20 09:00", "a"}};
  for (const auto& row : rows) {
    RuleBed bed;
    bed.publish("r", fmt::format("trigger: offer.sent\nentry: {}\n{}", row.entry, kWaits));
    for (std::size_t i = 0; i < 4; ++i) {
      bed.world().advance(RuleBed::at(events[i].first));
      bed.decided();
      bed.happen(bed.event("offer.sent", "offer/o1", events[i].first,
                           {{"reason", Value{events[i].second}}}));
      const auto got = bed.decided();
      const std::string expected = row.expected[i];
      EXPECT_TRUE(expected == "ok" ? got.starts_with("started r v1 offer/o1")
                                   : got == "refused r offer/o1 " + expected + "\n")
          << row.entry << ", event " << i << ": " << got;
    }
    bed.world().advance(RuleBed::at("2026-04-01"));
    // No effect is asked for twice: each enrolment has ids of its own.
    const auto started =
        std::count(row.expected.begin(), row.expected.end(), std::string_view{"ok"});
    EXPECT_EQ(bed.world().effects().size(), static_cast<std::size_t>(started)) << row.entry;
  }
}

TEST(DeciderTest, AnEntryKeyWithoutValueIsAnError) {
  RuleBed bed;
  bed.publish("r",
              "trigger: offer.sent\nentry: { once_per: event.reason }\n" + std::string{kNotify});
  bed.happen(bed.event("offer.sent", "offer/o1", "2026-03-02 09:00"));
  EXPECT_EQ(bed.decided(), "failed r entry absent\n");
}

TEST(DeciderTest, WhatARuleMayNotSee) {
  RuleBed bed;
  bed.publish("paused", won(kNotify), "paused");
  bed.publish("retired", won(kNotify), "retired");
  bed.publish("draft", won("status: draft\n" + std::string{kNotify}));
  bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 09:00"));
  EXPECT_EQ(bed.decided(), "refused paused deal/d1 paused\n");
  bed.set_status("paused", "live");
  bed.happen(bed.event("deal.won", "deal/d2", "2026-03-02 10:00"), RuleBed::at("2026-03-06 10:00"));
  EXPECT_EQ(bed.decided(), "refused paused deal/d2 stale\n");
  bed.happen(bed.event("deal.won", "deal/d3", "2026-03-06 10:00"), RuleBed::at("2026-03-09 09:00"));
  EXPECT_EQ(bed.decided(), "started paused v1 deal/d3\n" + kDone);
}

TEST(DeciderTest, TheControlGroupIsStableAndAboutAsLarge) {
  RuleBed bed;
  bed.publish("r", won("entry: each_time\ncontrol: 25%\n" + std::string{kNotify}));
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    std::string first;
    for (int round = 0; round < 2; ++round) {
      bed.happen(bed.event("deal.won", fmt::format("deal/d{}", i), "2026-03-02 09:00"));
      const auto got = bed.decided();
      if (round == 0) first = got;
      EXPECT_EQ(got, first);
      refused += round == 0 && got == fmt::format("refused r deal/d{} control\n", i) ? 1 : 0;
    }
  }
  EXPECT_GT(refused, 70);
  EXPECT_LT(refused, 130);
}

TEST(DeciderTest, AShadowDecidesAndDoesNothing) {
  RuleBed bed;
  bed.publish("r",
              won("steps:\n  - create_task: { kind: call, title: x, due: 1d }\n  - update: { "
                  "deal.custom.a: b }\n"),
              "shadow");
  bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 09:00"));
  EXPECT_EQ(
      bed.decided(),
      "started r v1 deal/d1 shadow\neffect create_task:call queue/fallback suppressed(shadow)\n"
      "effect update:deal.custom.a deal/d1 suppressed(shadow)\nended done\n");
}

TEST(DeciderTest, ExitsCancelAndRunTheirSteps) {
  RuleBed bed;
  bed.publish("r",
              "trigger: offer.sent\nexit:\n  - event: offer.declined\n  - { event: deal.lost, "
              "reason: lost, do: [{ notify: { to: user(\"u1\"), text: bye } }] }\nsteps:\n  - "
              "send_webhook: { endpoint: e }\n  - wait: 1d\n");
  auto drafted = [&](const char* id) {
    bed.happen(bed.event("offer.drafted", id, "2026-03-01 09:00", {{"deal", Value{"d1"}}}));
  };
  drafted("offer/o1");
  drafted("offer/o2");
  bed.happen(bed.event("offer.sent", "offer/o1", "2026-03-02 09:00"));
  bed.happen(bed.event("offer.sent", "offer/o2", "2026-03-02 09:00"));
  bed.decided();
  bed.happen(bed.event("offer.declined", "offer/o1", "2026-03-02 10:00"));
  EXPECT_EQ(bed.decided(), "ended offer.declined cancelling\n");
  bed.happen(bed.event("deal.lost", "deal/d1", "2026-03-02 11:00"));  // concerns by offer.deal
  EXPECT_EQ(bed.decided(), "effect is cancelled\neffect notify:user(\"u1\") user/u1\nended lost\n");
  std::string states;
  for (const auto& [id, effect] : bed.world().effects()) {
    states +=
        fmt::format("{}{} ", effect.channel, effect.state == EffectState::kCancelled ? "-" : "+");
  }
  EXPECT_EQ(std::count(states.begin(), states.end(), '-'), 2) << states;
  EXPECT_TRUE(bed.world().timers().empty());
}

TEST(DeciderTest, FactsFromBeforeTheStartDoNotEndIt) {
  RuleBed bed;
  bed.publish("r", "trigger: offer.sent\nexit: { event: offer.viewed }\n" + std::string{kWaits});
  bed.happen(bed.event("offer.sent", "offer/o1", "2026-03-02 09:00"));
  bed.decided();
  bed.happen(bed.event("offer.viewed", "offer/o1", "2026-03-02 08:59"),
             RuleBed::at("2026-03-02 10:00"));
  EXPECT_EQ(bed.decided(), "");
  bed.happen(bed.event("offer.viewed", "offer/o1", "2026-03-02 09:30"),
             RuleBed::at("2026-03-02 10:00"));
  EXPECT_EQ(bed.decided(), "ended offer.viewed cancelling\n");
}

TEST(DeciderTest, MergeDeleteEraseAlwaysEnd) {
  struct Row {
    const char* type;
    const char* reason;
  };
  for (const auto& row : {Row{"lead.merged", "merged"}, Row{"lead.deleted", "deleted"},
                          Row{"person.erased", "erased"}}) {
    RuleBed bed;
    bed.publish("r", "trigger: lead.captured\n" + std::string{kWaits});
    bed.happen(bed.event("lead.captured", "lead/l2", "2026-03-01 09:00"));
    bed.happen(bed.event("lead.captured", "lead/l1", "2026-03-02 09:00"));
    bed.decided();
    const std::string_view type = row.type;
    bed.happen(bed.event(type, "lead/l1", "2026-03-02 10:00",
                         type == "lead.merged" ? Map{{"into", Value{"l2"}}} : Map{}));
    EXPECT_EQ(bed.decided(), fmt::format("ended {} cancelling\n", row.reason)) << row.type;
  }
}

TEST(DeciderTest, AnExitThatFailsHoldsUntilItCanBeSaid) {
  RuleBed bed;
  bed.publish("r", won("exit: { when: \"has(deal.extra.n) && deal.extra.n > 5\" }\n" +
                       std::string{kWaits}));
  auto set = [&](Value n, const char* time) {
    bed.happen(
        bed.event("deal.updated", "deal/d1", time, {{"set", Value{Map{{"n", std::move(n)}}}}}));
  };
  set(Value{1}, "2026-03-01 09:00");
  bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 09:00"));
  EXPECT_EQ(bed.decided(), "started r v1 deal/d1 until 2026-03-03T09:00:00Z\n");
  set(Value{"x"}, "2026-03-02 10:00");
  EXPECT_EQ(bed.decided(),
            "failed r exit no_such_overload\nmoved to 0 until 2026-03-03T09:00:00Z held\n");
  bed.world().advance(RuleBed::at("2026-03-04 09:00"));  // due, and still held
  EXPECT_EQ(bed.decided(), "failed r exit no_such_overload\nmoved to 1 held\n");
  set(Value{2}, "2026-03-05 09:00");
  EXPECT_EQ(bed.decided(), kDone);
}

TEST(DeciderTest, ErrorsOfConditionsAndSteps) {
  RuleBed bed;
  bed.publish("condition", won("when: deal.extra.n + 1 > 2\n" + std::string{kNotify}));
  bed.publish(
      "step-go-on",
      won("steps:\n  - { if: int(deal.extra.?n.orValue('x')) > 2, then: [{ end: x }], "
          "if_error: continue, id: ask }\n  - notify: { to: user(\"u1\"), text: hello }\n"));
  bed.publish("step-stop",
              won("steps:\n  - { update: { deal.custom.a: \"= int(deal.extra.?n.orValue('x'))\" }, "
                  "id: ask }\n  - notify: { to: user(\"u1\"), text: hello }\n"));
  auto event = bed.event("deal.won", "deal/d1", "2026-03-02 09:00");
  bed.happen(event);
  const auto absent = bed.decided();
  EXPECT_EQ(absent.find("failed condition"), std::string::npos) << absent;  // absent is no fault
  EXPECT_NE(absent.find("failed step-stop ask"), std::string::npos) << absent;
  EXPECT_NE(absent.find("ended error\n"), std::string::npos) << absent;
  EXPECT_NE(absent.find("failed step-go-on ask"), std::string::npos) << absent;
  event.subject.id = "d2";
  bed.happen(bed.event("deal.updated", "deal/d2", "2026-03-01 09:00",
                       {{"set", Value{Map{{"n", Value{"y"}}}}}}),
             RuleBed::at("2026-03-02 09:00"));
  bed.happen(event);
  EXPECT_NE(bed.decided().find("failed condition when no_such_overload"), std::string::npos);
}

TEST(DeciderTest, WaitsForTheFirstMatchOrItsTime) {
  const std::string body =
      "trigger: offer.sent\nsteps:\n  - wait_for: { event: offer.viewed, when: event.late == false "
      "}\n"
      "    within: 2d\n    then: [{ notify: { to: user(\"u1\"), text: seen } }]\n"
      "    else: [{ notify: { to: user(\"u2\"), text: unseen } }]\n  - wait: 1d\n";
  RuleBed bed;
  bed.publish("r", body);
  bed.happen(bed.event("offer.sent", "offer/o1", "2026-03-02 09:00"));
  bed.happen(bed.event("offer.sent", "offer/o2", "2026-03-02 09:01"));
  bed.decided();
  bed.happen(bed.event("offer.viewed", "offer/o1", "2026-03-03 09:00"));
  EXPECT_EQ(bed.decided(),
            "effect notify:user(\"u1\") user/u1\nmoved to 3 until 2026-03-04T09:00:00Z\n");
  bed.happen(bed.event("offer.viewed", "offer/o1", "2026-03-03 10:00"));  // it waits no more
  EXPECT_EQ(bed.decided(), "");
  bed.world().advance(RuleBed::at("2026-03-04 09:01"));
  EXPECT_EQ(bed.decided(),
            "ended done\neffect notify:user(\"u2\") user/u2\nmoved to 3 until "
            "2026-03-05T09:01:00Z\n");
}

TEST(DeciderTest, AStateIsWaitedForUntilItHolds) {
  RuleBed bed;
  bed.publish("r",
              "trigger: deal.opened\nsteps:\n  - wait_for: { when: \"deal.stage == 'demo'\" }\n    "
              "within: 9d\n    else: [{ end: late }]\n  - notify: { to: user(\"u1\"), text: x }\n");
  bed.happen(bed.event("deal.opened", "deal/d1", "2026-03-02 09:00",
                       {{"pipeline", Value{"p"}}, {"stage", Value{"lead"}}}));
  bed.happen(bed.event("deal.opened", "deal/d2", "2026-03-02 09:00",
                       {{"pipeline", Value{"p"}}, {"stage", Value{"demo"}}}));
  EXPECT_EQ(bed.decided(),
            "started r v1 deal/d1 until 2026-03-11T09:00:00Z\nstarted r v1 deal/d2\n" + kDone);
  bed.happen(
      bed.event("deal.stage_changed", "deal/d1", "2026-03-03 09:00", {{"to", Value{"demo"}}}));
  EXPECT_EQ(bed.decided(), kDone);
}

TEST(DeciderTest, LateMessagesExpireAndTasksDoNot) {
  RuleBed bed;
  bed.publish(
      "r",
      won("steps:\n  - wait: 1d\n  - notify: { to: user(\"u1\"), text: x }\n  - create_task: { "
          "kind: call, title: x, due: 1d }\n"));
  bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 09:00"));
  bed.set_status("r", "paused");
  bed.decided();
  bed.world().advance(RuleBed::at("2026-03-04 09:30"));
  EXPECT_TRUE(bed.decided().starts_with("moved to 0 until 2026-03-03T10:00:00Z\n"));
  bed.set_status("r", "live");
  bed.world().advance(RuleBed::at("2026-03-05 00:00"));
  EXPECT_EQ(bed.decided(),
            "effect notify:user(\"u1\") user/u1 expired(misfire)\neffect create_task:call "
            "queue/fallback\n"
            "fact task.created\neffect is delivered\nended done\n");
}

TEST(DeciderTest, EnrolmentsStayOnTheirVersionAndEndWithTheRule) {
  RuleBed bed;
  bed.publish("r", won(kWaits));
  bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 09:00"));
  bed.publish("r", won("steps:\n  - wait: 5d\n"));
  bed.happen(bed.event("deal.won", "deal/d2", "2026-03-02 10:00"));
  EXPECT_EQ(bed.decided(),
            "started r v1 deal/d1 until 2026-03-03T09:00:00Z\n"
            "started r v2 deal/d2 until 2026-03-07T10:00:00Z\n");
  bed.world().advance(RuleBed::at("2026-03-04 00:00"));
  EXPECT_EQ(bed.decided(), kDone);
  bed.set_status("r", "retired");
  bed.world().advance(RuleBed::at("2026-03-09 00:00"));
  EXPECT_EQ(bed.decided(), "ended retired cancelling\n");
}

TEST(DeciderTest, RulesOfOneEventGoById) {
  RuleBed bed;
  bed.publish("b", won(kNotify));
  bed.publish("a", won("steps:\n  - update: { deal.custom.x: 1 }\n"));
  bed.publish("c", "trigger: deal.updated\n" + std::string{kNotify});
  bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 09:00"));
  EXPECT_EQ(bed.decided(),
            "started a v1 deal/d1\nfact deal.updated deal/d1\nended done\n"
            "started b v1 deal/d1\n" +
                kDone + "started c v1 deal/d1\n" + kDone);
}

TEST(DeciderTest, ARuleDoesNotChaseItself) {
  RuleBed bed;
  const std::string body =
      "trigger: deal.updated\nentry: each_time\nloops: {}\nsteps:\n  - wait: 1h\n  - "
      "update: {{ deal.custom.x: 1 }}\n";
  bed.publish("none", fmt::format(fmt::runtime(body), 0));
  bed.happen(bed.event("deal.updated", "deal/d1", "2026-03-02 09:00"));
  bed.world().advance(RuleBed::at("2026-03-09 00:00"));
  EXPECT_NE(bed.decided().find("refused none deal/d1 loop"), std::string::npos);
  RuleBed two;
  two.publish("two", fmt::format(fmt::runtime(body), 2));
  two.happen(two.event("deal.updated", "deal/d1", "2026-03-02 09:00"));
  two.world().advance(RuleBed::at("2026-03-09 00:00"));
  int facts = 0;
  for (const auto& change : two.changes())
    facts += std::holds_alternative<FactDecided>(change) ? 1 : 0;
  EXPECT_EQ(facts, 3);
}

TEST(DeciderTest, TwoRulesThatWakeEachOtherEndToo) {
  RuleBed bed;
  bed.publish("ping",
              "trigger: deal.updated\nentry: each_time\nsteps:\n  - wait: 1h\n  - assign: { to: "
              "user(\"u1\") }\n");
  bed.publish(
      "pong",
      "trigger: deal.assigned\nentry: each_time\nsteps:\n  - update: { deal.custom.x: 1 }\n");
  bed.happen(bed.event("deal.updated", "deal/d1", "2026-03-02 09:00"));
  bed.world().advance(RuleBed::at("2026-03-09 00:00"));
  EXPECT_TRUE(bed.world().timers().empty());
  EXPECT_NE(bed.decided().find("refused ping deal/d1 loop"), std::string::npos);
}

TEST(DeciderTest, AnEventThatComesAgainDoesNotBeginAnewWhatStillWaits) {
  for (const auto* entry : {"each_time", "{ cooldown: 1h }"}) {
    RuleBed bed;
    bed.publish("r", fmt::format("trigger: offer.sent\nentry: {}\n{}", entry, kWaits));
    const auto sent = bed.event("offer.sent", "offer/o1", "2026-03-02 09:00");
    bed.happen(sent);
    EXPECT_TRUE(bed.decided().starts_with("started r v1 offer/o1")) << entry;
    bed.world().advance(RuleBed::at("2026-03-02 20:00"));
    bed.decided();
    auto again = sent;
    again.time = RuleBed::at("2026-03-02 20:00");
    bed.happen(again);
    EXPECT_EQ(bed.decided(), "refused r offer/o1 active\n") << entry;
  }
}

TEST(DeciderTest, ATaskKnowsWhoMadeIt) {
  RuleBed bed;
  bed.publish(
      "r",
      won("steps:\n  - create_task: { kind: call, title: \"Call {{ deal.name }}\", due: 2h }\n"));
  auto& deal = bed.world().give({Kind::kDeal, "d1"});
  give_value(deal, Field::kName, Value{"Acme"});
  give_value(deal, Field::kOwner, Value{"u7"});
  bed.world().settle(deal);
  bed.happen(bed.event("deal.won", "deal/d1", "2026-03-02 09:00"));
  const auto& effect = bed.world().effects().begin()->second;
  const auto* task = bed.world().record(task_key(effect.id));
  ASSERT_NE(task, nullptr);
  EXPECT_EQ(task->find(Field::kTitle)->text_or_empty(), "Call Acme");
  EXPECT_EQ(task->find(Field::kAbout)->text_or_empty(), "deal/d1");
  EXPECT_EQ(task->life.owner, "u7");
  EXPECT_EQ(*task->life.due, RuleBed::at("2026-03-02 11:00"));
  EXPECT_EQ(effect.state, EffectState::kDelivered);
  for (const auto& change : bed.changes()) {
    const auto* fact = std::get_if<FactDecided>(&change);
    if (fact == nullptr) continue;
    EXPECT_EQ(fact->event.source, "dealwright/rule/r");
    EXPECT_EQ(fact->event.id, hex(effect.id));
    EXPECT_EQ(fact->event.actor, "rule/r");
  }
}

TEST(DeciderTest, FiresShowWhatTheirConditionUsed) {
  RuleBed bed;
  bed.publish("r",
              "trigger: offer.sent\nwhen: event.total > money(\"5 EUR\") && has(offer.state)\n" +
                  std::string{kNotify});
  bed.happen(bed.event("offer.sent", "offer/o1", "2026-03-02 09:00", {{"total", Value{"7 EUR"}}}));
  const auto& started = std::get<EnrolmentStarted>(bed.changes().front());
  ASSERT_EQ(started.used.size(), 2U);
  EXPECT_EQ(started.used[0].path, "event.total");
  EXPECT_EQ(*started.used[0].value.as_money(), (Money{700, Currency::unchecked('E', 'U', 'R')}));
  EXPECT_EQ(started.used[1].path, "offer.state");
}

TEST(DeciderTest, AnotherSubjectAndWhatItStartedWith) {
  RuleBed bed;
  bed.publish("r",
              "trigger: offer.sent\nsubject: deal\nwhen: event.total > money(\"1 EUR\")\nentry: { "
              "once_per: "
              "event.subject }\nsteps:\n  - wait: 1d\n  - notify: { to: user(\"u1\"), text: \"{{ "
              "start.event.total }} "
              "for {{ deal.name }}\" }\n");
  bed.happen(bed.event("offer.drafted", "offer/o1", "2026-03-01 09:00", {{"deal", Value{"d1"}}}));
  bed.happen(bed.event("deal.updated", "deal/d1", "2026-03-01 09:00",
                       {{"set", Value{Map{{"name", Value{"Acme"}}}}}}));
  bed.happen(bed.event("offer.sent", "offer/o1", "2026-03-02 09:00", {{"total", Value{"7 EUR"}}}));
  EXPECT_EQ(bed.decided(), "started r v1 deal/d1 until 2026-03-03T09:00:00Z\n");
  bed.world().advance(RuleBed::at("2026-03-04 09:00"));
  EXPECT_EQ(find(bed.world().effects().begin()->second.payload, "text")->text_or_empty(),
            "7.00 EUR for Acme");
}

TEST(DeciderTest, ARuleSetHasOneNamePerMeaning) {
  const auto id = [](std::vector<PublishedRule> rules, DeciderOptions options) {
    auto made = make_decider_factory(std::move(options))->make(rules);
    return made ? std::string{made.value()->rule_set_id()} : made.error().detail;
  };
  const PublishedRule rule{"r", 1, "rule: r\nname: R\nowner: o\n" + won(kNotify), "live"};
  auto paused = rule;
  paused.status = "paused";
  EXPECT_EQ(id({rule}, {}), id({rule}, {}));
  EXPECT_NE(id({rule}, {}), id({paused}, {}));
  EXPECT_NE(id({rule}, {}), id({}, {}));
  EXPECT_NE(id({rule}, {}), id({rule}, {{}, {}, "2026a"}));
  auto broken = rule;
  broken.text += "nonsense: 1\n";
  EXPECT_NE(id({broken}, {}).find("error DW1004 unknown key 'nonsense'"), std::string::npos);
  auto other = rule;
  other.rule = "s";
  EXPECT_NE(id({other}, {}).find("calls itself 'r'"), std::string::npos);
}

}  // namespace
}  // namespace dealwright::rules
