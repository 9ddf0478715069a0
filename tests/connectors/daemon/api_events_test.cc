// Facts in and out over HTTP.
#include "tests/connectors/daemon/service_bed.h"
#include "tests/table.h"

namespace dealwright::daemon {
namespace {

constexpr const char* kStructured = "application/cloudevents+json";
constexpr const char* kBatch = "application/cloudevents-batch+json";

std::string lead(const std::string& id) {
  return R"({"specversion":"1.0","source":"crm","id":")" + id +
         R"(","type":"lead.captured","subject":"lead/)" + id + R"(","data":{"source":"web"}})";
}

TEST(ApiEventsTest, TakesThreeForms) {
  ServiceBed bed;
  const auto structured =
      bed.post("/v1/events", "Application/CloudEvents+JSON; charset=UTF-8", lead("l1"));
  EXPECT_EQ(structured.status, 202) << structured.body;
  EXPECT_NE(structured.body.find("\"duplicates\":0"), std::string::npos);

  const auto batch = bed.post("/v1/events", kBatch, "[" + lead("l2") + "," + lead("l3") + "]");
  EXPECT_EQ(batch.status, 202) << batch.body;
  EXPECT_EQ(bed.post("/v1/events", kBatch, "[]").status, 202);

  const std::string binary =
      "ce-specversion: 1.0\r\nce-id: l4\r\nce-source: crm%20eu\r\nce-type: lead.captured\r\n"
      "ce-subject: lead/l4\r\nce-time: \r\n";
  const auto single = bed.post("/v1/events", "application/json", R"({"source":"web"})", binary);
  EXPECT_EQ(single.status, 202) << single.body;
  const auto shown = bed.get("/v1/events/" + ServiceBed::text_in(single.body, "position") +
                             "?wait_for=" + ServiceBed::text_in(single.body, "position"));
  EXPECT_EQ(shown.status, 200) << shown.body;
  EXPECT_NE(shown.body.find("\"source\":\"crm eu\""), std::string::npos) << shown.body;
  EXPECT_NE(shown.body.find("\"verdict\":\"accepted\""), std::string::npos) << shown.body;
}

TEST(ApiEventsTest, TellsWhatIsWrong) {
  ServiceBed bed;
  const auto send = [&](const Row& row) {
    const auto answer = bed.post("/v1/events", row["type"], row["body"]);
    return std::to_string(answer.status) + " " + answer.code();
  };
  expect_table(R"(
    type                                | body | then
    application/cloudevents+json        | {    | 400 invalid
    application/cloudevents+json        | {"specversion":"1.0","id":"1","source":"s","type":"deal.opened","subject":"deal/d","data":{"pipeline":"p","amount":{"minor":5}}} | 400 bad_money
    application/cloudevents+json        | {"specversion":"0.3","id":"1","source":"s","type":"deal.opened","subject":"deal/d","data":{}} | 400 bad_envelope
    application/cloudevents+json        | {"specversion":"1.0","id":"1","source":"s","type":"effect.outcome","subject":"deal/d","data":{}} | 400 reserved_type
    application/cloudevents+json        | {"specversion":"1.0","id":"1","source":"s","type":"a.b","subject":"c/d","Name":"x"} | 400 bad_envelope
    application/cloudevents-batch+json  | {}   | 400 invalid
    application/cloudevents+xml         | <a/> | 415 media_type
    text/plain                          | hi   | 400 invalid
  )",
               send);
  // Of a batch all bad ones are named, and none of it is appended.
  const auto batch = bed.post(
      "/v1/events", kBatch, "[" + lead("l1") + R"(,{"specversion":"1.0"},)" + lead("l2") + ",{}]");
  EXPECT_EQ(batch.status, 400);
  EXPECT_NE(batch.body.find("\"event\":1"), std::string::npos) << batch.body;
  EXPECT_NE(batch.body.find("\"event\":3"), std::string::npos) << batch.body;
  EXPECT_EQ(batch.body.find("\"event\":0"), std::string::npos) << batch.body;
  EXPECT_EQ(bed.get("/v1/records/lead/l1").status, 404);
}

TEST(ApiEventsTest, GoesOnWithTheTraceOfItsRequest) {
  ServiceBed bed;
  const std::string trace = "0af7651916cd43dd8448eb211c80319c";
  const auto head = "traceparent: 00-" + trace + "-b7ad6b7169203331-01\r\ntracestate: a=1, b=2\r\n";
  const auto kept = [&](const std::string& id, const std::string& more) {
    const auto put = bed.post("/v1/events", kStructured, lead(id), more);
    EXPECT_EQ(put.status, 202) << put.body;
    return bed.get("/v1/events/" + ServiceBed::text_in(put.body, "position")).body;
  };
  EXPECT_NE(kept("l1", head).find("\"traceparent\":\"00-" + trace + "-"), std::string::npos);
  EXPECT_NE(kept("l2", head).find(R"("tracestate":"a=1,b=2")"), std::string::npos);
  EXPECT_EQ(kept("l3", "").find("\"traceparent\""), std::string::npos);
}

TEST(ApiEventsTest, TheSameAgainIsAnsweredAsBefore) {
  ServiceBed bed;
  const auto first = bed.post("/v1/events", kStructured, lead("l1"));
  const auto again = bed.post("/v1/events", kStructured, lead("l1"));
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(ServiceBed::text_in(again.body, "position"),
            ServiceBed::text_in(first.body, "position"));
  EXPECT_NE(again.body.find("\"duplicates\":1"), std::string::npos) << again.body;
  // Behind a restart it is appended again, and counts once.
  bed.stop();
  bed.start();
  const auto after = bed.post("/v1/events", kStructured, lead("l1"));
  const auto place = ServiceBed::text_in(after.body, "position");
  const auto shown = bed.get("/v1/events/" + place + "?wait_for=" + place);
  EXPECT_NE(shown.body.find("\"verdict\":\"duplicate\""), std::string::npos) << shown.body;
}

TEST(ApiEventsTest, ListsByPages) {
  ServiceBed bed;
  std::string last;
  for (int i = 0; i < 7; ++i)
    last += (i > 0 ? "," : "") +
            bed.append("lead.captured", "lead/a" + std::to_string(i), "{}", std::to_string(i));
  std::string path = "/v1/events?limit=3&type=lead.captured";
  std::size_t seen = 0;
  for (int page = 0; page < 10 && !path.empty(); ++page) {
    const auto answer = bed.get(path);
    ASSERT_EQ(answer.status, 200) << answer.body;
    const auto rows = ServiceBed::json(answer.body);
    seen += rows.as_list()->size();
    EXPECT_LE(rows.as_list()->size(), 3U);
    const auto link = answer.fields.find("link");
    path = link == answer.fields.end() ? "" : link->second.substr(1, link->second.find('>') - 1);
    // What comes in between stands behind the pages, or in them; nothing is shown twice.
  }
  EXPECT_EQ(seen, 7U);
  EXPECT_EQ(bed.get("/v1/events?cursor=nonsense").code(), "bad_cursor");
  EXPECT_EQ(bed.get("/v1/events/9:0").status, 404);
  EXPECT_EQ(bed.get("/v1/events/0:99999").status, 404);
}

TEST(ApiEventsTest, ShakesHandsAsWebhooksAsk) {
  ServiceBed bed;
  bed.key.clear();
  const auto answer =
      bed.ask("OPTIONS", "/v1/events", "", "", "WebHook-Request-Origin: crm.example\r\n");
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.fields.at("webhook-allowed-origin"), "crm.example");
  EXPECT_NE(answer.fields.at("webhook-allowed-rate"), "");
}

TEST(ApiEventsTest, ReadsItsOwnWritesWhereverTheyWent) {
  ServiceBed bed;
  // The deal is at home under its account; a fact that names the deal alone goes there from
  // elsewhere.
  for (int i = 0; i < 20; ++i) {
    const auto n = std::to_string(i);
    const auto opened =
        bed.post("/v1/events", kStructured,
                 R"({"specversion":"1.0","source":"t","id":"o)" + n +
                     R"(","type":"note.added","subject":"deal/d)" + n +
                     R"(","partitionkey":"account/a)" + n + R"(","data":{"text":"x"}})");
    ASSERT_EQ(opened.status, 202) << opened.body;
    const auto place = bed.append("note.added", "deal/d" + n, R"({"text":"y"})", "n" + n);
    const auto read = bed.get("/v1/records/deal/d" + n + "?wait_for=" +
                              ServiceBed::text_in(opened.body, "position") + "&timeout=20000");
    ASSERT_EQ(read.status, 200) << read.body;
    const auto both = bed.get("/v1/records/deal/d" + n + "?wait_for=" + place + "&timeout=20000");
    EXPECT_NE(both.body.find("\"facts\":2"), std::string::npos) << both.body;
  }
  const auto never = bed.get("/v1/views/board?wait_for=0:999999&timeout=1");
  EXPECT_EQ(never.status, 503);
  EXPECT_EQ(never.code(), "not_caught_up");
  EXPECT_EQ(bed.get("/v1/views/board?wait_for=x").code(), "bad_parameter");
}

}  // namespace
}  // namespace dealwright::daemon
