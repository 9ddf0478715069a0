// The process log of BPI Challenge 2012 through docs/examples/bpi2012.mapping.yaml, against
// ../shared/data/bpi2012-loan-offers/truth.json.
#include <gtest/gtest.h>

#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <iostream>
#include <map>
#include <set>

#include "tests/connectors/import/reading.h"

namespace dealwright::import {
namespace {

const std::string kFolder = DW_SOURCE_DIR "/../shared/data/bpi2012-loan-offers/";

class Bpi2012Test : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto packed = slurp(kFolder + "BPI_Challenge_2012.xes.gz");
    auto mapping =
        parse_mapping(slurp(DW_SOURCE_DIR "/docs/examples/bpi2012.mapping.yaml"), "bpi2012");
    if (packed.empty() || !mapping) return;
    const auto start = std::chrono::steady_clock::now();
    imported_ = std::make_unique<Imported>(import_all(packed, mapping.value()));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::cout << "read and mapped in " << took.count() << " s\n";
    for (const auto& event : imported_->events) ++counts_[std::string{event.type_name()}];
  }
  static void TearDownTestSuite() { imported_.reset(); }
  void SetUp() override {
    if (imported_ == nullptr) GTEST_SKIP() << "bpi2012-loan-offers is not at " << kFolder;
  }
  static std::int64_t activity(const char* name) {
    static const auto truth = boost::json::parse(slurp(kFolder + "truth.json"));
    return truth.at("activities").at(name).to_number<std::int64_t>();
  }
  static std::unique_ptr<Imported> imported_;
  static std::map<std::string, std::int64_t> counts_;
};
std::unique_ptr<Imported> Bpi2012Test::imported_;
std::map<std::string, std::int64_t> Bpi2012Test::counts_;

TEST_F(Bpi2012Test, GivesEveryActivityItsEvent) {
  EXPECT_EQ(imported_->error, "");
  EXPECT_EQ(imported_->bad.size(), 0U);
  EXPECT_EQ(imported_->progress.rows, 262'200U);
  const std::vector<std::pair<const char*, std::int64_t>> expected = {
      {"lead.captured", activity("A_SUBMITTED")},
      {"deal.opened", activity("A_SUBMITTED")},
      {"lead.qualified", activity("A_PREACCEPTED")},
      {"deal.stage_changed",
       activity("A_PREACCEPTED") + activity("A_ACCEPTED") + activity("A_FINALIZED")},
      {"deal.won", activity("A_ACTIVATED")},
      {"deal.lost", activity("A_DECLINED") + activity("A_CANCELLED")},
      {"milestone.reached", activity("A_APPROVED") + activity("A_REGISTERED")},
      {"offer.drafted", activity("O_CREATED")},
      {"offer.sent", activity("O_SENT")},
      {"offer.answered", activity("O_SENT_BACK")},
      {"offer.accepted", activity("O_ACCEPTED")},
      {"offer.declined", activity("O_DECLINED")},
      {"offer.withdrawn", activity("O_CANCELLED")},
      {"nl.bpi2012.a_partlysubmitted", activity("A_PARTLYSUBMITTED")},
      {"nl.bpi2012.o_selected", activity("O_SELECTED")},
      {"task.started", 71'376},
      {"task.completed", 72'413},
  };
  for (const auto& [type, count] : expected) EXPECT_EQ(counts_[type], count) << type;
}

TEST_F(Bpi2012Test, ComesInTheOrderOfTimeOverAllCases) {
  Instant last = kBeforeAll;
  std::uint64_t row = 0;
  for (const auto& event : imported_->events) {
    ASSERT_TRUE(event.time.has_value()) << event.id;
    ASSERT_GE(*event.time, last) << event.id;
    last = *event.time;
    ASSERT_EQ(event.import_row, ++row);
  }
}

TEST_F(Bpi2012Test, SpeaksOfLivingOffersOnly) {
  std::map<std::string, std::string> state;
  for (const auto& event : imported_->events) {
    if (event.subject.kind != Kind::kOffer) continue;
    auto& now = state[event.subject.id];
    const auto type = event.type_name().substr(6);
    if (type == "drafted") {
      EXPECT_EQ(now, "") << event.id;
    } else {
      EXPECT_TRUE(now == "drafted" || now == "sent" || now == "answered") << event.id << ' ' << now;
    }
    now = type;
  }
  EXPECT_EQ(state.size(), 7'030U);
}

TEST_F(Bpi2012Test, EndsAndStartsLivingTasksOnly) {
  std::map<std::string, std::pair<std::string, std::string>> tasks;  // kind, state
  std::int64_t calls = 0;
  for (const auto& event : imported_->events) {
    if (event.subject.kind != Kind::kTask) continue;
    auto& [kind, state] = tasks[event.subject.id];
    if (event.type == TypeId::kTaskCreated) {
      ASSERT_EQ(state, "") << event.id;
      kind = event.data.text(Field::kKind);
      state = "open";
    } else if (event.type == TypeId::kTaskStarted) {
      ASSERT_EQ(state, "open") << event.id;
      state = "started";
    } else {
      ASSERT_TRUE(state == "open" || state == "started") << event.id;
      state = "done";
      calls += kind == "call" ? 1 : 0;
    }
  }
  EXPECT_EQ(calls, 22'976);
}

// "Sent, 7 days, not answered, final or closed": what tests/e2e/offer_silence.py counts in the
// file.
TEST_F(Bpi2012Test, LeavesTheFollowUpsThatTheFileHas) {
  std::map<std::string, std::map<std::string, Instant>> due;  // by deal, by offer
  std::int64_t fired = 0;
  const auto fire = [&](std::map<std::string, Instant>& offers, Instant before) {
    for (auto it = offers.begin(); it != offers.end();) {
      const bool is_due = it->second < before;
      fired += is_due ? 1 : 0;
      it = is_due ? offers.erase(it) : std::next(it);
    }
  };
  for (const auto& event : imported_->events) {
    if (event.subject.kind == Kind::kOffer && event.type != TypeId::kOfferDrafted) {
      auto& offers = due[std::string{event.data.text(Field::kDeal)}];
      fire(offers, *event.time);
      if (event.type == TypeId::kOfferSent)
        offers[event.subject.id] = *event.time + days(7);
      else
        offers.erase(event.subject.id);
    } else if (event.type == TypeId::kDealWon || event.type == TypeId::kDealLost) {
      auto& offers = due[event.subject.id];
      fire(offers, *event.time);
      offers.clear();
    }
  }
  std::int64_t waiting = 0;
  for (auto& [deal, offers] : due) {
    fire(offers, *imported_->events.back().time + milliseconds(1));
    waiting += static_cast<std::int64_t>(offers.size());
  }
  EXPECT_EQ(fired, 4'106);
  EXPECT_EQ(waiting, 25);
}

}  // namespace
}  // namespace dealwright::import
