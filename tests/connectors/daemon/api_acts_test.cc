// What people and operators do over HTTP, done once each: unsubscribing, pausing, names of
// requests.
#include "connectors/daemon/across.h"
#include "connectors/daemon/drafts.h"
#include "connectors/daemon/unsubscribe.h"
#include "connectors/os/posix_file_system.h"
#include "engine/domain/consent.h"
#include "tests/connectors/daemon/service_bed.h"

namespace dealwright::daemon {
namespace {

constexpr const char* kHello =
    "rule: hello\nname: Say hello\nowner: ops\ntrigger: lead.captured\nentry: once\nsteps:\n"
    "  - create_task: { kind: call, title: \"Call {{ lead.company }}\", due: 1h, owner: "
    "user(\"u1\") }\n";
constexpr const char* kYaml = "application/yaml";

bool consents(ServiceBed& bed, const std::string& contact) {
  const auto found = read_record(bed.service->workspace(), {Kind::kContact, contact});
  EXPECT_TRUE(found && found.value());
  const auto* row = standing_consent(found.value()->record, "nurture", "email");
  return row != nullptr && row->granted;
}

int count_of(const std::string& text, std::string_view what) {
  int out = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++out;
  return out;
}

TEST(ApiActsTest, WhoConsentsAgainCanUnsubscribeAgain) {
  ServiceBed bed;
  const std::string granted = R"({"purpose":"nurture","channel":"email","source":"form"})";
  bed.append("contact.updated", "contact/c1", R"({"set":{"name":"Ada"}})", "c1");
  const auto first = bed.append("consent.granted", "contact/c1", granted, "g1");
  EXPECT_EQ(bed.get("/v1/records/contact/c1?wait_for=" + first).status, 200);
  Unsubscription what;
  what.person = {Kind::kContact, "c1"};
  what.purpose = "nurture";
  const auto path = "/u/" + unsubscribe_token(what, bed.service->workspace().key());
  const auto click = [&] {
    const auto key = std::exchange(bed.key, "");  // who clicks has none
    const auto answer =
        bed.post(path, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click");
    bed.key = key;
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_NE(answer.body.find("You are unsubscribed"), std::string::npos);
  };
  EXPECT_TRUE(consents(bed, "c1"));
  click();
  EXPECT_FALSE(consents(bed, "c1"));
  const auto at = bed.append("consent.granted", "contact/c1", granted, "g2");
  EXPECT_EQ(bed.get("/v1/records/contact/c1?wait_for=" + at).status, 200);
  EXPECT_TRUE(consents(bed, "c1"));
  click();
  EXPECT_FALSE(consents(bed, "c1"));
}

TEST(ApiActsTest, AnOptOutIsFromAllMarketingOrFromThisKindAlone) {
  for (const std::string body : {"List-Unsubscribe=One-Click", "", "only=this"}) {
    ServiceBed bed;
    bed.append("contact.updated", "contact/c1", R"({"set":{"name":"Ada"}})", "c1");
    std::string last;
    for (const std::string purpose : {"nurture", "news"}) {
      const auto granted = R"({"purpose":")" + purpose + R"(","channel":"email","source":"form"})";
      last = bed.append("consent.granted", "contact/c1", granted, purpose);
    }
    EXPECT_EQ(bed.get("/v1/records/contact/c1?wait_for=" + last).status, 200);
    Unsubscription what;
    what.person = {Kind::kContact, "c1"};
    what.purpose = "news";
    const auto path = "/u/" + unsubscribe_token(what, bed.service->workspace().key());
    const auto key = std::exchange(bed.key, "");
    EXPECT_EQ(bed.post(path, "application/x-www-form-urlencoded", body).status, 200);
    bed.key = key;
    EXPECT_EQ(consents(bed, "c1"), body == "only=this") << body;
  }
}

TEST(ApiActsTest, ANameOfARequestIsOneCallersAndOnePaths) {
  ServiceBed bed;
  for (const std::string rule : {"hello", "other"}) {
    auto text = std::string{kHello};
    text.replace(text.find("hello"), 5, rule);
    ASSERT_EQ(bed.ask("PUT", "/v1/rules/" + rule, kYaml, text).status, 201);
    ASSERT_EQ(bed.post("/v1/rules/" + rule + "/publish").status, 200);
  }
  const std::string name = "Idempotency-Key: mine\r\n";
  const auto changed = [](const http::Answer& answer) {
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.body.find("\"changed\":true") != std::string::npos;
  };
  EXPECT_TRUE(changed(bed.post("/v1/rules/hello/pause", "", "", name)));
  EXPECT_TRUE(changed(bed.post("/v1/rules/other/pause", "", "", name))) << "another path";
  EXPECT_TRUE(changed(bed.post("/v1/rules/hello/resume")));
  EXPECT_EQ(bed.post("/v1/rules/hello/pause", "", "", name).status, 409);
  const auto made =
      bed.post("/v1/keys", "application/json", R"({"name":"second","roles":["operator"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  const auto own = std::exchange(bed.key, ServiceBed::text_in(made.body, "key"));
  EXPECT_TRUE(changed(bed.post("/v1/rules/hello/pause", "", "", name))) << "another caller";
  bed.key = own;
}

TEST(ApiActsTest, ARepeatOfAnotherRequestIsRefused) {
  ServiceBed bed;
  const std::string name = "Idempotency-Key: stop\r\n";
  EXPECT_EQ(bed.post("/v1/pause?reason=drill", "", "", name).status, 200);
  EXPECT_EQ(bed.post("/v1/pause?reason=fire", "", "", name).code(), "idempotency_mismatch");
  EXPECT_EQ(bed.post("/v1/pause/resume?reason=fire", "", "", name).status, 200) << "another path";
}

TEST(ApiActsTest, AKeyIsMadeOnceForOneRequest) {
  ServiceBed bed;
  const std::string name = "Idempotency-Key: a key\r\n";
  const std::string once = "Idempotency-Key: a-key\r\n";
  const std::string asked = R"({"name":"second","roles":["operator"]})";
  const auto make = [&](const std::string& more) {
    return bed.post("/v1/keys", "application/json", asked, more);
  };
  EXPECT_EQ(make(name).code(), "bad_parameter");
  const auto first = make(once);
  ASSERT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(make(once).body, first.body);
  const auto keys = [&] { return bed.get("/v1/keys").body; };
  EXPECT_EQ(count_of(keys(), "\"name\":\"second\""), 1) << keys();
  bed.stop();
  bed.start();
  const auto late = make(once);
  EXPECT_EQ(late.code(), "conflict") << "nobody knows the secret any more";
  EXPECT_NE(late.body.find(ServiceBed::text_in(first.body, "id")), std::string::npos) << late.body;
  EXPECT_EQ(count_of(keys(), "\"name\":\"second\""), 1) << keys();
}

// What was not written down was not made: the same request makes it once the disk is well.
TEST(ApiActsTest, AKeyThatCouldNotBeSavedMayBeAskedForAgain) {
  ServiceBed bed;
  const auto path = bed.config.data + "/keys/api-keys.json";
  const auto make = [&] {
    return bed.post("/v1/keys", "application/json", R"({"name":"second","roles":["operator"]})",
                    "Idempotency-Key: a-key\r\n");
  };
  std::filesystem::rename(path, path + ".away");
  std::filesystem::create_directories(path + "/in-the-way");
  EXPECT_EQ(make().code(), "io");
  EXPECT_EQ(bed.get("/v1/keys").body.find("second"), std::string::npos);
  std::filesystem::remove_all(path);
  std::filesystem::rename(path + ".away", path);
  EXPECT_EQ(make().status, 201);
  EXPECT_EQ(count_of(bed.get("/v1/keys").body, "\"name\":\"second\""), 1);
}

TEST(ApiActsTest, AKeyTellsWhenItWasUsed) {
  ServiceBed bed;
  const auto made =
      bed.post("/v1/keys", "application/json", R"({"name":"second","roles":["viewer"]})");
  const auto id = ServiceBed::text_in(made.body, "id");
  const auto used = [&]() -> std::string {
    const auto keys = bed.get("/v1/keys").body;
    const auto at = keys.find("\"id\":\"" + id);
    const auto field = keys.find("\"used\":", at);
    return keys.substr(field + 7, 26);
  };
  EXPECT_TRUE(used().starts_with("null")) << used();
  const auto own = std::exchange(bed.key, ServiceBed::text_in(made.body, "key"));
  EXPECT_EQ(bed.get("/v1/partitions").status, 200);
  bed.key = own;
  const auto at = used();
  EXPECT_TRUE(at.starts_with("\"20")) << at;
  bed.stop();
  bed.start();
  EXPECT_EQ(used(), at);
}

TEST(ApiActsTest, APauseHoldsEverywhereWhenItIsAnswered) {
  ServiceBed bed;
  const auto paused = [&] {
    return bed.get("/v1/pause").body.find("\"paused\":true") != std::string::npos;
  };
  EXPECT_FALSE(paused());
  EXPECT_EQ(bed.post("/v1/pause").status, 400) << "it does not say why";
  const std::string name = "Idempotency-Key: stop\r\n";
  EXPECT_NE(bed.post("/v1/pause?reason=drill", "", "", name).body.find("\"changed\":true"),
            std::string::npos);
  EXPECT_TRUE(paused());
  for (PartitionId id = 0; id < 2; ++id) {
    bool here = false;
    ASSERT_TRUE(bed.service->workspace().engine().ask(
        id, [&](runtime::Partition& partition) { here = partition.status().effects_paused; }));
    EXPECT_TRUE(here) << id;
  }
  EXPECT_NE(bed.post("/v1/pause?reason=drill", "", "", name).body.find("\"changed\":false"),
            std::string::npos);
  EXPECT_EQ(bed.post("/v1/pause/resume?reason=over").status, 200);
  EXPECT_FALSE(paused());
  EXPECT_EQ(bed.post("/v1/pause?reason=drill", "", "", name).status, 409) << "undone since";
  EXPECT_FALSE(paused());
}

TEST(ApiActsTest, ADraftIsNotWrittenOverByWhoHasNotReadIt) {
  TemporaryDirectory folder;
  const auto files = os::make_posix_file_system();
  Drafts drafts{*files, folder.path() + "/drafts"};
  ASSERT_TRUE(drafts.write("hello", std::nullopt, "one"));
  EXPECT_EQ(drafts.write("hello", std::nullopt, "two").error().code, Code::kConflict);
  EXPECT_EQ(drafts.write("hello", "other", "two").error().code, Code::kConflict);
  EXPECT_EQ(drafts.read("hello").value(), "one");
  ASSERT_TRUE(drafts.write("hello", "one", "two"));
  EXPECT_EQ(drafts.read("hello").value(), "two");
}

}  // namespace
}  // namespace dealwright::daemon
