// Facts and timelines as they come, over server-sent events; and their pages.
#include "tests/connectors/daemon/service_bed.h"

namespace dealwright::daemon {
namespace {

class Listener {
 public:
  Listener(ServiceBed& bed, const std::string& path, const std::string& last = {})
      : client_{bed.port} {
    client_.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                 bed.key + "\r\n" + (last.empty() ? "" : "Last-Event-ID: " + last + "\r\n") +
                 "\r\n");
  }
  std::string read_to(const std::string& text) { return client_.read_to(text); }
  // The id of the next event that has one.
  std::string next_id() {
    client_.read_to("\nid: ");
    auto line = client_.read_to("\n");
    line.pop_back();
    return line;
  }

 private:
  http::Client client_;
};

std::string note(ServiceBed& bed, const std::string& subject, int n) {
  const auto id = std::to_string(n);
  return bed.append("note.added", subject, R"({"text":"note )" + id + R"("})", subject + id);
}

void settle(ServiceBed& bed, const std::string& at) {
  ASSERT_EQ(bed.get("/v1/set-aside?timeout=20000&wait_for=" + at).status, 200);
}

TEST(ApiStreamsTest, EventsAsTheyAreFolded) {
  ServiceBed bed;
  settle(bed, note(bed, "lead/l1", 1));
  Listener now{bed, "/v1/events/stream?type=note.added"};
  const auto begin = now.next_id();  // where it begins, though there is nothing yet
  note(bed, "lead/l1", 2);
  bed.append("lead.captured", "lead/l2", "{}", "other type");
  note(bed, "lead/l1", 3);
  const auto first = now.read_to("note 2");
  EXPECT_EQ(first.find("note 1"), std::string::npos) << first;
  EXPECT_EQ(now.read_to("note 3").find("lead.captured"), std::string::npos);
  // Who comes back gets all since then, once.
  Listener again{bed, "/v1/events/stream?type=note.added", begin};
  const auto since = again.read_to("note 3");
  EXPECT_NE(since.find("note 2"), std::string::npos) << since;
  EXPECT_EQ(since.find("reset"), std::string::npos) << since;
  // One from elsewhere is told that it has to begin anew.
  Listener lost{bed, "/v1/events/stream", "0:999999,1:999999"};
  EXPECT_NE(lost.read_to("event: at").find("event: reset"), std::string::npos);
  Listener strange{bed, "/v1/events/stream", "nonsense"};
  EXPECT_NE(strange.read_to("event: at").find("event: reset"), std::string::npos);
  // From the beginning, if it is asked for.
  Listener all{bed, "/v1/events/stream?subject=lead/l1&position=0:0,1:0"};
  EXPECT_NE(all.read_to("note 3").find("note 1"), std::string::npos);
  EXPECT_EQ(bed.get("/v1/events/stream?position=7:0").status, 404);
  EXPECT_EQ(bed.get("/v1/events/stream?position=0:999999").status, 404);
}

TEST(ApiStreamsTest, ATimelineGrows) {
  ServiceBed bed;
  note(bed, "lead/l1", 1);
  settle(bed, note(bed, "lead/l1", 2));
  EXPECT_EQ(bed.get("/v1/records/lead/none/stream").status, 404);
  EXPECT_EQ(bed.get("/v1/records/dael/none/stream").status, 400);
  Listener told{bed, "/v1/records/lead/l1/stream"};
  const auto one = told.next_id();
  EXPECT_NE(told.read_to("note 2").find("event: entry"), std::string::npos);
  note(bed, "lead/l1", 3);
  EXPECT_EQ(told.read_to("note 3").find("reset"), std::string::npos);
  Listener again{bed, "/v1/records/lead/l1/stream", one};
  const auto since = again.read_to("note 3");
  EXPECT_EQ(since.find("note 1"), std::string::npos) << since;
  EXPECT_NE(since.find("note 2"), std::string::npos) << since;
  EXPECT_EQ(since.find("reset"), std::string::npos) << since;
  // A fact that is taken back changes what was told: all of it comes again.
  bed.append("event.retracted", "lead/l1",
             R"({"source":"test","id":"lead/l12","reason":"mistyped"})", "back");
  EXPECT_NE(told.read_to("\"mark\":\"retracted\"").find("event: reset"), std::string::npos);
  Listener lost{bed, "/v1/records/lead/l1/stream", "nonsense"};
  EXPECT_NE(lost.read_to("note 3").find("event: reset"), std::string::npos);
}

// The pages of a list, joined; how many there were.
std::string pages(ServiceBed& bed, std::string path, int& count) {
  std::string out;
  for (count = 0; !path.empty() && count < 50; ++count) {
    const auto answer = bed.get(path);
    EXPECT_EQ(answer.status, 200) << path << answer.body;
    out += answer.body;
    const auto link = answer.fields.find("link");
    path = link == answer.fields.end() ? "" : link->second.substr(1, link->second.find('>') - 1);
  }
  return out;
}

TEST(ApiStreamsTest, TimelinesByPages) {
  ServiceBed bed;
  std::string at;
  for (int i = 0; i < 7; ++i) at = note(bed, "lead/l1", i);
  settle(bed, at);
  int count = 0;
  const auto all = pages(bed, "/v1/records/lead/l1/timeline?limit=3", count);
  EXPECT_EQ(count, 3);
  for (int i = 0; i < 7; ++i) {
    const auto text = "note " + std::to_string(i);
    EXPECT_NE(all.find(text), std::string::npos) << all;
    EXPECT_EQ(all.find(text), all.rfind(text)) << all;
  }
  EXPECT_EQ(bed.get("/v1/records/lead/l1/timeline?cursor=nonsense").code(), "bad_cursor");
}

TEST(ApiStreamsTest, AListOfLargeEventsIsCutByItsBytes) {
  ServiceBed bed;
  const std::string text(900'000, 'x');
  for (int i = 0; i < 12; ++i) {
    bed.append("com.example.large", "lead/l1", R"({"text":")" + text + "\"}", std::to_string(i));
  }
  int count = 0;
  std::string path = "/v1/events?limit=1000";
  std::size_t events = 0;
  while (!path.empty()) {
    const auto answer = bed.get(path);
    ASSERT_EQ(answer.status, 200);
    EXPECT_LT(answer.body.size(), std::size_t{10} << 20);
    for (auto from = answer.body.find("\"position\""); from != std::string::npos;
         from = answer.body.find("\"position\"", from + 1)) {
      ++events;
    }
    const auto link = answer.fields.find("link");
    path = link == answer.fields.end() ? "" : link->second.substr(1, link->second.find('>') - 1);
    ++count;
  }
  EXPECT_EQ(count, 2);
  EXPECT_EQ(events, 12U);
}

}  // namespace
}  // namespace dealwright::daemon
