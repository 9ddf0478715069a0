// Zones, calendars and lengths of time.
#include <gtest/gtest.h>

#include "rules/time/length.h"
#include "rules/time/send_hours.h"

namespace dealwright::rules {
namespace {

Instant at(std::string_view text) { return parse_instant(text).value(); }

// Paris around its two changes of 2026.
std::shared_ptr<const Zone> paris() {
  return std::make_shared<const Zone>(
      "Europe/Paris", 3600,
      std::vector<Zone::Transition>{{at("2025-03-30T01:00:00Z"), 7200},
                                    {at("2025-10-26T01:00:00Z"), 3600},
                                    {at("2026-03-29T01:00:00Z"), 7200},
                                    {at("2026-10-25T01:00:00Z"), 3600}});
}

Calendar office(std::shared_ptr<const Zone> zone, CalendarSpec spec = {}) {
  for (std::size_t day = 0; day < 5; ++day) spec.week[day] = {{9 * 60, 18 * 60}};
  return {std::move(spec), std::move(zone)};
}

TEST(ZoneTest, ShowsAndFindsClockTimes) {
  const auto zone = paris();
  struct Row {
    LocalDate date;
    std::int32_t minute;
    const char* instant;
  };
  const Row rows[] = {
      {date_of({2026, 3, 28}), 12 * 60, "2026-03-28T11:00:00Z"},
      {date_of({2026, 3, 29}), 60, "2026-03-29T00:00:00Z"},
      {date_of({2026, 3, 29}), 150,
       "2026-03-29T01:00:00Z"},  // in the gap: the first instant behind
      {date_of({2026, 3, 29}), 180, "2026-03-29T01:00:00Z"},
      {date_of({2026, 3, 29}), 240, "2026-03-29T02:00:00Z"},
      {date_of({2026, 10, 25}), 150, "2026-10-25T00:30:00Z"},  // twice: the first
      {date_of({2026, 10, 25}), 180, "2026-10-25T02:00:00Z"},
      {date_of({2020, 7, 1}), 0, "2020-06-30T23:00:00Z"},  // before all transitions
  };
  for (const auto& row : rows) {
    EXPECT_EQ(zone->instant(local_time(row.date, row.minute)), at(row.instant)) << row.instant;
  }
  for (Instant i = at("2026-03-27T00:00:00Z"); i < at("2026-03-31T00:00:00Z");
       i = i + minutes(15)) {
    EXPECT_EQ(zone->instant(zone->local(i)), i) << to_text(i);
  }
}

TEST(ZoneTest, KnowsFixedOffsets) {
  EXPECT_EQ(fixed_zone("+02:00")->offset_s({}), 7200);
  EXPECT_EQ(fixed_zone("-0330")->offset_s({}), -12600);
  EXPECT_EQ(fixed_zone("Z")->name(), "UTC");
  for (const auto* bad : {"", "+2", "+25:00", "Europe/Paris", "+ab:cd"}) {
    EXPECT_EQ(fixed_zone(bad), nullptr) << bad;
  }
}

TEST(LengthTest, ReadsAndAdds) {
  const auto calendar = office(paris());
  struct Row {
    const char* from;
    const char* length;
    const char* to;
  };
  const Row rows[] = {
      {"2026-03-27T16:58:00Z", "2bd", "2026-03-31T16:00:00Z"},    // the example of the sales page
      {"2026-03-27T16:58:00Z", "5bmin", "2026-03-30T07:03:00Z"},  // two on Friday, three on Monday
      {"2026-03-27T16:58:00Z", "2bmin", "2026-03-27T17:00:00Z"},
      {"2026-03-27T16:58:00Z", "1bh", "2026-03-30T07:58:00Z"},
      {"2026-03-28T12:00:00Z", "0bd", "2026-03-30T16:00:00Z"},  // a Saturday: the next
      {"2026-03-27T08:00:00Z", "0bd", "2026-03-27T17:00:00Z"},
      {"2026-03-28T11:00:00Z", "1d", "2026-03-29T11:00:00Z"},   // 24 h: 13:00 on the clock
      {"2026-03-28T11:00:00Z", "1cd", "2026-03-29T10:00:00Z"},  // noon on the clock
      {"2026-03-28T01:30:00Z", "1cd", "2026-03-29T01:00:00Z"},  // 02:30 is not there
      {"2026-03-27T00:00:00Z", "90s", "2026-03-27T00:01:30Z"},
      {"2026-03-27T00:00:00Z", "5min", "2026-03-27T00:05:00Z"},
      {"2026-03-27T00:00:00Z", "2h", "2026-03-27T02:00:00Z"},
      {"2026-01-02T10:00:00Z", "2000bh", "2026-11-10T12:00:00Z"},
  };
  for (const auto& row : rows) {
    const auto length = parse_length(row.length);
    ASSERT_TRUE(length) << row.length;
    EXPECT_EQ(to_text(add(at(row.from), *length, calendar)), to_text(at(row.to)))
        << row.from << " + " << row.length;
  }
  for (const auto* bad :
       {"", "3", "d", "-1d", "1.5h", "3 d", "3D", "1w", "99999999999d", "3days"}) {
    EXPECT_FALSE(parse_length(bad)) << bad;
  }
  EXPECT_TRUE(in_range(*parse_length("730d")));
  EXPECT_FALSE(in_range(*parse_length("731d")));
  EXPECT_FALSE(in_range(*parse_length("731bd")));
}

TEST(CalendarTest, HolidaysExtraHoursAndCounts) {
  CalendarSpec spec;
  spec.holidays = {date_of({2026, 4, 6})};                               // a Monday
  spec.extra = {{date_of({2026, 4, 11}), OpenHours{10 * 60, 12 * 60}}};  // a Saturday
  const auto calendar = office(fixed_zone("UTC"), spec);
  EXPECT_FALSE(calendar.is_business_day(date_of({2026, 4, 6})));
  EXPECT_TRUE(calendar.is_business_day(date_of({2026, 4, 11})));
  EXPECT_TRUE(calendar.is_open(at("2026-04-11T10:30:00Z")));
  EXPECT_FALSE(calendar.is_open(at("2026-04-11T12:00:00Z")));
  EXPECT_EQ(to_text(calendar.add_days(at("2026-04-03T10:00:00Z"), 1)), "2026-04-07T18:00:00.000Z");
  EXPECT_EQ(calendar.days_between(date_of({2026, 4, 3}), date_of({2026, 4, 13})), 6);
  EXPECT_EQ(calendar.days_between(date_of({2026, 4, 13}), date_of({2026, 4, 3})), -6);
  EXPECT_EQ(calendar.open_ms(at("2026-04-03T17:00:00Z"), at("2026-04-07T10:00:00Z")), hours(2).ms);
}

// The prefix table and a walk minute by minute agree.
TEST(CalendarTest, TheTableEqualsAWalk) {
  const auto calendar = office(paris());
  const auto start = at("2026-03-20T00:00:00Z");
  std::int64_t open = 0;
  auto walk = start;
  for (int minute = 0; minute < 20 * 24 * 60; ++minute, walk = walk + minutes(1)) {
    if (minute % 777 == 0) {
      EXPECT_EQ(calendar.open_ms(start, walk), minutes(open).ms) << to_text(walk);
    }
    if (!calendar.is_open(walk)) continue;
    ++open;
    if (open % 333 == 0) {
      EXPECT_EQ(to_text(calendar.add_minutes(start, open)), to_text(walk + minutes(1))) << open;
    }
  }
}

TEST(CalendarTest, ReadsItsRecord) {
  Record record;
  record.key = {Kind::kCalendar, "c"};
  const auto hours = [](Value day, const char* from, const char* to) {
    return Value{Map{{"day", std::move(day)}, {"from", Value{from}}, {"to", Value{to}}}};
  };
  record.fields = {
      {Field::kWeek,
       Value{List{hours(Value{1}, "09:00", "12:00"), hours(Value{"mon"}, "13:00", "17:00"),
                  hours(Value{"Sunday"}, "10:00", "24:00"), hours(Value{9}, "09:00", "12:00"),
                  hours(Value{2}, "12:00", "09:00")}},
       {}},
      {Field::kHolidays, Value{List{Value{"2026-12-25"}, Value{"never"}}}, {}},
  };
  const auto spec = read_calendar(record);
  EXPECT_EQ(spec.week[0], (std::vector<OpenHours>{{540, 720}, {780, 1020}}));
  EXPECT_TRUE(spec.week[1].empty());
  EXPECT_EQ(spec.week[6], (std::vector<OpenHours>{{600, 1440}}));
  EXPECT_EQ(spec.holidays, (std::vector<LocalDate>{date_of({2026, 12, 25})}));
}

TEST(CalendarTest, WithoutOpenHoursThereIsNoEnd) {
  const Calendar closed{{}, fixed_zone("UTC")};
  EXPECT_EQ(closed.add_minutes({}, 1), kAfterAll);
  EXPECT_EQ(closed.add_days({}, 1), kAfterAll);
}

TEST(SendHoursTest, OpenAtTheNextOfThem) {
  struct Case {
    const char* hours;
    const char* now;
    const char* opens;
  };
  for (const auto& row : {
           Case{"Mon-Fri 08:00-20:00", "2026-03-02T09:00:00.000Z", "2026-03-02T09:00:00.000Z"},
           Case{"Mon-Fri 08:00-20:00", "2026-03-02T06:59:00.000Z", "2026-03-02T07:00:00.000Z"},
           Case{"Mon-Fri 08:00-20:00", "2026-03-02T19:00:00.000Z", "2026-03-03T07:00:00.000Z"},
           Case{"Mon-Fri 08:00-20:00", "2026-03-06T19:00:00.000Z", "2026-03-09T07:00:00.000Z"},
           Case{"Mon-Fri 08:00-20:00", "2026-03-27T19:00:00.000Z",
                "2026-03-30T06:00:00.000Z"},  // summer
           Case{"Sat 10:00-24:00", "2026-03-07T22:59:00.000Z", "2026-03-07T22:59:00.000Z"},
           Case{"Sat 10:00-24:00", "2026-03-07T23:00:00.000Z", "2026-03-14T09:00:00.000Z"},
           Case{"Sat-Mon 09:00-17:00", "2026-03-03T12:00:00.000Z", "2026-03-07T08:00:00.000Z"},
           Case{"Sat-Mon 09:00-17:00", "2026-03-08T12:00:00.000Z", "2026-03-08T12:00:00.000Z"},
       }) {
    const auto hours = parse_send_hours(row.hours);
    ASSERT_TRUE(hours) << row.hours;
    EXPECT_EQ(to_text(opening(*hours, *paris(), at(row.now))), row.opens)
        << row.hours << " " << row.now;
  }
}

TEST(SendHoursTest, OthersNameNone) {
  for (const auto* text : {"", "mornings", "Mon", "Mon-Fri", "Mon-Fri 9:00-17:00",
                           "Mon-Fry 09:00-17:00", "Mon-Fri 17:00-09:00", "Mon 09:00-25:00",
                           "Mon 09:61-10:00", "Mon,Fri 09:00-17:00", "Mon-Fri 09:00-17:00 "}) {
    EXPECT_FALSE(parse_send_hours(text)) << text;
  }
}

}  // namespace
}  // namespace dealwright::rules
