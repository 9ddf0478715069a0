#include "engine/domain/enrolment_acts.h"

#include "tests/table.h"

namespace dealwright {
namespace {

const Instant kNow{1'772'442'000'000};

Enrolment enrolment_in(const std::string& state) {
  Enrolment out;
  out.id = {7, 9};
  out.step = state == "drips" ? kBeforeFirst : 2;
  out.round = "1";
  out.step_since = kNow - hours(3);
  out.watched = {{Kind::kDeal, "d1"}};
  if (state != "event") out.due = kNow + hours(1);
  out.waits_for_event = state == "event" || state == "both";
  out.held = state == "held";
  return out;
}

std::string told(const Change& change) {
  if (const auto* ended = std::get_if<EnrolmentEnded>(&change)) {
    EXPECT_TRUE(ended->cancel_effects);
    return "ended " + ended->reason;
  }
  const auto& moved = std::get<EnrolmentMoved>(change);
  EXPECT_EQ(moved.step, 2U);  // it stands where it stood
  EXPECT_EQ(moved.round, "1");
  EXPECT_EQ(moved.step_since, kNow - hours(3));
  EXPECT_EQ(moved.watched.size(), 1U);
  return std::string{moved.waits_for_event ? "waits for event" : "waits"} +
         (moved.held ? ", held" : "") + (moved.due ? ", due " + to_short_text(*moved.due) : "");
}

TEST(EnrolmentActsTest, WhatPeopleMaySayOfAnEnrolment) {
  expect_table(R"(
    state | act              | due                  | then
    none  | enrolment.exited |                      | refused unknown_enrolment
    none  | timer.cancelled  |                      | refused unknown_enrolment
    time  | enrolment.exited |                      | ended operator
    event | enrolment.exited |                      | ended operator
    drips | enrolment.exited |                      | ended operator
    time  | timer.cancelled  |                      | ended timer_cancelled
    both  | timer.cancelled  |                      | waits for event
    event | timer.cancelled  |                      | refused no_timer
    drips | timer.cancelled  |                      | refused timer_drips
    time  | timer.moved      | 2026-04-01T00:00:00Z | waits, due 2026-04-01T00:00:00Z
    both  | timer.moved      | 2026-04-01T00:00:00Z | waits for event, due 2026-04-01T00:00:00Z
    held  | timer.moved      | 2026-04-01T00:00:00Z | waits, held, due 2026-04-01T00:00:00Z
    time  | timer.moved      | 2026-01-01T00:00:00Z | waits, due 2026-03-02T09:00:00Z
    event | timer.moved      | 2026-04-01T00:00:00Z | refused no_timer
    drips | timer.moved      | 2026-04-01T00:00:00Z | refused timer_drips
  )",
               [](const Row& row) -> std::string {
                 Event act;
                 act.type = event_spec(row["act"])->type;
                 EXPECT_TRUE(is_about_enrolment(act.type));
                 if (!row["due"].empty()) {
                   act.data.set(Field::kDue, Value{parse_instant(row["due"]).value()});
                 }
                 const auto live = enrolment_in(row["state"]);
                 const auto refusal =
                     judge_enrolment_act(act.type, row["state"] == "none" ? nullptr : &live);
                 if (refusal != Refusal::kNone) {
                   return "refused " + std::string{refusal_name(refusal)};
                 }
                 return told(follow_act(act, live, kNow));
               });
}

TEST(EnrolmentActsTest, AnIdHas32HexDigits) {
  const auto id = enrolment_id_of("000000000000000700000000000000ff");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->high, 7U);
  EXPECT_EQ(id->low, 255U);
  for (const auto* bad : {"", "7", "000000000000000700000000000000fg",
                          "-0000000000000070000000000000000", "0000000000000007 00000000000000f"}) {
    EXPECT_FALSE(enrolment_id_of(bad)) << bad;
  }
}

}  // namespace
}  // namespace dealwright
