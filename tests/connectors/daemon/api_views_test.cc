// Views as dashboards ask for them: windows, zones, currencies, amounts, forms; templates.
#include "connectors/daemon/view_rows.h"
#include "tests/connectors/daemon/service_bed.h"
#include "tests/table.h"

namespace dealwright::daemon {
namespace {

void make_deals(ServiceBed& bed) {
  bed.append(
      "pipeline.updated", "pipeline/sales",
      R"({"stages":[{"id":"demo"},{"id":"won","category":"won"},{"id":"lost","category":"lost"}]})",
      "p");
  std::string at;
  const auto deal = [&](const std::string& id, const std::string& amount,
                        const std::string& owner) {
    at = bed.append("deal.opened", "deal/" + id,
                    R"({"pipeline":"sales","amount":")" + amount + R"(","owner":")" + owner + "\"}",
                    id);
    EXPECT_EQ(bed.get("/v1/records/deal/" + id + "?timeout=20000&wait_for=" + at).status, 200);
  };
  deal("d1", "25.50 EUR", "u1");
  deal("d2", "1000 JPY", "u1");
  deal("d3", "4.50 EUR", "u2");
  deal("d4", "-3.25 EUR", "u2");
}

TEST(ApiViewsTest, APeriodBeginsInItsZone) {
  expect_table(R"(
    text                 | zone          | then
    2026-03-02T09:00:00Z | Europe/Berlin | 2026-03-02T09:00:00Z
    2026-03-02           | UTC           | 2026-03-02T00:00:00Z
    2026-03-02           | Europe/Berlin | 2026-03-01T23:00:00Z
    2026-07              | Europe/Berlin | 2026-06-30T22:00:00Z
    2026-Q2              | UTC           | 2026-04-01T00:00:00Z
    2026                 | +02:00        | 2025-12-31T22:00:00Z
    2026-13              | UTC           | invalid
    2026-Q5              | UTC           | invalid
    yesterday            | UTC           | invalid
    2026-02-30           | UTC           | invalid
    2026-03-02           | Atlantis      | invalid
  )",
               [](const Row& row) -> std::string {
                 const auto at = period_start(row["text"], row["zone"]);
                 return at ? to_short_text(at.value()) : std::string{code_name(at.error().code)};
               });
}

TEST(ApiViewsTest, AmountsStandBesideMinorUnits) {
  ServiceBed bed;
  make_deals(bed);
  const auto rows = bed.get("/v1/views/board?currency=EUR").body;
  EXPECT_NE(rows.find(R"("amount_minor":2675,"amount":26.75)"), std::string::npos) << rows;
  EXPECT_NE(rows.find(R"("currency":"EUR")"), std::string::npos) << rows;
  EXPECT_EQ(rows.find("JPY"), std::string::npos) << rows;
  EXPECT_NE(
      bed.get("/v1/views/board?currency=JPY").body.find(R"("amount_minor":1000,"amount":1000,)"),
      std::string::npos);
  // Amounts of two currencies are not added, whatever the rows are grouped by.
  const auto owners = ServiceBed::json(bed.get("/v1/views/board?group_by=owner").body);
  EXPECT_EQ(owners.as_list()->size(), 3U) << to_json(owners);
  const auto record = bed.get("/v1/records/deal").body;
  EXPECT_NE(record.find(R"("amount_minor":2550,"currency":"EUR","amount":25.50)"),
            std::string::npos)
      << record;
  // Numbers are numbers to a spreadsheet, and no formulas.
  const auto csv = bed.get("/v1/records/deal", "Accept: text/csv\r\n").body;
  EXPECT_NE(csv.find(",-325,EUR,-3.25,"), std::string::npos) << csv;
  EXPECT_NE(bed.get("/v1/views/board/schema").body.find(R"("name":"amount","type":"rate")"),
            std::string::npos);
}

TEST(ApiViewsTest, ATagIsOfOneForm) {
  ServiceBed bed;
  make_deals(bed);
  const auto json = bed.get("/v1/views/board");
  const auto has = "If-None-Match: " + json.fields.at("etag") + "\r\n";
  EXPECT_EQ(bed.get("/v1/views/board", has).status, 304);
  EXPECT_EQ(bed.get("/v1/views/board", has + "Accept: text/csv\r\n").status, 200);
  EXPECT_EQ(json.fields.at("vary"), "Accept");
}

TEST(ApiViewsTest, WindowsWhereAViewHasThem) {
  ServiceBed bed;
  make_deals(bed);
  const auto won = bed.append("deal.won", "deal/d1", "{}", "won");
  ASSERT_EQ(bed.get("/v1/records/deal/d1?timeout=20000&wait_for=" + won).status, 200);
  const auto count = [&](const std::string& path) {
    const auto answer = bed.get(path);
    EXPECT_EQ(answer.status, 200) << path << answer.body;
    const auto rows = ServiceBed::json(answer.body);
    return rows.as_list()->size();
  };
  EXPECT_EQ(count("/v1/views/cycle?from=2020&to=2090-Q1"), 1U);
  EXPECT_EQ(count("/v1/views/cycle?from=2020&to=2021&tz=Europe/Berlin"), 0U);
  const auto deals = bed.get("/v1/views/deals?from=2020-01&to=2021-01&currency=EUR").body;
  EXPECT_NE(deals.find("\"won\":0"), std::string::npos) << deals;
  EXPECT_NE(bed.get("/v1/views/deals?from=2020-01&currency=EUR").body.find("\"won\":1"),
            std::string::npos);
  struct Refused {
    const char* path;
    const char* code;
    const char* says;
  };
  for (const auto& one : {
           Refused{"board?from=2026", "not_supported", "cycle"},
           Refused{"deals?from=2026-03-02&tz=Europe/Berlin", "not_supported", "UTC"},
           Refused{"cycle?currency=EUR", "not_supported", "board"},
           Refused{"cycle?group_by=outcome", "not_supported", "board"},
           Refused{"automation?as_of=2026-01-01T00:00:00Z", "not_supported", "deals"},
           Refused{"cycle?tz=Europe/Berlin", "invalid", "from"},
           Refused{"cycle?from=2027&to=2026", "invalid", "behind"},
           Refused{"cycle?from=2026&tz=Mars/Base", "invalid", "Mars/Base"},
           Refused{"board?currency=DM0", "invalid", ""},
           Refused{"board/stream?from=2026", "not_supported", "cycle"},
       }) {
    const auto answer = bed.get("/v1/views/" + std::string{one.path});
    EXPECT_EQ(answer.status, 400) << one.path << answer.body;
    EXPECT_EQ(answer.code(), one.code) << one.path << answer.body;
    EXPECT_NE(answer.body.find(one.says), std::string::npos) << answer.body;
  }
}

TEST(ApiViewsTest, PagesOfAViewOfThePresent) {
  ServiceBed bed;
  std::string at;
  for (int i = 0; i < 3; ++i) {
    const auto n = std::to_string(i);
    at = bed.append("task.created", "task/t" + n, R"({"title":"call","kind":"call"})", "t" + n);
    ASSERT_EQ(bed.get("/v1/records/task/t" + n + "?timeout=20000&wait_for=" + at).status, 200);
  }
  const auto first = bed.get("/v1/views/tasks?limit=2");
  const auto link = first.fields.at("link");
  const auto second = bed.get(link.substr(1, link.find('>') - 1));
  EXPECT_EQ(second.status, 200) << second.body;
  EXPECT_EQ(ServiceBed::json(second.body).as_list()->size(), 1U);
}

TEST(ApiViewsTest, TemplatesAndWhatTheyWouldSend) {
  ServiceBed bed;
  const std::string text =
      "---\\nsubject: \\\"Hello {{ contact.name | default: 'you' }}\\\"\\n---\\n<p>Again?</p>\\n";
  bed.append("template.published", "template/rebook", R"({"text":")" + text + R"(","version":3})",
             "t");
  const auto at = bed.append("contact.updated", "contact/c1",
                             R"({"set":{"name":"Ada","emails":["ada@example.com"]}})", "c");
  const auto list = bed.get("/v1/templates?timeout=20000&wait_for=" + at);
  EXPECT_NE(list.body.find(R"("template":"rebook","version":3,"status":"published")"),
            std::string::npos)
      << list.body;
  EXPECT_NE(bed.get("/v1/templates/rebook").body.find("subject: "), std::string::npos);
  EXPECT_EQ(bed.get("/v1/templates/rebok").status, 404);
  EXPECT_NE(bed.get("/v1/templates/rebok").body.find("rebook"), std::string::npos);
  const auto mail = bed.post("/v1/templates/rebook/preview?record=contact/c1&purpose=service");
  EXPECT_EQ(mail.status, 200) << mail.body;
  EXPECT_EQ(ServiceBed::text_in(mail.body, "subject"), "Hello Ada") << mail.body;
  EXPECT_EQ(ServiceBed::text_in(mail.body, "to"), "ada@example.com") << mail.body;
  EXPECT_NE(ServiceBed::text_in(mail.body, "html").find("Again?"), std::string::npos) << mail.body;
  EXPECT_EQ(bed.get("/v1/effects").body, "[]") << "nothing is sent";
  EXPECT_EQ(bed.post("/v1/templates/none/preview?record=contact/c1&purpose=service").status, 404);
  EXPECT_EQ(bed.post("/v1/templates/rebook/preview?record=contact/c9").status, 404);
  EXPECT_EQ(bed.post("/v1/templates/rebook/preview?record=nothing").code(), "not_found");
  EXPECT_EQ(bed.post("/v1/templates/rebook/preview").code(), "bad_parameter");
}

}  // namespace
}  // namespace dealwright::daemon
