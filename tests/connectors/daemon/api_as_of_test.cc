// A record as it was at a past instant, over HTTP.
#include "tests/connectors/daemon/service_bed.h"

namespace dealwright::daemon {
namespace {

TEST(ApiAsOfTest, ARecordAsItWas) {
  ServiceBed bed;
  const auto told = [&](const char* id, const char* type, const char* time, const char* data) {
    const auto answer = bed.post(
        "/v1/events", "application/cloudevents+json",
        std::string{R"({"specversion":"1.0","source":"test","id":")"} + id + R"(","type":")" +
            type + R"(","subject":"deal/d1","time":")" + time + R"(","data":)" + data + "}");
    EXPECT_EQ(answer.status, 202) << answer.body;
    return bed.text_in(answer.body, "position");
  };
  bed.append(
      "pipeline.updated", "pipeline/sales",
      R"({"stages":[{"id":"demo"},{"id":"offer"},{"id":"won","category":"won"},{"id":"lost","category":"lost"}]})",
      "p");
  told("1", "deal.opened", "2026-03-02T09:00:00Z",
       R"({"pipeline":"sales","amount":"10 EUR","owner":"u1"})");
  told("2", "deal.stage_changed", "2026-03-04T09:00:00Z", R"({"to":"offer"})");
  const auto last =
      told("3", "deal.amount_changed", "2026-03-06T09:00:00Z", R"({"amount":"20 EUR"})");
  const auto at = [&](const std::string& query) {
    const auto answer = bed.get("/v1/records/deal/d1" + query);
    return answer.status == 200 ? bed.text_in(answer.body, "stage") + " " +
                                      (answer.body.find(":2000") == std::string::npos ? "10" : "20")
                                : std::to_string(answer.status);
  };
  EXPECT_EQ(at("?timeout=20000&wait_for=" + last), "offer 20");
  EXPECT_EQ(at("?as_of=2026-03-02T08:59:59.999Z"), "404");
  EXPECT_EQ(at("?as_of=2026-03-02T09:00:00Z"), "demo 10");
  EXPECT_EQ(at("?as_of=2026-03-04T09:00:00Z"), "offer 10");
  EXPECT_EQ(at("?as_of=2026-03-07"), "offer 20");
  EXPECT_EQ(at("?known_by=2026-03-07"), "404") << "nobody had said so by then";
  EXPECT_EQ(at("?as_of=yesterday"), "400");
}

}  // namespace
}  // namespace dealwright::daemon
