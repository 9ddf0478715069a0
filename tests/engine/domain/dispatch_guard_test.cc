#include "engine/domain/dispatch_guard.h"

#include <sstream>

#include "engine/domain/evolve.h"
#include "engine/domain/registers.h"
#include "tests/table.h"

namespace dealwright {
namespace {

const Instant kNow{1'772'442'000'000};  // 2026-03-02T09:00:00.000Z, a Monday

struct Scene {
  Scene() {
    effect.id = sha256("this");
    effect.rule = "r";
    effect.version = 2;
    effect.channel = "email";
    effect.requested = kNow - hours(1);
    effect.expires = kNow + hours(23);
    mail("news", "newsletter", {});
    person.key = {Kind::kContact, "c1"};
    person.consents.push_back({"newsletter", "email", true, {kNow - days(9), 1}, {}, "", ""});
  }
  void mail(const char* name, const char* purpose, Map limits) {
    effect.payload = *Value{Map{{"address", Value{"a@x.de"}},
                                {"limits", Value{std::move(limits)}},
                                {"purpose", Value{purpose}},
                                {"template", Value{name}}}}
                          .as_map();
  }
  void set_status(Record& record, const char* status) {
    Folded out;
    set_register(record, Field::kStatus, Value{status}, {kNow - hours(2), 9}, out);
  }
  // "news marketing 3h ago; other service 2d ago of r"
  void sent_before(const std::string& text) {
    std::stringstream all{text};
    for (std::string one; std::getline(all, one, ';');) {
      std::stringstream words{one};
      std::string name, purpose, age, ago, of, by = "other";
      words >> name >> purpose >> age >> ago >> of >> by;
      const auto n = std::stoi(age);
      sent.push_back({sha256(one), kNow - (age.back() == 'd' ? days(n) : hours(n)), by, name,
                      purpose == "marketing", kSentKeptFor});
    }
  }
  Passage judge() {
    PassageCase c{effect};
    c.recipient = &person;
    c.rule_status = rule_status;
    c.now = kNow;
    c.workspace = &workspace;
    c.rule = &rule;
    c.enrolment = &enrolment;
    c.sent = sent;
    c.flow = &flow;
    return judge_passage(c);
  }
  Effect effect;
  Record person, workspace, rule;
  Enrolment enrolment;
  SentTo sent;
  RuleFlow flow;
  std::string rule_status = "live";
};

std::string text_of(const Passage& passage) {
  static constexpr const char* kSay[] = {"go", "suppress", "expire", "wait"};
  std::string out = kSay[static_cast<std::size_t>(passage.say)];
  if (!passage.reason.empty()) out += " " + passage.reason;
  if (passage.until) out += " until " + to_text(*passage.until);
  if (!passage.held_by.empty()) out += " by " + passage.held_by;
  return out;
}

TEST(DispatchGuardTest, WhatHoldsAnEffect) {
  expect_table(R"(
    case             | then
                     | go
    workspace paused | wait workspace_paused: since 2026-03-02T07:00:00.000Z by workspace
    rule paused      | wait rule_paused: since 2026-03-02T07:00:00.000Z by rule/r
    rule held        | wait rule_held: until it is resumed by rule/r
    rule retired     | suppress rule_retired
    enrolment held   | wait enrolment_held: an exit could not be evaluated until 2026-03-02T09:01:00.000Z
    expired          | expire expired
    waited, expired  | expire expired; cap_marketing: 1 in 24 h
    held, expired    | wait rule_held: until it is resumed by rule/r
    withdrawn        | suppress consent_withdrawn: newsletter at 2026-03-02T08:00:00.000Z
    all withdrawn    | suppress consent_withdrawn: marketing at 2026-03-02T08:00:00.000Z
    no consent       | suppress no_consent: newsletter
    bounced          | suppress hard_bounce: of contact/c1 since 2026-03-02T08:00:00.000Z
    person erased    | suppress recipient_erased
  )",
               [](const Row& row) {
                 Scene s;
                 const auto name = row["case"];
                 if (name == "workspace paused") s.set_status(s.workspace, "paused");
                 if (name == "rule paused") s.set_status(s.rule, "paused");
                 if (name == "rule paused") s.rule_status = "paused";
                 if (name == "rule held" || name == "held, expired") s.rule_status = "held";
                 if (name == "rule retired") s.rule_status = "retired";
                 if (name == "enrolment held") s.enrolment.held = true;
                 if (name.ends_with("expired")) s.effect.expires = kNow;
                 if (name == "waited, expired") {
                   s.effect.state = EffectState::kRetryAt;
                   s.effect.reason = "cap_marketing: 1 in 24 h";
                 }
                 const Stamp later{kNow - hours(1), 5};
                 if (name == "withdrawn")
                   s.person.consents.push_back({"newsletter", "all", false, later, {}, "", ""});
                 if (name == "all withdrawn")
                   s.person.consents.push_back({"marketing", "email", false, later, {}, "", ""});
                 if (name == "no consent") s.person.consents.clear();
                 if (name == "bounced") {
                   Folded out;
                   set_register(s.person, Field::kSuppressed, Value{"hard_bounce"}, later, out);
                 }
                 if (name == "person erased") s.person.erased = true;
                 return text_of(s.judge());
               });
}

TEST(DispatchGuardTest, Caps) {
  expect_table(R"(
    mail               | sent before                                                          | then
    news newsletter    | other marketing 25h ago                                              | go
    news newsletter    | other marketing 3h ago                                               | wait cap_marketing: 1 in 24 h, next at 2026-03-03T06:00:00.000Z until 2026-03-03T06:00:00.000Z
    news newsletter    | other service 3h ago                                                 | go
    news newsletter    | news service 3h ago                                                  | wait cap_template: news once in 24 h, next at 2026-03-03T06:00:00.000Z until 2026-03-03T06:00:00.000Z
    bill service       | other marketing 3h ago                                               | go
    bill service       | bill service 23h ago                                                 | wait cap_template: bill once in 24 h, next at 2026-03-02T10:00:00.000Z until 2026-03-02T10:00:00.000Z
    news newsletter    | a marketing 6d ago; b marketing 5d ago; c marketing 2d ago           | wait cap_marketing: 3 in 7 d, next at 2026-03-03T09:00:00.000Z until 2026-03-03T08:00:00.000Z
    news newsletter    | a marketing 8d ago; b marketing 5d ago; c marketing 2d ago           | go
    bill service max 2 | a service 9d ago of r; b service 5d ago of r; c service 2d ago of r  | wait cap_rule: 2 in 240 h by this rule, next at 2026-03-07T09:00:00.000Z until 2026-03-03T08:00:00.000Z
    bill service drop  | a service 9d ago of r; b service 5d ago of r                         | suppress cap_rule: 2 in 240 h by this rule, next at 2026-03-03T09:00:00.000Z
    bill service max 2 | a service 11d ago of r; b service 5d ago of r                        | go
  )",
               [](const Row& row) {
                 Scene s;
                 std::stringstream words{row["mail"]};
                 std::string name, purpose, cap;
                 words >> name >> purpose >> cap;
                 Map limits;
                 if (!cap.empty()) {
                   limits = {{"cap_max", Value{2}},
                             {"cap_over", Value{cap == "drop" ? "drop" : "wait"}},
                             {"cap_per_ms", Value{days(10).ms}}};
                 }
                 s.mail(name.c_str(), purpose.c_str(), std::move(limits));
                 s.sent_before(row["sent before"]);
                 return text_of(s.judge());
               });
}

TEST(DispatchGuardTest, ItsOwnAttemptDoesNotHoldItBack) {
  Scene s;
  s.sent.push_back({s.effect.id, kNow - hours(1), "r", "news", true, kSentKeptFor});
  EXPECT_EQ(text_of(s.judge()), "go");
}

TEST(SendsTest, AMailCountsFromWhenItWentOutUntilNothingCameOfIt) {
  Scene s;
  s.effect.recipient = "contact/c1";
  SentTo sent;
  using State = EffectState;
  const auto go = [&](State from, State to, Instant at) {
    s.effect.state = to;
    return follow(sent, s.effect, from, nullptr, at);
  };
  EXPECT_FALSE(go(State::kRequested, State::kRetryAt, kNow));
  EXPECT_TRUE(go(State::kRetryAt, State::kAttemptStarted, kNow));
  EXPECT_EQ(sent.at(0).at, kNow);
  EXPECT_TRUE(go(State::kAttemptStarted, State::kRetryAt, kNow + hours(1)));
  EXPECT_TRUE(sent.empty());
  EXPECT_TRUE(go(State::kRetryAt, State::kAttemptStarted, kNow + hours(2)));
  EXPECT_FALSE(go(State::kAttemptStarted, State::kUnknown, kNow + hours(3)));
  EXPECT_EQ(sent.at(0).at, kNow + hours(2));
  sent.clear();  // so long ago that no cap looks at it
  EXPECT_FALSE(go(State::kUnknown, State::kDelivered, kNow + days(30)));
  EXPECT_FALSE(go(State::kDelivered, State::kDelivered, kNow + days(31)));  // it bounced
  EXPECT_TRUE(sent.empty());
}

TEST(DispatchGuardTest, QuietHours) {
  expect_table(R"(
    purpose    | limits           | then
    newsletter |                  | Mon-Fri 08:00-20:00
    newsletter | none             | Mon-Fri 08:00-20:00
    service    |                  | any
    service    | none             | any
    service    | own              | Sat-Sun 09:00-24:00
    newsletter | own              | Sat-Sun 09:00-24:00
  )",
               [](const Row& row) -> std::string {
                 Scene s;
                 Map limits;
                 if (!row["limits"].empty())
                   limits.emplace_back("quiet_hours", Value{row["limits"]});
                 if (row["limits"] == "own") {
                   limits.emplace_back("send", Value{Map{{"first_day", Value{5}},
                                                         {"from", Value{540}},
                                                         {"last_day", Value{6}},
                                                         {"to", Value{1440}}}});
                 }
                 s.mail("news", row["purpose"].c_str(), std::move(limits));
                 const auto hours = send_hours(s.effect, nullptr);
                 return hours ? to_text(*hours) : "any";
               });
}

TEST(RuleFlowTest, TheFuseBlowsBehindTwoHundredOrFiveTimesTheUsual) {
  Scene s;
  for (std::uint32_t i = 0; i < kFuseLeast; ++i) {
    EXPECT_FALSE(s.judge().fuse) << i;
    count(s.flow, 1, 1, kNow);
  }
  EXPECT_EQ(text_of(s.judge()), "wait rule_held: until it is resumed by rule/r");
  EXPECT_TRUE(s.judge().fuse);
  s.effect.started = true;  // one that was out before is no more of them
  EXPECT_EQ(text_of(s.judge()), "go");
  s.effect.started = false;
  vouch(s.flow);
  EXPECT_EQ(text_of(s.judge()), "go");
  EXPECT_EQ(fuse_limit(s.flow, 4, kNow), 50U);  // a share of four partitions
  for (int ten = 1; ten <= 200; ++ten) {        // 100 in each of 200 spans is usual
    for (int i = 0; i < 100; ++i) count(s.flow, 1, 1, kNow + minutes(10 * ten));
  }
  const auto later = kNow + minutes(2010);
  EXPECT_EQ(fuse_limit(s.flow, 1, later), 500U);
  EXPECT_EQ(in_ten_minutes(s.flow, later), 0U);
  EXPECT_EQ(fuse_limit(s.flow, 1, later + days(8)), kFuseLeast);
}

TEST(RuleFlowTest, AVersionIsHeldBehindItsFirstHundred) {
  Scene s;
  for (std::uint32_t i = 0; i < kCanarySends; ++i) {
    EXPECT_EQ(text_of(s.judge()), "go") << i;
    count(s.flow, 2, 1, kNow);
  }
  EXPECT_EQ(text_of(s.judge()),
            "wait canary: version 2 let its first ones out, until 2026-03-02T09:15:00.000Z until "
            "2026-03-02T09:15:00.000Z by rule/r");
  s.effect.version = 1;  // one that began under the version before goes on
  EXPECT_EQ(text_of(s.judge()), "go");
  s.effect.version = 2;
  vouch(s.flow);
  EXPECT_EQ(text_of(s.judge()), "go");
  EXPECT_EQ(s.flow.of_version, kCanarySends);
}

}  // namespace
}  // namespace dealwright
