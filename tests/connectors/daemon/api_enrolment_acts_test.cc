// What operators say of enrolments and timers, over HTTP.
#include "tests/connectors/daemon/service_bed.h"

namespace dealwright::daemon {
namespace {

constexpr const char* kYaml = "application/yaml";
const std::string kWaits =
    "rule: waits\nname: Ask a day later\nowner: ops\ntrigger: lead.captured\nsteps:\n"
    "  - wait: 1d\n"
    "  - create_task: { kind: call, title: ask, due: 1h, owner: user(\"u1\") }\n";

// A lead that waits under the rule; its enrolment.
std::string enrol(ServiceBed& bed, const std::string& lead) {
  const auto at = bed.append("lead.captured", "lead/" + lead, R"({"company":"Acme"})", lead);
  const auto list = ServiceBed::json(
      bed.get("/v1/enrolments?record=lead/" + lead + "&timeout=20000&wait_for=" + at).body);
  EXPECT_EQ(list.as_list()->size(), 1U);
  if (list.as_list()->empty()) return {};
  return std::string{find(*list.as_list()->front().as_map(), "enrolment")->text_or_empty()};
}

void publish(ServiceBed& bed) {
  ASSERT_EQ(bed.ask("PUT", "/v1/rules/waits", kYaml, kWaits).status, 201);
  ASSERT_EQ(bed.post("/v1/rules/waits/publish").status, 200);
}

TEST(ApiEnrolmentActsTest, AnExitEndsItAndStandsInTheHistory) {
  ServiceBed bed;
  publish(bed);
  const auto id = enrol(bed, "l1");
  EXPECT_EQ(bed.post("/v1/enrolments/" + id + "/exit").code(), "bad_parameter") << "say why";
  const auto done = bed.post("/v1/enrolments/" + id + "/exit?reason=settled", "", "",
                             "Idempotency-Key: once\r\n");
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_NE(done.body.find("\"ended\":true"), std::string::npos) << done.body;
  EXPECT_EQ(bed.get("/v1/enrolments").body, "[]");
  EXPECT_EQ(bed.get("/v1/timers").body, "[]");
  EXPECT_EQ(bed.post("/v1/enrolments/" + id + "/exit?reason=settled").status, 404);
  const auto history = bed.get("/v1/records/lead/l1/timeline").body;
  EXPECT_NE(history.find("enrolment.exited"), std::string::npos) << history;
  EXPECT_NE(history.find("settled"), std::string::npos) << history;
  EXPECT_NE(bed.get("/v1/views/automation?counter=ended_operator").body.find("\"value\":1"),
            std::string::npos);
  // It is in the log: behind a restart it is as it was.
  bed.stop();
  bed.start();
  EXPECT_EQ(bed.get("/v1/enrolments").body, "[]");
}

TEST(ApiEnrolmentActsTest, ATimerMovesFiresAndGoes) {
  ServiceBed bed;
  publish(bed);
  const auto id = enrol(bed, "l1");
  const auto moved = bed.post("/v1/timers/" + id + "/move?reason=holiday&due=2099-03-02T09:00:00Z");
  EXPECT_EQ(moved.status, 200) << moved.body;
  EXPECT_EQ(ServiceBed::text_in(moved.body, "due"), "2099-03-02T09:00:00.000Z") << moved.body;
  EXPECT_NE(bed.get("/v1/timers").body.find("2099-03-02"), std::string::npos);
  EXPECT_EQ(bed.get("/v1/effects").body, "[]");
  EXPECT_EQ(bed.post("/v1/timers/" + id + "/move?reason=x").code(), "bad_parameter");
  // One whose instant has passed fires at once.
  EXPECT_EQ(bed.post("/v1/timers/" + id + "/move?reason=now&due=2020-01-01T00:00:00Z").status, 200);
  while (bed.get("/v1/effects").body == "[]") {
  }
  EXPECT_EQ(bed.post("/v1/timers/" + id + "/cancel?reason=x").status, 404) << "it is done";
  const auto other = enrol(bed, "l2");
  const auto gone = bed.post("/v1/timers/" + other.substr(0, 12) + "/cancel?reason=settled");
  EXPECT_EQ(gone.status, 200) << gone.body;
  EXPECT_NE(gone.body.find("\"ended\":true"), std::string::npos) << gone.body;
  EXPECT_EQ(bed.get("/v1/timers").body, "[]");
  EXPECT_NE(bed.get("/v1/records/lead/l2/timeline").body.find("timer.cancelled"),
            std::string::npos);
}

TEST(ApiEnrolmentActsTest, NobodyElseSaysSo) {
  ServiceBed bed;
  publish(bed);
  const auto id = enrol(bed, "l1");
  // The engine's own facts are appended by it alone, and signed.
  const auto forged = bed.post(
      "/v1/events", "application/cloudevents+json",
      R"({"specversion":"1.0","source":"x","id":"1","type":"enrolment.exited","subject":"lead/l1",)"
      R"("data":{"enrolment":")" +
          id + R"(","author":"user/x","reason":"x"}})");
  EXPECT_EQ(forged.code(), "reserved_type") << forged.body;
  EXPECT_NE(bed.get("/v1/enrolments").body.find(id), std::string::npos);
}

}  // namespace
}  // namespace dealwright::daemon
