// Backups over HTTP, and a service on what was restored: nothing leaves it before somebody says so.
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "connectors/daemon/backup/backup.h"
#include "connectors/os/posix_file_system.h"
#include "connectors/os/system_clock.h"
#include "tests/connectors/daemon/service_bed.h"

namespace dealwright::daemon {
namespace {

// Until it does not run any more.
http::Answer done(ServiceBed& bed, const std::string& name) {
  for (;;) {
    auto answer = bed.get("/v1/backups/" + name + "?timeout=5000");
    if (answer.status != 200 || bed.text_in(answer.body, "state") != "running") return answer;
  }
}

http::Answer make(ServiceBed& bed, const std::string& query = {}) {
  const auto begun = bed.post("/v1/backups" + query);
  EXPECT_EQ(begun.status, 202) << begun.body;
  return done(bed, bed.text_in(begun.body, "backup"));
}

bool flag_in(const std::string& body, std::string_view name) {
  const auto value = ServiceBed::json(body);
  const auto* found = value.as_map() == nullptr ? nullptr : find(*value.as_map(), name);
  return found != nullptr && found->as_bool() != nullptr && *found->as_bool();
}

TEST(ApiBackupTest, MakesListsAndRefuses) {
  ServiceBed bed;
  bed.append("lead.captured", "lead/l1", R"({"company":"Acme"})", "1");
  const auto whole = make(bed);
  EXPECT_EQ(bed.text_in(whole.body, "state"), "whole") << whole.body;
  const auto path = bed.text_in(whole.body, "path");
  EXPECT_TRUE(path.starts_with(bed.config.data + "/backups/")) << path;
  const auto files = os::make_posix_file_system();
  ASSERT_TRUE(verify_backup(*files, path));

  const auto elsewhere = make(bed, "?to=" + bed.folder.path() + "/apart&without_keys=true");
  EXPECT_EQ(bed.text_in(elsewhere.body, "state"), "whole") << elsewhere.body;
  EXPECT_FALSE(verify_backup(*files, bed.folder.path() + "/apart").value().keys);
  const auto again = make(bed, "?to=" + bed.folder.path() + "/apart");
  EXPECT_EQ(bed.text_in(again.body, "state"), "failed");
  EXPECT_EQ(bed.text_in(again.body, "code"), "conflict") << again.body;

  const auto once = [&] { return bed.post("/v1/backups", "", "", "Idempotency-Key: nightly\r\n"); };
  const auto begun = once();
  ASSERT_EQ(begun.status, 202) << begun.body;
  const auto repeated = once();
  EXPECT_EQ(repeated.body, begun.body) << "no second one";
  EXPECT_EQ(repeated.fields.at("idempotency-replayed"), "true");
  const auto name = bed.text_in(begun.body, "backup");
  EXPECT_EQ(bed.get("/v1/backups/" + name + "?timeout=30000").status, 200);

  std::filesystem::create_directories(bed.config.data + "/backups/broken");
  const auto listed = bed.get("/v1/backups");
  for (const auto* word : {"\"whole\"", "\"failed\"", "\"broken_off\"", "/apart"}) {
    EXPECT_NE(listed.body.find(word), std::string::npos) << word << " in " << listed.body;
  }
  for (const auto& to : {std::string{"relative"}, bed.config.data, bed.config.data + "/log/0/x",
                         bed.config.data + "/backups/../state/x"}) {
    EXPECT_EQ(bed.post("/v1/backups?to=" + to).status, 400) << to;
  }
  EXPECT_EQ(bed.get("/v1/backups/nothing").status, 404);
}

TEST(ApiBackupTest, OneAtATimeAndNoneOutlivesTheServer) {
  ServiceBed bed;
  std::mutex mutex;
  std::condition_variable changed;
  bool held = true;
  bed.stop();
  ServiceOptions options;
  options.config = bed.config;
  options.at_point = [&](std::string_view point) {
    if (point != "backup.cut") return;
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return !held; });
  };
  auto started = Service::start(std::move(options));
  ASSERT_TRUE(started) << started.error().detail;
  bed.service = std::move(started.value());
  const auto url = bed.service->url();
  bed.port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
  const auto first = bed.post("/v1/backups");
  EXPECT_EQ(first.status, 202);
  EXPECT_EQ(bed.text_in(first.body, "state"), "running");
  EXPECT_EQ(bed.post("/v1/backups").status, 409);
  // The service goes on meanwhile.
  bed.append("lead.captured", "lead/l1", R"({"company":"Acme"})", "1");
  {
    const std::lock_guard lock{mutex};
    held = false;
  }
  changed.notify_all();
  EXPECT_EQ(bed.text_in(done(bed, bed.text_in(first.body, "backup")).body, "state"), "whole");
}

TEST(ApiBackupTest, WhatIsRestoredIsPausedUntilSomebodySaysSo) {
  ServiceBed bed;
  bed.append("lead.captured", "lead/l1", R"({"company":"Acme"})", "1");
  const auto whole = make(bed);
  bed.stop();
  const auto files = os::make_posix_file_system();
  const auto clock = os::make_system_clock();
  bed.config.data = bed.folder.path() + "/restored";
  const auto restored =
      restore_backup(*files, *clock, bed.text_in(whole.body, "path"), bed.config.data, {});
  ASSERT_TRUE(restored) << restored.error().detail;
  bed.start();  // its key is still good
  EXPECT_EQ(bed.get("/v1/records/lead/l1?wait_for=" +
                    bed.append("note.added", "lead/l1", R"({"text":"back"})", "2"))
                .status,
            200);
  EXPECT_TRUE(flag_in(bed.get("/v1/pause").body, "paused"));
  EXPECT_TRUE(flag_in(bed.get("/health/ready").body, "effects_paused"));
  EXPECT_NE(bed.get("/v1/partitions").body.find("\"effects_paused\":true"), std::string::npos);
  bed.stop();
  bed.start();  // a start lifts nothing
  EXPECT_TRUE(flag_in(bed.get("/v1/pause").body, "paused"));
  auto ended = bed.post("/v1/pause/resume?reason=seen");
  EXPECT_EQ(ended.status, 200) << ended.body;
  EXPECT_TRUE(flag_in(ended.body, "changed"));
  EXPECT_FALSE(flag_in(ended.body, "paused"));
  ended = bed.post("/v1/pause/resume?reason=seen");
  EXPECT_EQ(ended.status, 200) << ended.body;
  EXPECT_FALSE(flag_in(ended.body, "changed"));
  EXPECT_FALSE(flag_in(bed.get("/health/ready").body, "effects_paused"));
  EXPECT_EQ(bed.get("/v1/partitions").body.find("\"effects_paused\":true"), std::string::npos);
  bed.stop();
  bed.start();
  EXPECT_FALSE(flag_in(bed.get("/v1/pause").body, "paused"));
}

}  // namespace
}  // namespace dealwright::daemon
