#include "engine/runtime/hosts.h"

#include <gtest/gtest.h>

#include "engine/runtime/budget.h"

namespace dealwright::runtime {
namespace {

using Say = Hosts::Answer::Say;
using How = Hosts::How;
const Instant kNow{1'772'442'000'000};

struct Street {
  Say begin(Instant now, bool retry = false) {
    answer = hosts.begin("h", retry, now, [this] { ++rooms; });
    return answer.say;
  }
  Hosts hosts;
  Hosts::Answer answer;
  int rooms = 0;
};

TEST(HostsTest, FiveAtOnceThenMoreWithEachThatIsServed) {
  Street s;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(s.begin(kNow), Say::kGo);
  EXPECT_EQ(s.begin(kNow), Say::kFull);
  EXPECT_EQ(s.hosts.begin("other", false, kNow, [] {}).say, Say::kGo);
  EXPECT_EQ(s.rooms, 0);
  s.hosts.end("h", How::kServed, kNow);
  EXPECT_EQ(s.rooms, 1);
  EXPECT_EQ(s.begin(kNow), Say::kGo);
  EXPECT_EQ(s.begin(kNow), Say::kGo);  // six by now
  EXPECT_EQ(s.begin(kNow), Say::kFull);
  int most = 6;
  for (int i = 0; i < 400; ++i) {
    s.hosts.end("h", How::kServed, kNow);
    --most;
    while (s.begin(kNow) == Say::kGo) ++most;
  }
  EXPECT_EQ(most, 64);
}

TEST(HostsTest, WhetherItIsFullIsAskedWithoutTakingAPlace) {
  Street s;
  const auto full = [&](Instant now) { return s.hosts.full("h", now, [&] { ++s.rooms; }); };
  EXPECT_FALSE(full(kNow));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(s.begin(kNow), Say::kGo);
  EXPECT_TRUE(full(kNow));
  s.hosts.end("h", How::kServed, kNow);
  EXPECT_EQ(s.rooms, 1) << "who asked is told";
  EXPECT_FALSE(full(kNow));
  for (int i = 0; i < 20; ++i) s.hosts.end("h", How::kFailed, kNow);
  EXPECT_FALSE(full(kNow)) << "it is down: that is said by begin()";
  EXPECT_EQ(s.begin(kNow), Say::kWait);
  EXPECT_EQ(s.begin(kNow + minutes(1)), Say::kGo);  // the probe
  EXPECT_TRUE(full(kNow + minutes(1)));
}

TEST(HostsTest, AHostThatFailsIsDownAndProbedLaterAndLater) {
  Street s;
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(s.begin(kNow), Say::kGo) << i;
    s.hosts.end("h", i % 2 == 0 ? How::kServed : How::kFailed, kNow);
  }
  EXPECT_EQ(s.begin(kNow), Say::kWait);
  EXPECT_EQ(s.answer.reason, "host_down: h");
  auto pause = seconds(30);
  auto now = kNow;
  for (int probe = 0; probe < 8; ++probe) {
    EXPECT_EQ(s.begin(now), Say::kWait);
    EXPECT_EQ(s.answer.until, now + pause) << probe;
    now = s.answer.until;
    EXPECT_EQ(s.begin(now), Say::kGo);    // one
    EXPECT_EQ(s.begin(now), Say::kFull);  // and no second
    s.hosts.end("h", How::kFailed, now);
    pause = std::min(pause + pause, minutes(10));
  }
  now = now + pause;
  EXPECT_EQ(s.begin(now), Say::kGo);
  s.hosts.end("h", How::kServed, now);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(s.begin(now), Say::kGo);
}

TEST(HostsTest, WhatWasUnderWayWhenItWentDownIsNoProbe) {
  Street s;
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(s.begin(kNow), Say::kGo);
    s.hosts.end("h", How::kServed, kNow);
  }
  for (int i = 0; i < 60; ++i) ASSERT_NE(s.begin(kNow), Say::kWait);  // some 35 are under way
  for (int i = 0; i < 35; ++i) s.hosts.end("h", How::kFailed, kNow);
  EXPECT_EQ(s.begin(kNow), Say::kWait);
  EXPECT_EQ(s.answer.until, kNow + seconds(30)) << "not doubled by those that failed behind that";
}

TEST(HostsTest, OldFailuresAreForgotten) {
  Street s;
  for (int i = 0; i < 19; ++i) {
    ASSERT_EQ(s.begin(kNow), Say::kGo);
    s.hosts.end("h", How::kFailed, kNow);
  }
  ASSERT_EQ(s.begin(kNow + seconds(61)), Say::kGo);
  s.hosts.end("h", How::kFailed, kNow + seconds(61));
  EXPECT_EQ(s.begin(kNow + seconds(61)), Say::kGo);
}

TEST(HostsTest, RepeatsAreATenthOfFirstTries) {
  Street s;
  const auto again = [&](Instant now) {
    const auto say = s.begin(now, true);
    if (say == Say::kGo) s.hosts.end("h", How::kServed, now);
    return say;
  };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(again(kNow), Say::kGo);  // free
  EXPECT_EQ(again(kNow), Say::kWait);
  EXPECT_EQ(s.answer.reason, "host_retries: h");
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(s.begin(kNow), Say::kGo);
    s.hosts.end("h", How::kServed, kNow);
  }
  int more = 0;
  while (again(kNow) == Say::kGo) ++more;
  EXPECT_GE(more, 9);
  EXPECT_LE(more, 10);
  EXPECT_EQ(again(kNow + minutes(1)), Say::kGo);  // and a few each minute
}

TEST(MailBudgetTest, MailsOfADomainComeOneByOne) {
  Budget budget{{0, 3600}};
  int at_once = 0;
  std::optional<Instant> until;
  std::vector<EffectId> waiting;
  for (int i = 0; i < 100; ++i) {
    const auto id = sha256("mail " + std::to_string(i));
    const auto answer = budget.ask(id, "a@One.example", kNow);
    if (!answer.until) {
      ++at_once;
      continue;
    }
    EXPECT_EQ(answer.reason, "budget_domain: 3600/h to one.example");
    if (until) {
      EXPECT_GT(*answer.until, *until);  // each has a place of its own
    }
    until = answer.until;
    waiting.push_back(id);
  }
  EXPECT_GE(at_once, 59);  // a minute's
  EXPECT_LE(at_once, 61);
  EXPECT_FALSE(budget.ask(sha256("x"), "a@two.example", kNow).until);
  EXPECT_EQ(budget.ask(waiting.back(), "a@one.example", kNow).until, until);
  EXPECT_FALSE(budget.ask(waiting.back(), "a@one.example", *until).until);
}

TEST(MailBudgetTest, WithoutRatesAllMayGo) {
  Budget budget{{0, 0}};
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(budget.ask(sha256(std::to_string(i)), "a@one.example", kNow).until);
  }
}

}  // namespace
}  // namespace dealwright::runtime
