// Views, records, rules and what is under way, over HTTP.
#include <set>

#include "tests/connectors/daemon/service_bed.h"

namespace dealwright::daemon {
namespace {

constexpr const char* kYaml = "application/yaml";
const std::string kRule =
    "rule: hello\nname: Say hello\nowner: ops\ntrigger: lead.captured\nentry: once\nsteps:\n"
    "  - create_task: { kind: call, title: \"Call {{ lead.company }}\", due: 1h, owner: "
    "user(\"u1\") "
    "}\n";

void make_board(ServiceBed& bed) {
  bed.append(
      "pipeline.updated", "pipeline/sales",
      R"({"stages":[{"id":"demo"},{"id":"offer"},{"id":"won","category":"won"},{"id":"lost","category":"lost"}]})",
      "p");
  std::string last;
  for (int i = 0; i < 6; ++i) {
    const auto n = std::to_string(i);
    last += (i > 0 ? "," : "");
    const auto place =
        bed.append("deal.opened", "deal/d" + n,
                   R"({"pipeline":"sales","amount":"25.50 EUR","owner":"u1"})", "d" + n);
    ASSERT_EQ(bed.get("/v1/records/deal/d" + n + "?timeout=20000&wait_for=" + place).status, 200);
  }
}

TEST(ApiReadsTest, AViewInEachForm) {
  ServiceBed bed;
  make_board(bed);
  const auto json = bed.get("/v1/views/board");
  EXPECT_EQ(json.status, 200) << json.body;
  EXPECT_EQ(json.fields.at("content-type"), "application/json");
  EXPECT_NE(json.body.find("\"amount_minor\":15300"), std::string::npos) << json.body;
  EXPECT_NE(json.fields.at("dealwright-position").find("0:"), std::string::npos);
  EXPECT_EQ(json.fields.at("dealwright-lag-ms"), "0");
  const auto csv = bed.get("/v1/views/board", "Accept: text/csv\r\n");
  EXPECT_TRUE(csv.body.starts_with("pipeline,stage,")) << csv.body;
  EXPECT_EQ(csv.fields.at("content-type"), "text/csv; charset=utf-8");
  const auto lines = bed.get("/v1/views/board", "Accept: application/x-ndjson\r\n");
  EXPECT_EQ("[" + lines.body.substr(0, lines.body.size() - 1) + "]", json.body);
  EXPECT_EQ(bed.get("/v1/views/board", "Accept: image/png\r\n").status, 406);
  // Nothing has changed since: 304, by the tag.
  EXPECT_EQ(bed.get("/v1/views/board", "If-None-Match: " + json.fields.at("etag") + "\r\n").status,
            304);
  EXPECT_EQ(bed.get("/v1/views/board?stage=demo").body, json.body);
  EXPECT_EQ(bed.get("/v1/views/board?stage=offer").body, "[]");
  EXPECT_EQ(bed.get("/v1/views/board?colour=red").status, 400);
  EXPECT_EQ(bed.get("/v1/views/none").status, 404);
  EXPECT_EQ(bed.get("/v1/views/board?as_of=2020-01-01T00:00:00Z").body, "[]");
  EXPECT_EQ(bed.get("/v1/views/board?as_of=yesterday").code(), "bad_parameter");
  EXPECT_NE(bed.get("/v1/views/board/schema").body.find("\"amount_minor\""), std::string::npos);
}

// The pages of a list: what each holds, joined.
std::vector<std::string> pages(ServiceBed& bed, std::string path,
                               const std::function<void()>& between) {
  std::vector<std::string> out;
  while (!path.empty() && out.size() < 20) {
    const auto answer = bed.get(path);
    EXPECT_EQ(answer.status, 200) << path << answer.body;
    out.push_back(answer.body);
    const auto link = answer.fields.find("link");
    path = link == answer.fields.end() ? "" : link->second.substr(1, link->second.find('>') - 1);
    if (between) between();
  }
  return out;
}

TEST(ApiReadsTest, ListsOfRecordsByPages) {
  ServiceBed bed;
  make_board(bed);
  std::string all;
  for (const auto& page : pages(bed, "/v1/records/deal?limit=4", {})) all += page;
  for (int i = 0; i < 6; ++i) {
    const auto key = "\"deal/d" + std::to_string(i) + "\"";
    EXPECT_NE(all.find(key), std::string::npos) << all;
    EXPECT_EQ(all.find(key), all.rfind(key)) << all;
  }
  EXPECT_NE(all.find("\"amount\":25.50"), std::string::npos) << all;
  EXPECT_EQ(bed.get("/v1/records/deal?state=offer").body, "[]");
  EXPECT_EQ(bed.get("/v1/records/dael").code(), "invalid");
  EXPECT_NE(bed.get("/v1/records/dael").body.find("deal"), std::string::npos);
  EXPECT_EQ(bed.get("/v1/records/deal/none/timeline").status, 404);
  EXPECT_NE(bed.get("/v1/records/deal/d1/timeline").body.find("deal.opened"), std::string::npos);
}

TEST(ApiReadsTest, RulesFromDraftToRetired) {
  ServiceBed bed;
  const std::string any_tag = "If-Match: *\r\n";
  EXPECT_EQ(bed.get("/v1/rules/hello").status, 404);
  const auto made = bed.ask("PUT", "/v1/rules/hello", kYaml, kRule);
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_NE(made.body.find("\"sound\":true"), std::string::npos) << made.body;
  // Who writes on has to say from where.
  EXPECT_EQ(bed.ask("PUT", "/v1/rules/hello", kYaml, kRule).code(), "if_match_missing");
  EXPECT_EQ(bed.ask("PUT", "/v1/rules/hello", kYaml, kRule, "If-Match: \"else\"\r\n").code(),
            "stale");
  const auto bad = kRule + "colour: red\n";
  const auto faulty =
      bed.ask("PUT", "/v1/rules/hello", kYaml, bad, "If-Match: " + made.fields.at("etag") + "\r\n");
  EXPECT_EQ(faulty.status, 200) << faulty.body;
  EXPECT_NE(faulty.body.find("\"sound\":false"), std::string::npos);
  const auto refused = bed.post("/v1/rules/hello/publish");
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.code(), "rule_invalid");
  EXPECT_NE(refused.body.find("\"line\":"), std::string::npos) << refused.body;
  EXPECT_EQ(bed.ask("PUT", "/v1/rules/other", kYaml, kRule).code(), "rule_invalid");
  EXPECT_EQ(bed.ask("PUT", "/v1/rules/hello", kYaml, kRule, any_tag).status, 200);
  const auto published = bed.post("/v1/rules/hello/publish");
  EXPECT_EQ(published.status, 200) << published.body;
  EXPECT_NE(published.body.find("\"version\":1"), std::string::npos) << published.body;
  EXPECT_NE(bed.post("/v1/rules/hello/publish").body.find("\"changed\":false"), std::string::npos);
  EXPECT_NE(bed.get("/v1/rules").body.find("\"status\":\"live\""), std::string::npos);
  const auto shown = bed.get("/v1/rules/hello");
  EXPECT_EQ(shown.body.find("\"draft\""), std::string::npos) << shown.body;
  EXPECT_EQ(bed.get("/v1/rules/hello", "If-None-Match: " + shown.fields.at("etag") + "\r\n").status,
            304);
  EXPECT_EQ(bed.get("/v1/rules/hello", "If-Match: \"other\"\r\n").status, 412);
  EXPECT_EQ(bed.get("/v1/views/board", "If-Match: \"other\"\r\n").status, 412);
  EXPECT_EQ(bed.get("/v1/rules/check").status, 405) << "a literal path has no rule of that name";
  EXPECT_EQ(bed.get("/v1/effects?cursor=nonsense").code(), "bad_cursor");
  EXPECT_EQ(bed.get("/v1/views/board?cursor=nonsense").code(), "bad_cursor");
  EXPECT_EQ(bed.get("/v1/views/board?group_by=").status, 200);
  EXPECT_EQ(bed.post("/v1/rules/check").code(), "bad_body");

  EXPECT_NE(bed.post("/v1/rules/hello/pause").body.find("\"paused\""), std::string::npos);
  EXPECT_NE(bed.post("/v1/rules/hello/pause").body.find("\"changed\":false"), std::string::npos);
  EXPECT_NE(bed.post("/v1/rules/hello/resume").body.find("\"live\""), std::string::npos);
  const std::string once = "Idempotency-Key: once\r\n";
  EXPECT_NE(bed.post("/v1/rules/hello/pause", "", "", once).body.find("\"changed\":true"),
            std::string::npos);
  EXPECT_NE(bed.post("/v1/rules/hello/pause", "", "", once).body.find("\"changed\":false"),
            std::string::npos);
  EXPECT_EQ(bed.post("/v1/rules/hello/resume").status, 200);
  EXPECT_EQ(bed.post("/v1/rules/hello/pause", "", "", once).status, 409)
      << "done before, and undone since";
  EXPECT_NE(bed.post("/v1/rules/hello/retire").body.find("\"retired\""), std::string::npos);
  EXPECT_EQ(bed.post("/v1/rules/hello/resume").status, 422);
  EXPECT_NE(bed.get("/v1/rules/hello/versions").body.find("\"version\":1"), std::string::npos);
  EXPECT_EQ(bed.post("/v1/rules/helo/pause").status, 404);

  EXPECT_NE(bed.post("/v1/rules/check", kYaml, bad).body.find("colour"), std::string::npos);
  EXPECT_NE(bed.post("/v1/rules/test", kYaml, kRule).body.find("\"passed\":true"),
            std::string::npos);
}

TEST(ApiReadsTest, WhatARuleDidIsListed) {
  ServiceBed bed;
  EXPECT_EQ(bed.ask("PUT", "/v1/rules/hello", kYaml, kRule).status, 201);
  ASSERT_EQ(bed.post("/v1/rules/hello/publish").status, 200);
  std::string last;
  for (int i = 0; i < 5; ++i) {
    last = bed.append("lead.captured", "lead/l" + std::to_string(i), R"({"company":"Acme"})",
                      "l" + std::to_string(i));
    ASSERT_EQ(bed.get("/v1/views?timeout=20000&wait_for=" + last).status, 400);  // it does not wait
    ASSERT_EQ(bed.get("/v1/effects?limit=1&timeout=20000&wait_for=" + last).status, 200);
  }
  const auto effects = pages(bed, "/v1/effects?limit=2&rule=hello", {});
  EXPECT_EQ(effects.size(), 3U);
  std::string all;
  for (const auto& page : effects) all += page;
  for (int i = 0; i < 5; ++i)
    EXPECT_NE(all.find("lead/l" + std::to_string(i)), std::string::npos) << all;
  EXPECT_EQ(bed.get("/v1/effects?state=unknown").body, "[]");
  EXPECT_EQ(bed.get("/v1/effects?state=lost").code(), "bad_parameter");
  EXPECT_EQ(bed.get("/v1/effects?rule=none").body, "[]");
  const auto one = ServiceBed::json(bed.get("/v1/effects?record=lead/l3").body);
  ASSERT_EQ(one.as_list()->size(), 1U);
  const std::string id{find(*one.as_list()->front().as_map(), "effect")->text_or_empty()};
  EXPECT_NE(bed.get("/v1/effects/" + id.substr(0, 9)).body.find(id), std::string::npos);
  EXPECT_EQ(bed.get("/v1/effects/xyz").status, 400);
  EXPECT_EQ(bed.get("/v1/effects/00000000").status, 404);
  EXPECT_EQ(bed.get("/v1/enrolments").status, 200);
  EXPECT_EQ(bed.get("/v1/timers").status, 200);
}

TEST(ApiReadsTest, WhatIsSetAsideIsListedAndOrdered) {
  ServiceBed bed;
  bed.append(
      "pipeline.updated", "pipeline/sales",
      R"({"stages":[{"id":"demo"},{"id":"won","category":"won"},{"id":"lost","category":"lost"}]})",
      "p");
  const auto place = bed.append("deal.opened", "deal/d1", R"({"pipeline":"partners"})", "d1");
  const auto list = bed.get("/v1/set-aside?timeout=20000&wait_for=" + place);
  ASSERT_EQ(list.status, 200) << list.body;
  const auto rows = ServiceBed::json(list.body);
  ASSERT_EQ(rows.as_list()->size(), 1U) << list.body;
  const std::string at{find(*rows.as_list()->front().as_map(), "position")->text_or_empty()};
  const auto stays = bed.post("/v1/set-aside/" + at + "/redrive");
  EXPECT_EQ(stays.status, 200) << stays.body;
  EXPECT_NE(stays.body.find("\"stays\":true"), std::string::npos) << stays.body;
  EXPECT_NE(bed.post("/v1/set-aside/" + at + "/drop?reason=test").body.find("\"stays\":false"),
            std::string::npos);
  EXPECT_EQ(bed.post("/v1/set-aside/" + at + "/drop").status, 404);
}

// Their pages are of today: a cursor asks them for no past.
TEST(ApiReadsTest, PagesOfViewsThatTellThePresent) {
  ServiceBed bed;
  std::string at;
  for (const auto* id : {"k1", "k2", "k3"}) {
    at = bed.append("task.created", std::string{"task/"} + id, R"({"kind":"call","title":"Call"})",
                    id);
    ASSERT_EQ(bed.get("/v1/views/tasks?timeout=20000&wait_for=" + at).status, 200);
  }
  std::set<std::string> seen;
  std::string path = "/v1/views/tasks?limit=1";
  while (!path.empty()) {
    const auto page = bed.get(path);
    ASSERT_EQ(page.status, 200) << page.body;
    const auto rows = ServiceBed::json(page.body);
    ASSERT_EQ(rows.as_list()->size(), 1U);
    seen.emplace(find(*rows.as_list()->front().as_map(), "task")->text_or_empty());
    const auto link = page.fields.find("link");
    path = link == page.fields.end() ? "" : link->second.substr(1, link->second.find('>') - 1);
  }
  EXPECT_EQ(seen.size(), 3U);
}

// Also those that are in memory alone, because they began just now.
TEST(ApiReadsTest, ListsEnrolmentsThatJustBegan) {
  ServiceBed bed;
  EXPECT_EQ(bed.ask("PUT", "/v1/rules/later", kYaml,
                    "rule: later\nname: Later\nowner: ops\ntrigger: lead.captured\nsteps:\n"
                    "  - wait: 3d\n"
                    "  - create_task: { kind: call, title: Call, due: 1d }\n")
                .status,
            201);
  ASSERT_EQ(bed.post("/v1/rules/later/publish").status, 200);
  const auto at = bed.append("lead.captured", "lead/l1", R"({"company":"Acme"})", "l1");
  const auto list =
      ServiceBed::json(bed.get("/v1/enrolments?rule=later&timeout=20000&wait_for=" + at).body);
  ASSERT_EQ(list.as_list()->size(), 1U);
  const std::string id{find(*list.as_list()->front().as_map(), "enrolment")->text_or_empty()};
  EXPECT_NE(bed.get("/v1/enrolments/" + id).body.find("lead/l1"), std::string::npos);
}

TEST(ApiReadsTest, WhatOperatorsSayOfEffects) {
  ServiceBed bed;
  EXPECT_EQ(bed.ask("PUT", "/v1/rules/hello", kYaml, kRule).status, 201);
  ASSERT_EQ(bed.post("/v1/rules/hello/publish").status, 200);
  const auto at = bed.append("lead.captured", "lead/l1", R"({"company":"Acme"})", "l1");
  const auto list = ServiceBed::json(bed.get("/v1/effects?timeout=20000&wait_for=" + at).body);
  ASSERT_EQ(list.as_list()->size(), 1U);
  const std::string id{find(*list.as_list()->front().as_map(), "effect")->text_or_empty()};
  // A task is a record of ours: nothing of it leaves, so nothing is sent again.
  const auto again = bed.post("/v1/effects/" + id + "/retry?reason=test");
  EXPECT_EQ(again.status, 409) << again.body;
  EXPECT_NE(again.body.find("effect_stays"), std::string::npos) << again.body;
  EXPECT_EQ(bed.post("/v1/effects/" + id + "/retry").code(), "bad_parameter");
  EXPECT_EQ(bed.post("/v1/effects/" + id + "/resolve?reason=x&outcome=lost").code(),
            "bad_parameter");
  EXPECT_EQ(bed.post("/v1/effects/0000000000/cancel?reason=x").status, 404);
}

TEST(ApiReadsTest, TheKillSwitchHoldsWhatWouldLeave) {
  ServiceBed bed;
  bed.append("template.published", "template/rebook",
             R"({"text":"---\nsubject: Again?\n---\n<p>Hello</p>\n","version":1})", "t");
  EXPECT_EQ(bed.ask("PUT", "/v1/rules/no-show", kYaml,
                    "rule: no-show\nname: Rebook\nowner: ops\ntrigger: meeting.no_show\n"
                    "entry: each_time\nsteps:\n"
                    "  - send_email: { template: rebook, to: contact, purpose: service }\n")
                .status,
            201);
  ASSERT_EQ(bed.post("/v1/rules/no-show/publish").status, 200);
  EXPECT_NE(bed.post("/v1/pause?reason=test").body.find("\"changed\":true"), std::string::npos);
  EXPECT_NE(bed.get("/v1/pause").body.find("\"paused\":true"), std::string::npos);
  bed.append("contact.updated", "contact/c1", R"({"set":{"emails":["ada@example.com"]}})", "c");
  const auto at =
      bed.append("meeting.no_show", "contact/c1", R"({"meeting":"m1","kind":"demo"})", "m");
  // It is judged, and waits with its reason.
  std::string waits;
  while (waits.find("workspace_paused") == std::string::npos) {
    waits = bed.get("/v1/effects?timeout=20000&wait_for=" + at).body;
    ASSERT_EQ(waits.find("delivered"), std::string::npos) << waits;
  }
  EXPECT_EQ(bed.get("/v1/mails").body, "[]");
  EXPECT_NE(bed.post("/v1/pause/resume?reason=test").body.find("\"changed\":true"),
            std::string::npos);
  while (bed.get("/v1/effects?state=delivered").body == "[]") {
  }
  const auto mails = ServiceBed::json(bed.get("/v1/mails").body);
  ASSERT_EQ(mails.as_list()->size(), 1U);
  const std::string name{find(*mails.as_list()->front().as_map(), "mail")->text_or_empty()};
  const auto mail = bed.get("/v1/mails/" + name);
  EXPECT_NE(mail.body.find("Subject: Again?"), std::string::npos) << mail.body;
  EXPECT_EQ(bed.get("/v1/mails/none").status, 404);
}

TEST(ApiReadsTest, HealthNeedsNoKey) {
  ServiceBed bed;
  bed.key.clear();
  EXPECT_EQ(bed.get("/health/live").status, 200);
  const auto ready = bed.get("/health/ready");
  EXPECT_EQ(ready.status, 200) << ready.body;
  EXPECT_EQ(ready.body, R"({"effects_paused":false,"faults":[],"ready":true})");
  EXPECT_EQ(bed.get("/v1/partitions").status, 401);
}

TEST(ApiReadsTest, AStreamTellsChangesAndGoesOn) {
  ServiceBed bed;
  make_board(bed);
  const std::string head =
      "GET /v1/views/board/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + bed.key +
      "\r\n";
  http::Client client{bed.port};
  client.send(head + "\r\n");
  const auto first = client.read_to("\"count\":6");
  EXPECT_NE(first.find("event: rows"), std::string::npos) << first;
  bed.append("deal.opened", "deal/d9", R"({"pipeline":"sales","amount":"25.50 EUR"})", "d9");
  const auto change = client.read_to("\"count\":6");
  EXPECT_NE(change.find("event: change"), std::string::npos) << change;
  EXPECT_NE(change.find("\"count\":7"), std::string::npos) << change;
  // Who comes back from elsewhere is told to forget what he has.
  http::Client later{bed.port};
  later.send(head + "Last-Event-ID: 0:0,1:0\r\n\r\n");
  EXPECT_NE(later.read_to("\"count\":7").find("event: reset"), std::string::npos);
  bed.stop();
  EXPECT_EQ(client.read_to("what never comes"), "");
}

}  // namespace
}  // namespace dealwright::daemon
