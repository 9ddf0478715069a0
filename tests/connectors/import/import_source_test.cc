#include "connectors/import/import_source.h"

#include <gtest/gtest.h>

#include "tests/connectors/import/reading.h"

namespace dealwright::import {
namespace {

Mapping mapping_of(const std::string& text) {
  auto mapping = parse_mapping("mapping: m\nformat: csv\nbatch: b\nrest: drop\n" + text, "m.yaml");
  EXPECT_TRUE(mapping.has_value()) << (mapping ? "" : mapping.error().detail);
  return mapping ? std::move(mapping.value()) : Mapping{};
}

const std::string kDeals =
    "emit:\n"
    "  - { type: deal.opened, subject: \"deal/{Id}\", time: \"{Start}\", data: { pipeline: p } }\n"
    "  - { type: deal.stage_changed, subject: \"deal/{Id}\", when: { Stage: { filled: true } }, "
    "data: { to: \"{Stage}\" } }\n"
    "  - { type: deal.won, subject: \"deal/{Id}\", time: \"{End}\", when: { End: { filled: true } "
    "} }\n";

constexpr const char* kTable =
    "Id,Start,Stage,End\n"
    "1,2026-01-05,demo,2026-03-01\n"
    "2,2026-01-05,,2026-01-05\n"
    "3,,demo,2026-01-02\n"
    "4,2026-02-01,demo,\n"
    "5,,demo,\n";

TEST(ImportSourceTest, EmitsByTimeRowAndEntry) {
  EXPECT_EQ(print(import_all(kTable, mapping_of(kDeals))),
            "b:3:1 - deal.opened deal/3 pipeline=p\n"
            "b:3:2 - deal.stage_changed deal/3 to=demo\n"
            "b:3:3 2026-01-02T00:00:00Z deal.won deal/3\n"
            "b:1:1 2026-01-05T00:00:00Z deal.opened deal/1 pipeline=p\n"
            "b:2:1 2026-01-05T00:00:00Z deal.opened deal/2 pipeline=p\n"
            "b:2:3 2026-01-05T00:00:00Z deal.won deal/2\n"
            "b:4:1 2026-02-01T00:00:00Z deal.opened deal/4 pipeline=p\n"
            "b:4:2 - deal.stage_changed deal/4 to=demo\n"
            "b:1:2 - deal.stage_changed deal/1 to=demo\n"
            "b:1:3 2026-03-01T00:00:00Z deal.won deal/1\n"
            "b:5:1 - deal.opened deal/5 pipeline=p\n"
            "b:5:2 - deal.stage_changed deal/5 to=demo\n");
}

TEST(ImportSourceTest, EmitsRowByRowIfAsked) {
  const auto imported = import_all(kTable, mapping_of("order: file\n" + kDeals));
  EXPECT_EQ(print(imported).substr(0, 117),
            "b:1:1 2026-01-05T00:00:00Z deal.opened deal/1 pipeline=p\n"
            "b:1:2 - deal.stage_changed deal/1 to=demo\n"
            "b:1:3 2026-03-01T0");
  EXPECT_EQ(imported.events.size(), 14U);
}

TEST(ImportSourceTest, GivesUndatedEventsTheTimeOfTheBatchIfAsked) {
  const auto mapping = mapping_of("undated: batch_time\n" + kDeals);
  EXPECT_EQ(
      import_all(kTable, mapping).error,
      "m.yaml sets undated: batch_time, but the batch has no time; import on the wall clock, or "
      "set undated: keep");
  ImportOptions options;
  options.batch.batch_time = Instant{1'780'000'000'000};
  const auto imported = import_all(kTable, mapping, options);
  for (const auto& event : imported.events) EXPECT_TRUE(event.time.has_value()) << event.id;
  EXPECT_EQ(imported.events.front().time, options.batch.batch_time);
}

TEST(ImportSourceTest, OpensAndClosesTheBatch) {
  const auto imported = import_all(kTable, mapping_of("policy: { drip: 40 }\n" + kDeals));
  const auto& events = imported.events;
  EXPECT_EQ(print(events.front()),
            "b:0:0 2026-01-02T00:00:00Z import.opened import/b rate=40 policy=drip");
  EXPECT_EQ(print(events.back()), "b:6:0 2026-03-01T00:00:00Z import.closed import/b");
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].import_row, i + 1);
    EXPECT_EQ(events[i].import_batch, "b");
    EXPECT_EQ(events[i].source, "import/b");
    EXPECT_EQ(events[i].policy, Policy::kDrip);
  }
  EXPECT_EQ(imported.progress.rows, 5U);
  EXPECT_EQ(imported.progress.events, events.size());
  EXPECT_EQ(imported.progress.events_planned, events.size());
  EXPECT_EQ(imported.progress.bytes_read, imported.progress.bytes_total);
}

TEST(ImportSourceTest, GoesOnWhereItBrokeOff) {
  for (const char* order : {"time", "file"}) {
    const auto mapping = mapping_of("order: " + std::string{order} + "\n" + kDeals);
    const auto all = import_all(kTable, mapping).events;
    for (std::size_t done = 0; done <= all.size(); ++done) {
      ImportOptions options;
      options.skip_to = done;
      options.events_per_call = 1 + done % 3;
      const auto rest = import_all(kTable, mapping, options);
      ASSERT_EQ(rest.events.size(), all.size() - done) << order;
      EXPECT_TRUE(std::equal(rest.events.begin(), rest.events.end(),
                             all.begin() + static_cast<std::ptrdiff_t>(done)));
    }
  }
}

TEST(ImportSourceTest, ListsBadRowsAndImportsTheRest) {
  const auto imported = import_all(
      "Id,Start,Stage,End\n1,soon,,\n2,2026-01-01,,\n\"3\"x,2026-01-01,,\n4,2026-01-02\n5,2026-01-"
      "03,,\n",
      mapping_of(kDeals));
  EXPECT_EQ(
      print(imported),
      "b:2:1 2026-01-01T00:00:00Z deal.opened deal/2 pipeline=p\n"
      "b:5:1 2026-01-03T00:00:00Z deal.opened deal/5 pipeline=p\n"
      "bad 1@2 bad_time [Start]: 'soon' is no instant: no date YYYY-MM-DD; write "
      "2026-03-02T09:00:00Z\n"
      "bad 3@4 bad_csv: a quote stands inside a value at column 3; put the whole value in quotes "
      "and "
      "write the quote inside twice\n"
      "bad 4@5 bad_csv: the row has 2 values, the header 4; put quotes around values that hold the "
      "delimiter\n");
  EXPECT_EQ(imported.bad.front().raw, "1,soon,,");
  EXPECT_EQ(imported.progress.bad_rows, 3U);
  EXPECT_EQ(imported.progress.rows, 5U);
}

TEST(ImportSourceTest, RefusesMoreThanFitsBeforeAnythingIsImported) {
  ImportOptions options;
  options.rows_bytes_max = 400;
  const auto imported = import_all(kTable, mapping_of(kDeals), options);
  EXPECT_EQ(imported.events.size(), 0U);
  EXPECT_NE(imported.error.find("MiB to put in order of time (after "), std::string::npos)
      << imported.error;
  EXPECT_EQ(import_all(kTable, mapping_of("order: file\n" + kDeals), options).error, "");
}

TEST(ImportSourceTest, TakesAnEmptyTable) {
  const auto imported = import_all("Id,Start,Stage,End\n", mapping_of(kDeals));
  EXPECT_EQ(imported.error, "");
  EXPECT_EQ(imported.events.size(), 2U);
  EXPECT_EQ(import_all("", mapping_of(kDeals)).error,
            "the file is empty; its first row names the columns");
}

}  // namespace
}  // namespace dealwright::import
