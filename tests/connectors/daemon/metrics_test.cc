// What GET /metrics says of a service, and who may ask; lines of the log.
#include "connectors/daemon/metrics.h"

#include <algorithm>
#include <charconv>

#include "connectors/daemon/lag_marks.h"
#include "connectors/daemon/log_line.h"
#include "tests/connectors/daemon/service_bed.h"

namespace dealwright::daemon {
namespace {

// The value of a series; "": there is none.
std::string value_of(const std::string& text, const std::string& series) {
  const auto at = ("\n" + text).find("\n" + series + " ");
  if (at == std::string::npos) return {};
  const auto from = at + series.size() + 1;
  return text.substr(from, text.find('\n', from) - from);
}

double sum_of(const std::string& text, const std::string& begins) {
  double out = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    if (line.starts_with(begins)) {
      double value = 0;
      std::from_chars(line.data() + line.rfind(' ') + 1, line.data() + line.size(), value);
      out += value;
    }
    at = end + 1;
  }
  return out;
}

std::string scrape(ServiceBed& bed) {
  const auto answer = bed.get("/metrics");
  EXPECT_EQ(answer.status, 200) << answer.body;
  return answer.body;
}

TEST(LagMarksTest, TellHowLongTheOldestEventWaits) {
  LagMarks marks;
  EXPECT_EQ(marks.age_us(0, 0, 5), 0);
  EXPECT_EQ(marks.age_us(0, 3, 5), 0) << "nothing is known of it";
  marks.put(10, 1'000'000);
  marks.put(20, 2'000'000);
  marks.put(30, 3'000'000);
  EXPECT_EQ(marks.age_us(5, 30, 4'000'000), 3'000'000);
  EXPECT_EQ(marks.age_us(10, 30, 4'000'000), 2'000'000);
  EXPECT_EQ(marks.age_us(25, 30, 4'000'000), 1'000'000);
  EXPECT_EQ(marks.age_us(30, 30, 4'000'000), 0);
  marks.put(31, 9'000'000);
  marks.put(32, 9'000'000 + LagMarks::kApartUs - 1);  // counts as what came just before
  EXPECT_EQ(marks.age_us(31, 32, 10'000'000), 1'000'000);
}

TEST(LagMarksTest, ManyMarksMakeItOlderNeverYounger) {
  LagMarks marks;
  constexpr std::int64_t kApart = 100'000;
  constexpr Position kMany = 20 * LagMarks::kMarksMax;
  for (Position end = 1; end <= kMany; ++end) {
    marks.put(end, static_cast<std::int64_t>(end) * kApart);
  }
  const auto now = static_cast<std::int64_t>(kMany) * kApart;
  for (Position folded = 0; folded < kMany; folded += 997) {
    const auto really = now - static_cast<std::int64_t>(folded + 1) * kApart;
    const auto told = marks.age_us(folded, kMany, now);
    EXPECT_GE(told, really) << folded;
    EXPECT_LE(told, really + 128 * kApart) << folded;
  }
}

TEST(MetricsTest, CountWhatHappens) {
  ServiceBed bed;
  const auto before = scrape(bed);
  EXPECT_EQ(value_of(before, R"(dealwright_append_seconds_count{result="done"})"), "0");
  const auto first = bed.append("lead.captured", "lead/l1", R"({"company":"Acme"})", "e1");
  bed.append("lead.captured", "lead/l1", R"({"company":"Acme"})", "e1");  // again
  const auto last = bed.append("deal.opened", "deal/d1", R"({"pipeline":"none"})", "e2");
  EXPECT_EQ(bed.get("/v1/views/board?wait_for=" + first).status, 200);
  EXPECT_EQ(bed.get("/v1/views/board?wait_for=" + last).status, 200);
  const auto text = scrape(bed);
  EXPECT_EQ(value_of(text, R"(dealwright_append_seconds_count{result="done"})"), "3");
  EXPECT_EQ(value_of(text, "dealwright_append_repeats_total"), "1");
  EXPECT_EQ(sum_of(text, "dealwright_leader{"), 2);
  EXPECT_EQ(sum_of(text, "dealwright_lag_events{"), 0);
  EXPECT_EQ(sum_of(text, "dealwright_set_aside_total{"), 1);  // its pipeline is not known yet
  EXPECT_EQ(sum_of(text, "dealwright_set_aside_open{"), 1);
  EXPECT_GT(sum_of(text, "dealwright_sync_seconds_count{"), 2);
  EXPECT_GT(sum_of(text, "dealwright_decide_seconds_count{"), 1);
  EXPECT_EQ(value_of(text, R"(dealwright_http_seconds_count{code="202",route="/v1/events"})"), "3");
  EXPECT_EQ(value_of(text, R"(dealwright_queue_limit_bytes{queue="http"})"), "67108864");
  EXPECT_EQ(value_of(text, R"(dealwright_effects_total{channel="email",state="delivered"})"), "0");
  EXPECT_NE(text.find("# TYPE dealwright_timer_lateness_seconds histogram\n"), std::string::npos);
  EXPECT_NE(text.find(R"(dealwright_build_info{version="0.1.0",state_version=")"),
            std::string::npos);
}

TEST(MetricsTest, RoutesAndCodesComeFromClosedLists) {
  ServiceBed bed;
  bed.get("/v1/records/deal/zebedee@quillfeather.example");
  bed.get("/zebedee/quillfeather");
  bed.post("/zebedee/quillfeather");
  const auto text = scrape(bed);
  EXPECT_EQ(text.find("zebedee"), std::string::npos);
  EXPECT_EQ(
      value_of(text,
               R"(dealwright_http_seconds_count{code="404",route="/v1/records/{kind}/{id}"})"),
      "1");
  EXPECT_EQ(value_of(text, R"(dealwright_http_seconds_count{code="404",route="other"})"), "2");
}

TEST(MetricsTest, AreForReadersOrOpenIfTheSettingsSaySo) {
  ServiceBed bed;
  const auto admin = bed.key;
  const auto made = bed.post("/v1/keys", "application/json",
                             R"({"name":"p","roles":["viewer"],"scopes":["metrics:read"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  bed.key = ServiceBed::text_in(made.body, "key");
  const auto answer = bed.get("/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.fields.at("content-type"), kMetricsType);
  EXPECT_EQ(bed.get("/v1/partitions").status, 403) << "its scope reaches no further";
  bed.key.clear();
  EXPECT_EQ(bed.get("/metrics").status, 401);
  bed.stop();
  bed.config.metrics_open = true;
  bed.start();
  EXPECT_EQ(bed.get("/metrics").status, 200);
}

TEST(LogLineTest, SaysWhatThereIs) {
  const Instant at{1'772'442'000'000};
  Notice notice;
  notice.what = Notice::What::kEffectUnknown;
  notice.partition = 3;
  notice.position = 8112;
  notice.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  notice.detail = "email 0a1b";
  EXPECT_EQ(to_json(line_of(notice), at),
            R"({"time":"2026-03-02T09:00:00.000Z","level":"warning","code":"effect_unknown",)"
            R"("partition":3,"position":8112,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",)"
            R"("detail":"email 0a1b"})");
  LogLine line;
  line.code = "stopping";
  EXPECT_EQ(to_json(line, at),
            R"({"time":"2026-03-02T09:00:00.000Z","level":"info","code":"stopping"})");
  for (const auto what : {Notice::What::kLeads, Notice::What::kStopped, Notice::What::kBack,
                          Notice::What::kClockHeld, Notice::What::kClockBelieved}) {
    notice.what = what;
    EXPECT_NE(to_json(line_of(notice), at).find(R"("partition":3)"), std::string::npos);
  }
}

}  // namespace
}  // namespace dealwright::daemon
