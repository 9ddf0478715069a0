#include "engine/runtime/hosts.h"

#include <gtest/gtest.h>

#include "engine/ports/fake/fake_clock.h"
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
  Budget budget{{.domain = 3600}};
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
      EXPECT_EQ(*answer.until, *until + seconds(1));  // each has an instant of its own
    }
    until = answer.until;
    waiting.push_back(id);
  }
  EXPECT_EQ(at_once, 60);  // a minute's
  EXPECT_FALSE(budget.ask(sha256("x"), "a@two.example", kNow).until);
  EXPECT_EQ(budget.ask(waiting.back(), "a@one.example", kNow).until, until);
  EXPECT_FALSE(budget.ask(waiting.back(), "a@one.example", *until).until);
}

TEST(MailBudgetTest, TheDomainsOfAProviderHaveOneBudget) {
  Budget::Rates rates{.all = 6000, .domain = 600, .provider = 60};
  rates.providers = {{"one.example", "big"}, {"two.example", "big"}};
  Budget budget{std::move(rates), 2};  // a share of two: 3000, 300, 30 an hour
  auto ask = [&, n = 0](std::string_view address) mutable {
    return budget.ask(sha256("mail " + std::to_string(++n)), address, kNow);
  };
  EXPECT_FALSE(ask("a@One.example").until);
  const auto second = ask("a@two.example");
  EXPECT_EQ(second.reason, "budget_provider: 60/h to big");
  ASSERT_TRUE(second.until);
  EXPECT_EQ(*second.until, kNow + minutes(2));
  int others = 0;
  std::string reason;
  while (reason.empty()) {
    reason = ask("a@three.example").reason;
    if (reason.empty()) ++others;
  }
  EXPECT_EQ(others, 5);
  EXPECT_EQ(reason, "budget_domain: 600/h to three.example");
  for (int n = 0; n < 100; ++n) reason = ask("a@" + std::to_string(n) + ".example").reason;
  EXPECT_EQ(reason, "budget_workspace: 6000/h");
}

TEST(MailBudgetTest, WhoseTimeIsOverFirstKeepsNoPlace) {
  Budget budget{{.all = 60}};
  EXPECT_FALSE(budget.ask(sha256("first"), "a@one.example", kNow).until);
  const auto end = kNow + seconds(30);
  for (int i = 0; i < 1'000; ++i)
    EXPECT_EQ(budget.ask(sha256(std::to_string(i)), "a@one.example", kNow, end).until, end);
  EXPECT_EQ(budget.ask(sha256("next"), "a@one.example", kNow).until, kNow + minutes(1));
}

// Mails of four domains, two of them of one provider, asked for when they were told to come, or so
// much later; some of them never come again.
struct Crowd {
  struct Mail {
    EffectId id;
    std::string to;
    Instant next;
    std::optional<Instant> left;
    bool gone = false;
  };
  Budget budget{[] {
    Budget::Rates rates{.all = 1200, .domain = 300, .provider = 400};
    rates.providers = {{"a.example", "big"}, {"b.example", "big"}};
    return rates;
  }()};
  std::vector<Mail> mails;
  std::size_t asked = 0;

  explicit Crowd(Instant from) {
    static constexpr const char* kOthers[] = {"b.example", "c.example", "d.example"};
    for (int i = 0; i < 600; ++i) {
      const std::string to = i < 200 ? "a.example" : kOthers[i % 3];
      mails.push_back({sha256("mail " + std::to_string(i)), to, from, {}});
    }
  }
  Mail& next() {
    return *std::min_element(mails.begin(), mails.end(), [](const Mail& x, const Mail& y) {
      return std::pair{x.left || x.gone, x.next} < std::pair{y.left || y.gone, y.next};
    });
  }
  void run(FakeRandom& random, std::int64_t late_ms, bool some_end) {
    for (asked = 0; asked < 20 * mails.size(); ++asked) {
      auto& mail = next();
      if (mail.left || mail.gone) return;
      const auto answer = budget.ask(mail.id, "x@" + mail.to, mail.next);
      if (!answer.until) {
        mail.left = mail.next;
      } else if (some_end && random.next() % 4 == 0) {
        mail.gone = true;
      } else {
        const auto late =
            static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(late_ms + 1));
        mail.next = *answer.until + milliseconds(late);
      }
    }
  }
  // The last one of them; in no span more of them than `rate` an hour and a minute's worth.
  Instant judge(double rate, const std::function<bool(const std::string&)>& counts) const {
    std::vector<Instant> times;
    for (const auto& mail : mails) {
      if (mail.left && counts(mail.to)) times.push_back(*mail.left);
    }
    std::sort(times.begin(), times.end());
    for (std::size_t i = 0; i < times.size(); ++i) {
      for (std::size_t j = i; j < times.size(); ++j) {
        const auto hours = static_cast<double>(times[j].ms - times[i].ms) / 3'600'000;
        EXPECT_LE(static_cast<double>(j - i + 1), rate * (hours + 1.0 / 60) + 1) << i << " " << j;
      }
    }
    return times.empty() ? kNow : times.back();
  }
};

TEST(MailBudgetTest, NoSpanHasMoreThanItsRateAndAllLeave) {
  FakeRandom random{7};
  for (const std::int64_t late_ms : {0, 50, 2'000, 25'000, 300'000}) {
    for (const bool some_end : {false, true}) {
      SCOPED_TRACE(std::to_string(late_ms) + (some_end ? ", some end" : ""));
      Crowd crowd{kNow + milliseconds(late_ms % 977)};
      crowd.run(random, late_ms, some_end);
      EXPECT_TRUE(std::all_of(crowd.mails.begin(), crowd.mails.end(),
                              [](const auto& mail) { return mail.left || mail.gone; }))
          << "asked " << crowd.asked << " times";
      const auto last = crowd.judge(1200, [](const std::string&) { return true; });
      crowd.judge(400, [](const std::string& to) { return to < "c"; });
      for (const std::string domain : {"a.example", "b.example", "c.example", "d.example"})
        crowd.judge(300, [&](const std::string& to) { return to == domain; });
      // 333 of them to a provider that takes 400 an hour.
      if (late_ms < 10'000) {
        EXPECT_LE(last, kNow + minutes(60)) << to_text(last);
      }
    }
  }
}

TEST(MailBudgetTest, WithoutRatesAllMayGo) {
  Budget budget{{}};
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(budget.ask(sha256(std::to_string(i)), "a@one.example", kNow).until);
  }
}

}  // namespace
}  // namespace dealwright::runtime
